package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/internal/idx"
	"github.com/infer-go/infer/internal/score"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

var evalCommand = command{
	name: "eval",
	args: "[F] --images IDX --labels IDX [--limit N] [--prepare] [--json]",
	help: `
Classify the pictures of a data set in MNIST's IDX format, plain or gzip, and
compare the answers with its labels: accuracy and confusion matrix, a row for
each true class. Pictures of the input's own size are given to the net
unchanged, and others are prepared like any picture; with --prepare all are. A
blank picture counts as wrong. --json prints
{"images","correct","blank","accuracy","seconds","confusion"}; the accuracy is
a fraction.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		var o evalOptions
		model := modelFlag(flags)
		images := flags.String("images", "", "read pictures, N×height×width, from the IDX `FILE`")
		labels := flags.String("labels", "", "read their N classes from the IDX `FILE`")
		flags.IntVar(&o.limit, "limit", 0, "take only the first `N` pictures; 0 for all")
		flags.IntVar(&o.batch, "batch", 0, "compute `N` pictures at a time; 64 if not given, or as many as the net can")
		flags.IntVar(&o.threads, "threads", 1, "compute on `N` threads")
		flags.BoolVar(&o.prepare, "prepare", false, "prepare each picture, whatever its size")
		asJSON := flags.Bool("json", false, "print JSON")
		return func(a *app, args []string) error {
			if err := model.take(args); err != nil {
				return err
			}
			switch {
			case *images == "" || *labels == "":
				return usagef("--images and --labels are needed")
			case o.limit < 0:
				return usagef("--limit %d: at least 1, or 0 for all", o.limit)
			}
			if err := atLeastOne("threads", o.threads); err != nil {
				return err
			}
			if isGiven(flags, "batch") {
				if err := atLeastOne("batch", o.batch); err != nil {
					return err
				}
			}
			set, err := a.readDataSet(*images, *labels)
			if err != nil {
				return err
			}
			m, err := model.open()
			if err != nil {
				return err
			}
			defer m.Close()
			e, err := a.eval(m, *model, set, o)
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
	limit, batch, threads int // batch is 0 if nobody said
	prepare               bool
}

// A dataSet is pictures and their classes.
type dataSet struct {
	images, labels        *idx.Array
	imageFile, labelsFile string
}

func (a *app) readDataSet(images, labels string) (s dataSet, err error) {
	s.imageFile, s.labelsFile = images, labels
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
		return s, fmt.Errorf("%s has %s, but %s has %s", images, counted(s.images.Len(), "pictures"), labels, counted(s.labels.Len(), "labels"))
	}
	return s, nil
}

func (a *app) readIDX(file string) (*idx.Array, error) {
	data, err := a.readFile(file, maxDataSet)
	if errors.Is(err, files.ErrFolder) {
		return nil, inFile(file, fmt.Errorf("%w: a file in MNIST's IDX format is needed", files.ErrFolder))
	}
	if err != nil {
		return nil, err
	}
	array, err := idx.Read(bytes.NewReader(data))
	if err != nil {
		return nil, inFile(file, err)
	}
	return array, nil
}

// An evaluation is what --json prints.
type evaluation struct {
	Images    int     `json:"images"`
	Correct   int     `json:"correct"`
	Blank     int     `json:"blank"`    // of those that are wrong, because nothing is drawn on them
	Accuracy  float64 `json:"accuracy"` // a fraction
	Seconds   float64 `json:"seconds"`
	Confusion [][]int `json:"confusion"` // [true class][answer], without the blank ones
}

func (a *app) eval(m *engine.Model, file modelFile, set dataSet, o evalOptions) (*evaluation, error) {
	if err := file.checkClasses(m); err != nil {
		return nil, err
	}
	v := &evaluator{m: m, file: file, set: set, classes: m.Classes(), n: set.images.Len()}
	if o.limit > 0 {
		v.n = min(v.n, o.limit)
	}
	for i, l := range set.labels.Data[:v.n] {
		if int(l) >= v.classes {
			return nil, inFile(set.labelsFile, fmt.Errorf("label %d is %d, but the model knows %s", i, l, counted(v.classes, "classes")))
		}
	}
	if err := v.chooseInput(o.prepare); err != nil {
		return nil, err
	}
	sizes, err := v.sizes()
	if err != nil {
		return nil, inFile(v.file.name(), err)
	}
	switch {
	case o.batch > 0:
		v.batch = o.batch
	case m.Inputs()[0].Batched():
		v.batch = min(64, v.n)
	default:
		v.batch = 1
	}
	if v.s, err = file.session(m, engine.SessionOptions{Batch: v.batch, Threads: o.threads, Sizes: sizes}); err != nil {
		return nil, err
	}
	defer v.s.Close()
	bar := a.newProgress("evaluating", v.n)
	defer bar.end()
	return v.run(bar)
}

// An evaluator shows a net the pictures of a data set.
type evaluator struct {
	m    *engine.Model
	file modelFile
	s    *engine.Session
	set  dataSet

	n       int // pictures
	batch   int
	classes int

	raw   bool // pictures become inputs by scale alone, not by SetPicture
	scale weights.Preparation
}

// chooseInput chooses how pictures become inputs. A data set of the net's own
// size is what it was trained with, and is measured as it is.
func (v *evaluator) chooseInput(prepare bool) error {
	if len(v.m.Inputs()) != 1 {
		return v.file.checkPictures(v.m)
	}
	if err := onlyFloats(v.m.Inputs()); err != nil {
		return inFile(v.file.name(), err)
	}
	p, raw := score.Raw(v.m, v.set.images.Shape[2], v.set.images.Shape[1])
	if !raw || prepare {
		return v.file.checkPictures(v.m)
	}
	v.raw, v.scale = true, p
	return nil
}

// shape is that of a picture as an input.
func (v *evaluator) shape() tensor.Shape {
	return tensor.Shape{1, 1, v.set.images.Shape[1], v.set.images.Shape[2]}
}

// sizes are those of the model's open dimensions for the pictures.
func (v *evaluator) sizes() ([]int, error) {
	switch shape := v.shape(); {
	case len(v.m.Open()) == 0:
		return nil, nil
	case v.raw:
		return v.m.Sizes(shape)
	default:
		return v.m.PictureSizes(image.Rect(0, 0, shape[3], shape[2]))
	}
}

// run computes batch after batch.
func (v *evaluator) run(bar *progress) (*evaluation, error) {
	e := &evaluation{Images: v.n, Confusion: make([][]int, v.classes)}
	for i := range e.Confusion {
		e.Confusion[i] = make([]int, v.classes)
	}
	blank := make([]bool, v.batch)
	begin := time.Now()
	for i := 0; i < v.n; {
		k := min(v.batch, v.n-i)
		for j := range k {
			err := v.input(j, i+j)
			blank[j] = errors.Is(err, engine.ErrBlank)
			if err != nil && !blank[j] {
				return nil, v.inPicture(i+j, err)
			}
		}
		if err := v.s.Run(k); err != nil {
			return nil, inFile(v.file.name(), err)
		}
		scores := v.s.Output(0)
		for j := range k {
			if blank[j] {
				e.Blank++
				continue
			}
			top, err := v.m.Top(scores[j*v.classes:][:v.classes], 1)
			if err != nil {
				return nil, v.inPicture(i+j, err)
			}
			best := top[0].Index
			truth := int(v.set.labels.Data[i+j])
			e.Confusion[truth][best]++
			if best == truth {
				e.Correct++
			}
		}
		i += k
		bar.set(i)
	}
	e.Seconds = time.Since(begin).Seconds()
	e.Accuracy = float64(e.Correct) / float64(v.n)
	return e, nil
}

// input makes picture i item j of the input.
func (v *evaluator) input(j, i int) error {
	pix := v.set.images.Item(i)
	if v.raw {
		picture.NormaliseGray(v.s.Input(0)[j*len(pix):][:len(pix)], pix, &v.scale)
		return nil
	}
	h, w := v.set.images.Shape[1], v.set.images.Shape[2]
	_, err := v.s.SetPicture(j, &image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, h)})
	return err
}

// inPicture is an error about picture i.
func (v *evaluator) inPicture(i int, err error) error {
	return inFile(fmt.Sprintf("%s: picture %d", v.set.imageFile, i), err)
}

// maxMatrix is the greatest confusion matrix that fits a terminal.
const maxMatrix = 20

// print prints an evaluation for people.
func (e *evaluation) print(a *app, labels []string) {
	fmt.Fprintf(a.stdout, "%d of %d right: %.2f %%, in %.2f s (%s a second)\n",
		e.Correct, e.Images, 100*e.Accuracy, e.Seconds, numbered(fmt.Sprintf("%.0f", float64(e.Images)/e.Seconds), "pictures"))
	if e.Blank > 0 {
		are, them := "are", "them"
		if e.Blank == 1 {
			are, them = "is", "it"
		}
		fmt.Fprintf(a.stdout, "%d of the wrong %s blank: nothing is drawn on %s\n", e.Blank, are, them)
	}
	if len(e.Confusion) > maxMatrix {
		fmt.Fprintf(a.stdout, "no confusion matrix of %d classes: --json has it\n", len(e.Confusion))
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

// onlyFloats refuses inputs of another type than float32.
func onlyFloats(tensors []engine.Tensor) error {
	for _, t := range tensors {
		if t.Elem != tensor.F32 {
			return fmt.Errorf("%q is %v, where pictures become f32", t.Name, t.Elem)
		}
	}
	return nil
}
