package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

var convertCommand = command{
	name: "convert",
	args: "IN.onnx OUT.frz [--weights f32|half] [--labels FILE] [--digits | --crop | --stretch | --pad] ...",
	help: `
Freeze an ONNX model. How pictures become its input is told here and kept in
the file: --digits prepares them as MNIST's; --crop, --stretch or --pad and the
flags of channels and numbers tell it for photos, where a channel's value v of
0…255 becomes (v·scale − mean) / std. What torchvision's models take is
--crop --resize 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225.
Without any of them the net takes raw tensors only.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		var o convertOptions
		flags.StringVar(&o.weights, "weights", "f32", "element `TYPE` of the weights: f32, or half for a file of half the size")
		flags.StringVar(&o.labels, "labels", "", "names of the classes, a line each: `FILE`")
		flags.StringVar(&o.name, "name", "", "short `NAME` of the net; its file's name if not given")
		flags.StringVar(&o.note, "note", "", "free `TEXT`: training data, accuracy, licence")
		flags.BoolVar(&o.batch, "batch", false, "any number of items at a time, though the model says one")
		flags.BoolVar(&o.verbose, "v", false, "show what each freeze pass removed")
		o.picture.declare(flags)
		return func(a *app, args []string) error {
			if len(args) != 2 {
				return usagef("two files are needed, IN.onnx and OUT.frz, and %d are given", len(args))
			}
			flags.Visit(func(f *flag.Flag) { o.picture.given(f.Name) })
			return a.convert(args[0], args[1], &o)
		}
	},
}

type convertOptions struct {
	weights, labels, name, note string
	batch, verbose              bool
	picture                     pictureFlags
}

// maxModel is the largest model that is read, in bytes: that of protobuf.
const maxModel = 2 << 30

func (a *app) convert(in, out string, o *convertOptions) error {
	elem, ok := map[string]kernels.Elem{"f32": kernels.F32, "half": kernels.F16}[o.weights]
	if !ok {
		return usagef("--weights %s: it is f32 or half", o.weights)
	}
	if err := o.picture.check(); err != nil {
		return err
	}
	model, err := a.readFile(in, maxModel)
	if err != nil {
		return err
	}
	meta := weights.Meta{
		Name:     o.name,
		Source:   fmt.Sprintf("%s, SHA-256 %x", filepath.Base(in), sha256.Sum256(model)),
		Producer: producer(),
		Note:     o.note,
	}
	if meta.Name == "" {
		meta.Name = strings.TrimSuffix(filepath.Base(in), filepath.Ext(in))
	}
	if o.labels != "" {
		if meta.Labels, err = a.readLabels(o.labels); err != nil {
			return err
		}
	}
	dir := ""
	if in != "-" {
		dir = filepath.Dir(in)
	}
	var bar *progress
	net, report, err := onnx.Freeze(model, onnx.Options{
		Weights: elem, Batch: o.batch, Dir: dir, Meta: meta,
		Progress: func(done, total int) {
			if bar == nil {
				bar = a.newProgress("freezing", total)
			}
			bar.set(done)
		},
	})
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if err := describe(net, &o.picture); err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if err := weights.Save(out, net); err != nil {
		return err
	}
	return a.summarize(out, report, o.verbose)
}

// describe adds to a net's Meta what the model's graph tells of its ends.
func describe(net *weights.Net, p *pictureFlags) error {
	var err error
	if net.Meta.Preparation, err = p.preparation(net); err != nil {
		return err
	}
	net.Meta.Probabilities = endsInSoftmax(net)
	return nil
}

// endsInSoftmax reports whether the first output is that of a softmax, perhaps
// in another shape.
func endsInSoftmax(net *weights.Net) bool {
	v := net.Outputs[0]
	for i := len(net.Steps) - 1; i >= 0; i-- {
		s := net.Steps[i]
		if len(s.Out) != 1 || s.Out[0] != v {
			continue
		}
		switch spec := s.Spec.(type) {
		case *kernels.Softmax:
			return !spec.Log
		case *kernels.Reshape, *kernels.Transpose:
			v = s.In[0]
		default:
			return false
		}
	}
	return false
}

// readLabels reads a line for each class.
func (a *app) readLabels(file string) ([]string, error) {
	data, err := a.readFile(file, 16<<20)
	if err != nil {
		return nil, err
	}
	var labels []string
	for line := range strings.Lines(string(data)) {
		labels = append(labels, strings.TrimSpace(line))
	}
	for len(labels) > 0 && labels[len(labels)-1] == "" {
		labels = labels[:len(labels)-1]
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%s: no labels in it", file)
	}
	return labels, nil
}

// producer is this program and its version.
func producer() string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = strings.Trim(info.Main.Version, "()")
	}
	return "infer " + version
}

// summarize tells what became of the model. It opens the file that was
// written, which is a check of it too.
func (a *app) summarize(out string, r *onnx.Report, verbose bool) error {
	m, err := engine.Open(out)
	if err != nil {
		return err
	}
	defer m.Close()
	memory, err := m.Memory(1)
	if err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
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
		fmt.Fprintf(a.stderr, "one item at a time: %s\n", printable(r.Unbatched))
	}
	fmt.Fprintf(a.stderr, "%s: %d operators became %d steps; %s parameters, %s multiply-adds, %s bytes, %s bytes of memory for a session\n",
		out, r.Operators, r.Steps, count(r.Parameters), count(r.MACs), count(info.Size()), count(memory.Arena+memory.Scratch))
	return nil
}

// count writes a number with commas.
func count[T int | int64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
