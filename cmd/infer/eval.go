package main

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"math"
	"slices"
	"time"

	"github.com/infer-go/infer/cmd/infer/internal/idx"
	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights"
)

var evalCommand = command{
	name: "eval",
	args: "--images IDX --labels IDX [--model F] [--limit N] [--prepare] [--json]",
	help: `
Classify the pictures of a data set in MNIST's IDX format, plain or gzip, and
compare with its labels: accuracy and confusion matrix, a row for each true
class. Pictures of the input's own size are given to the net as they are, others
are prepared as any picture; with --prepare all are. --json prints
{"images","correct","accuracy","seconds","confusion"}; the accuracy is a
fraction.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		var o evalOptions
		model := modelFlag(flags)
		images := flags.String("images", "", "pictures, N×height×width: IDX `FILE`")
		labels := flags.String("labels", "", "their classes, N: IDX `FILE`")
		flags.IntVar(&o.limit, "limit", 0, "take only the first `N` pictures")
		flags.IntVar(&o.batch, "batch", 64, "compute `N` pictures at a time")
		flags.IntVar(&o.threads, "threads", 1, "compute on `N` threads")
		flags.BoolVar(&o.prepare, "prepare", false, "prepare each picture, whatever its size")
		asJSON := flags.Bool("json", false, "print JSON")
		return func(a *app, args []string) error {
			switch {
			case len(args) > 0:
				return usagef("%q is one argument too many", args[0])
			case *images == "" || *labels == "":
				return usagef("--images and --labels are needed")
			case o.limit < 0 || o.batch < 1 || o.threads < 1:
				return usagef("--limit, --batch and --threads are positive numbers")
			}
			set, err := a.readDataSet(*images, *labels)
			if err != nil {
				return err
			}
			m, err := openModel(*model)
			if err != nil {
				return err
			}
			defer m.Close()
			e, err := a.eval(m, set, o)
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(e)
			}
			e.print(a, m.Meta().Labels)
			return nil
		}
	},
}

// maxDataSet is the largest data set that is read, in bytes.
const maxDataSet = 2 << 30

type evalOptions struct {
	limit, batch, threads int
	prepare               bool
}

// A dataSet is pictures and their classes.
type dataSet struct {
	images, labels *idx.Array
	imageFile      string
}

func (a *app) readDataSet(images, labels string) (s dataSet, err error) {
	s.imageFile = images
	if s.images, err = a.readIDX(images); err != nil {
		return s, err
	}
	if len(s.images.Shape) != 3 {
		return s, fmt.Errorf("%s: pictures have three dimensions, not %d", images, len(s.images.Shape))
	}
	if s.labels, err = a.readIDX(labels); err != nil {
		return s, err
	}
	if len(s.labels.Shape) != 1 {
		return s, fmt.Errorf("%s: labels have one dimension, not %d", labels, len(s.labels.Shape))
	}
	if s.images.Len() != s.labels.Len() {
		return s, fmt.Errorf("%s has %d pictures, but %s has %d labels", images, s.images.Len(), labels, s.labels.Len())
	}
	return s, nil
}

func (a *app) readIDX(file string) (*idx.Array, error) {
	data, err := a.readFile(file, maxDataSet)
	if err != nil {
		return nil, err
	}
	array, err := idx.Read(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return array, nil
}

// An evaluation is what --json prints.
type evaluation struct {
	Images    int     `json:"images"`
	Correct   int     `json:"correct"`
	Accuracy  float64 `json:"accuracy"` // a fraction
	Seconds   float64 `json:"seconds"`
	Confusion [][]int `json:"confusion"` // [true class][answer]
}

func (a *app) eval(m *engine.Model, set dataSet, o evalOptions) (*evaluation, error) {
	n := set.images.Len()
	if o.limit > 0 {
		n = min(n, o.limit)
	}
	out := m.Outputs()[0]
	item, classes := tensorSize(m.Inputs()[0]), tensorSize(out)
	if len(m.Inputs()) != 1 || classes < 2 || slices.Max(out.Shape) != classes {
		return nil, engine.ErrNotClassifier
	}
	for i, l := range set.labels.Data[:n] {
		if int(l) >= classes {
			return nil, fmt.Errorf("label %d is %d, but the model knows %d classes", i, l, classes)
		}
	}
	if !hasBatch(m.Inputs()[0].Shape) {
		o.batch = 1
	}
	s, err := m.NewSession(engine.SessionOptions{Batch: min(o.batch, n), Threads: o.threads})
	if err != nil {
		return nil, err
	}
	defer s.Close()

	p := m.Meta().Preparation
	raw := !o.prepare && p.Order == weights.Gray && item == set.images.Size() && p.Kind != weights.NoPicture
	if p.Kind == weights.NoPicture && !o.prepare && item == set.images.Size() {
		// Nobody said how: 0…1 is what most nets take.
		raw, p = true, weights.Preparation{Scale: 1.0 / 255, Std: [3]float32{1, 1, 1}}
	}

	e := &evaluation{Images: n, Confusion: make([][]int, classes)}
	for i := range e.Confusion {
		e.Confusion[i] = make([]int, classes)
	}
	bar := a.newProgress("evaluating", n)
	defer bar.end()
	begin := time.Now()
	for i := 0; i < n; {
		in := s.Input(0)
		k := min(o.batch, n-i)
		for j := range k {
			dst := in[j*item:][:item]
			pix := set.images.Item(i + j)
			if raw {
				scaleBytes(dst, pix, p)
				continue
			}
			w := set.images.Shape[2]
			img := &image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, set.images.Shape[1])}
			if err := m.Prepare(dst, img); err != nil {
				return nil, fmt.Errorf("%s: picture %d: %w", set.imageFile, i+j, err)
			}
		}
		if err := s.Run(k); err != nil {
			return nil, err
		}
		scores := s.Output(0)
		for j := range k {
			best, ok := greatest(scores[j*classes:][:classes])
			if !ok {
				return nil, fmt.Errorf("%s: picture %d: %w", set.imageFile, i+j, engine.ErrNaN)
			}
			truth := int(set.labels.Data[i+j])
			e.Confusion[truth][best]++
			if best == truth {
				e.Correct++
			}
		}
		i += k
		bar.set(i)
	}
	e.Seconds = time.Since(begin).Seconds()
	e.Accuracy = float64(e.Correct) / float64(n)
	return e, nil
}

// scaleBytes makes grey bytes into the input of a net.
func scaleBytes(dst []float32, pix []byte, p weights.Preparation) {
	for i, v := range pix {
		dst[i] = (float32(v)*p.Scale - p.Mean[0]) / p.Std[0]
	}
}

// greatest is the index of the greatest number; false if one is NaN.
func greatest(x []float32) (best int, ok bool) {
	for i, v := range x {
		if math.IsNaN(float64(v)) {
			return 0, false
		}
		if v > x[best] {
			best = i
		}
	}
	return best, true
}

// tensorSize is the number of elements of one item of a tensor.
func tensorSize(t engine.Tensor) int {
	n := 1
	for _, d := range t.Shape {
		n *= max(d, 1) // −1 is the batch
	}
	return n
}

// print prints an evaluation for people. A matrix of many classes is left out.
func (e *evaluation) print(a *app, labels []string) {
	fmt.Fprintf(a.stdout, "%d of %d right: %.2f %%, in %.2f s (%.0f pictures a second)\n",
		e.Correct, e.Images, 100*e.Accuracy, e.Seconds, float64(e.Images)/e.Seconds)
	if len(e.Confusion) > 20 {
		return
	}
	name := func(i int) string {
		if i < len(labels) {
			return printable(labels[i])
		}
		return fmt.Sprint(i)
	}
	fmt.Fprint(a.stdout, "\n  true \\ answer")
	for i := range e.Confusion {
		fmt.Fprintf(a.stdout, "%6s", name(i))
	}
	fmt.Fprintln(a.stdout)
	for i, row := range e.Confusion {
		fmt.Fprintf(a.stdout, "%15s", name(i))
		for _, n := range row {
			fmt.Fprintf(a.stdout, "%6d", n)
		}
		fmt.Fprintln(a.stdout)
	}
}
