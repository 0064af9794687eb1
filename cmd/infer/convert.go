package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

var convertCommand = command{
	name: "convert",
	args: "IN.onnx OUT.frz [--shape NAME=1x3x480x640] [--weights f32|half] [--labels FILE] [--digits | --crop | --stretch | --pad] [--answer WHAT] [--int8 --calibrate PATH...] ...",
	help: `
Freeze an ONNX model. How pictures become its input is stated here and stored
in the file. --digits prepares them as MNIST's. For photos, use --crop,
--stretch or --pad, and the flags for channels and scaling: a channel's value v
of 0…255 becomes (v·scale − mean) / std. Models of torchvision take --crop
--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 and the --resize that their
weights' transforms() prints: 232 for ResNet50_Weights.DEFAULT, 256 for many
others. Any flag from --resize to --std implies --crop unless another way is
given. Without any of these flags, the net takes only raw tensors. Scores become
probabilities by softmax, unless the model ends in Softmax or Sigmoid. A height, width or length that the
model leaves open stays open if possible; --shape freezes the net for one size.
OUT.frz may be a pipe or a device; - is standard output.

With --int8, values and weights become 8-bit integers: the file is a quarter as
large, and the net mostly two to three times as fast. The ranges of values are determined
from the inputs that --calibrate names, which should be like those that the net
will be given: at least 16 pictures or tensors, better a few hundred; if there
are more than 1,000, an even sample of 1,000 is used. Pictures become inputs as
the file will say; those of an IDX file that have the input's size, as in infer
eval. A step whose error would be out of proportion stays float, as do those
that --keep-float names. A table at the end shows the cost: for each step, its
signal-to-noise ratio in decibels, and for the net, how many answers have
changed.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		var o convertOptions
		flags.StringVar(&o.weights, "weights", "f32", "element `TYPE` of the weights: f32, or half for a file of half the size")
		flags.StringVar(&o.labels, "labels", "", "read the names of the classes from `FILE`, one per line")
		flags.StringVar(&o.name, "name", "", "short `NAME` of the net; its file's name if not given")
		flags.StringVar(&o.note, "note", "", "free `TEXT`: training data, accuracy, licence")
		flags.BoolVar(&o.batch, "batch", false, "accept any number of items at a time although the model says one")
		flags.BoolVar(&o.verbose, "v", false, "show what each freeze pass removed")
		flags.Var(&o.shapes, "shape", "an input's `NAME=SIZES`, such as 1x3x480x640, or only the sizes of its open dimensions, such as 480x640; NAME= may be omitted if there is only one input; may be repeated")
		flags.Func("tiers", "choose algorithms of a quantised net that no tier of `LIST` is slower with; "+
			strings.Join(kernels.FreezeTiers, ",")+" if not given; the net runs on all others, too", func(s string) error {
			o.tiers = strings.Split(s, ",")
			return kernels.CheckFreezeTiers(o.tiers)
		})
		o.picture.declare(flags)
		o.answer.declare(flags)
		o.quantise.declare(flags)
		return func(a *app, args []string) error {
			if n := len(args); n > 2 && len(o.quantise.paths) > 0 {
				o.quantise.paths = append(o.quantise.paths, args[2:]...)
			} else if n != 2 {
				return usagef("two files are needed, IN.onnx and OUT.frz, not %d", n)
			}
			flags.Visit(func(f *flag.Flag) {
				o.picture.given(f.Name)
				o.answer.note(f.Name)
			})
			return a.convert(args[0], args[1], &o)
		}
	},
}

type convertOptions struct {
	weights, labels, name, note string
	batch, verbose              bool
	tiers                       []string
	shapes                      shapeFlags
	picture                     pictureFlags
	answer                      answerFlags
	quantise                    quantiseFlags
}

// maxModel is the largest model that is read, in bytes: that of protobuf.
const maxModel = 2 << 30

func (a *app) convert(in, out string, o *convertOptions) error {
	elem, ok := map[string]tensor.Elem{"f32": tensor.F32, "half": tensor.F16}[o.weights]
	if !ok {
		return usagef("--weights %s: it must be f32 or half", o.weights)
	}
	answer, preset, err := o.answer.answer()
	if err != nil {
		return err
	}
	o.picture.preset = preset
	if err := o.picture.check(); err != nil {
		return err
	}
	if err := o.quantise.check(); err != nil {
		return err
	}
	if err := checkOutput(out, append(slices.Clone(o.quantise.paths), in, o.labels)...); err != nil {
		return err
	}
	bar := a.newProgress("reading", 1)
	defer func() { bar.end() }()
	model, err := a.readFile(in, maxModel)
	if err != nil {
		return err
	}
	meta := weights.Meta{
		Name:     o.name,
		Source:   fmt.Sprintf("%s, SHA-256 %x", filepath.Base(in), sha256.Sum256(model)),
		Producer: "infer " + version(),
		Note:     o.note,
		Answer:   answer,
	}
	if meta.Name == "" {
		meta.Name = strings.TrimSuffix(filepath.Base(in), filepath.Ext(in))
	}
	var labels []string
	if o.labels != "" {
		if labels, err = a.readLabels(o.labels); err != nil {
			return err
		}
	}
	dir := ""
	if in != "-" {
		dir = filepath.Dir(in)
	}
	doing := ""
	show := func(what string, done, total int) {
		if what != doing {
			bar.end()
			bar, doing = a.newProgress(what, total), what
		}
		bar.set(done)
	}
	options := onnx.Options{
		Weights: elem, Batch: o.batch, Shapes: o.shapes, Dir: dir, Meta: meta, Tiers: o.tiers,
		Progress: func(done, total int) { show("freezing", done, total) },
	}
	var items *calibration
	if o.quantise.int8 {
		options.Quantise = &onnx.Quantisation{
			Percentile: float64(o.quantise.span),
			KeepFloat:  o.quantise.keep,
			Progress:   show,
			Items: func(float *weights.Net) (onnx.Items, error) {
				var err error
				if float.Meta.Preparation, err = o.picture.preparation(float); err != nil {
					return nil, err
				}
				items, err = a.calibration(o.quantise.paths, float)
				if err == nil && items.Len() < onnx.LeastItems {
					err = inFile(strings.Join(o.quantise.paths, ", "), fmt.Errorf("%s are too few to calibrate with: at least %d are needed", counted(items.Len(), "items"), onnx.LeastItems))
				}
				return items, err
			},
		}
	}
	net, report, err := onnx.Freeze(model, options)
	bar.end()
	if kind := files.KindOf(model); err != nil && kind != "" && kind != files.ONNXModel {
		err = errors.New("it is " + kind + ", not an ONNX model")
	}
	var item *onnx.ItemError
	switch {
	case errors.As(err, &item):
		return items.inItem(item)
	case files.Named(err) != nil: // of what it is calibrated with
		return files.Named(err)
	case err != nil:
		return inFile(in, err)
	}
	first := net.Values[net.Outputs[0]]
	if n, known := answer.Classes(first.Type); known && labels != nil && len(labels) != n {
		return inFile(o.labels, fmt.Errorf("%s, but the output %q has %s", counted(len(labels), "labels"), first.Name, counted(n, "classes")))
	}
	net.Meta.Labels = labels
	if net.Meta.Preparation, err = o.picture.preparation(net); err != nil {
		return inFile(in, err)
	}
	bar = a.newProgress("writing", 1)
	data, err := weights.Marshal(net)
	if err != nil {
		return inFile(in, err)
	}
	// What cannot be opened takes nothing's place.
	m, err := engine.Parse(data)
	if err != nil {
		return inFile(in, err)
	}
	defer m.Close()
	if err := a.save(out, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		return err
	}
	bar.end()
	if report.Quantised != nil {
		a.showQuantised(report.Quantised)
	}
	return a.summarize(out, m, len(data), report, o.verbose)
}

// showQuantised tells what integers cost.
func (a *app) showQuantised(r *onnx.QuantisationReport) {
	w := tabwriter.NewWriter(a.stderr, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LAYER\tOPERATION\tSIGNAL TO NOISE\t")
	for _, l := range r.Layers {
		why := ""
		if l.Float != "" {
			why = "stays float: " + l.Float
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(l.Name), l.Op, decibels(l.SNR), printable(why))
	}
	w.Flush()
	fmt.Fprintf(a.stderr, "calibrated with %s: the outputs' signal to noise is %s, the largest difference %.3g of a range of %.3g",
		counted(r.Items, "items"), decibels(r.SNR), r.Largest, r.Range)
	if r.Changed >= 0 {
		fmt.Fprintf(a.stderr, "; %d of %s changed", r.Changed, counted(r.Items, "answers"))
	}
	fmt.Fprintln(a.stderr)
}

// decibels writes a ratio of signal to noise.
func decibels(db float64) string {
	if math.IsInf(db, 1) {
		return "exact"
	}
	return fmt.Sprintf("%.1f dB", db)
}

// likePictures says whether inputs are what pictures could become.
func likePictures(inputs []engine.Tensor) bool {
	if len(inputs) != 1 || inputs[0].Elem != tensor.F32 || len(inputs[0].Shape) != 4 {
		return false
	}
	channels := inputs[0].Shape[1]
	return channels == 1 || channels == 3
}

// summarize tells what became of the model: a file of so many bytes.
func (a *app) summarize(out string, m *engine.Model, bytes int, r *onnx.Report, verbose bool) error {
	var sizes []int
	for _, d := range m.Open() {
		sizes = append(sizes, d.Size)
	}
	memory, err := m.Memory(1, sizes...)
	if err != nil {
		return inFile(out, err)
	}
	if verbose {
		for _, p := range r.Passes {
			fmt.Fprintf(a.stderr, "%-40s %5d removed\n", p.Name, p.Removed)
		}
		if r.Transposes > 0 {
			fmt.Fprintf(a.stderr, "%-40s %5d\n", "steps that move data between layouts", r.Transposes)
		}
	}
	if r.Unbatched != "" {
		fmt.Fprintf(a.stderr, "one item at a time, although the model leaves the batch open: %s\n", printable(r.Unbatched))
	}
	at := ""
	if sizes != nil {
		at = " at " + strings.ReplaceAll(sizesText(m.Open()), "x", "×")
		fmt.Fprintf(a.stderr, "open: %s\n", printable(openText(m.Open())))
	}
	steps := 0
	for _, s := range m.Steps() {
		if !s.View {
			steps++
		}
	}
	fmt.Fprintf(a.stderr, "%s: %s became %s; %s, %s, %s, %s of memory for a session%s\n",
		printable(out), counted(r.Operators, "operators"), counted(steps, "steps"), counted(r.Parameters, "parameters"),
		counted(r.MACs, "multiply-adds"), counted(bytes, "bytes"), counted(memory.Arena+memory.Scratch, "bytes"), at)
	if m.Meta().Preparation.Kind == weights.NoPicture && likePictures(m.Inputs()) {
		fmt.Fprintln(a.stderr, "it takes tensors only: --crop, --stretch, --pad or --digits make it take pictures")
	}
	return nil
}
