package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

var convertCommand = command{
	name: "convert",
	args: "IN.onnx OUT.frz [--shape NAME=1x3x480x640] [--weights f32|half] [--labels FILE] [--digits | --crop | --stretch | --pad] [--answer WHAT] ...",
	help: `
Freeze an ONNX model. How pictures become its input is told here and kept in
the file: --digits prepares them as MNIST's; --crop, --stretch or --pad and the
flags of channels and numbers tell it for photos, where a channel's value v of
0…255 becomes (v·scale − mean) / std. What torchvision's models take is
--crop --resize 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225. Any flag
from --resize to --std stands for --crop where no other way is given. Without
any of them the net takes raw tensors only. A height, width or length that the
model leaves open stays open, where that is possible; --shape says that the net
is for one size alone. OUT.frz may be a pipe or a device;
- is standard output.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		var o convertOptions
		flags.StringVar(&o.weights, "weights", "f32", "element `TYPE` of the weights: f32, or half for a file of half the size")
		flags.StringVar(&o.labels, "labels", "", "names of the classes, a line each: `FILE`")
		flags.StringVar(&o.name, "name", "", "short `NAME` of the net; its file's name if not given")
		flags.StringVar(&o.note, "note", "", "free `TEXT`: training data, accuracy, licence")
		flags.BoolVar(&o.batch, "batch", false, "any number of items at a time, though the model says one")
		flags.BoolVar(&o.verbose, "v", false, "show what each freeze pass removed")
		flags.Var(&o.shapes, "shape", "an input's `NAME=SIZES`, as 1x3x480x640, or those of its open dimensions alone, as 480x640; of the only input without NAME=; may be repeated")
		o.picture.declare(flags)
		o.answer.declare(flags)
		return func(a *app, args []string) error {
			if len(args) != 2 {
				return usagef("two files are needed, IN.onnx and OUT.frz, not %d", len(args))
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
	shapes                      shapeFlags
	picture                     pictureFlags
	answer                      answerFlags
}

// maxModel is the largest model that is read, in bytes: that of protobuf.
const maxModel = 2 << 30

func (a *app) convert(in, out string, o *convertOptions) error {
	elem, ok := map[string]tensor.Elem{"f32": tensor.F32, "half": tensor.F16}[o.weights]
	if !ok {
		return usagef("--weights %s: it is f32 or half", o.weights)
	}
	answer, preset, err := o.answer.answer()
	if err != nil {
		return err
	}
	o.picture.preset = preset
	if err := o.picture.check(); err != nil {
		return err
	}
	if err := checkOutput(out, in, o.labels); err != nil {
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
	frozen := false
	net, report, err := onnx.Freeze(model, onnx.Options{
		Weights: elem, Batch: o.batch, Shapes: o.shapes, Dir: dir, Meta: meta,
		Progress: func(done, total int) {
			if !frozen {
				bar.end()
				bar, frozen = a.newProgress("freezing", total), true
			}
			bar.set(done)
		},
	})
	bar.end()
	if kind := kindOf(model); err != nil && kind != "" && kind != "an ONNX model" {
		err = errors.New("it is " + kind + ", not an ONNX model")
	}
	if err != nil {
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
	return a.summarize(out, m, len(data), report, o.verbose)
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
	return nil
}
