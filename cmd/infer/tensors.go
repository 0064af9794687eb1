package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"

	"github.com/infer-go/infer/cmd/infer/internal/npy"
	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

var runCommand = command{
	name: "run",
	args: "[--model F] --input X.npy [--input ...] --output Y.npy [--output ...]",
	help: `
Run a net on raw tensors: .npy files in the layout, shapes and element types of
the model that was frozen (NCHW as in ONNX), with the batch where the model has
it. Inputs and outputs are given in the model's own order, and later outputs may
be omitted. A model with an open
batch takes any number of items, and one with an open height, width or length
takes it from the files. An output with one row for each object found
(NonMaxSuppression) is written with only those rows. FILE may be a pipe or a
device; - is standard output.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		var inputs, outputs names
		flags.Var(&inputs, "input", "read the next input from the .npy `FILE`")
		flags.Var(&outputs, "output", "write the next output to the .npy `FILE`")
		threads := flags.Int("threads", 1, "compute on `N` threads")
		return func(a *app, args []string) error {
			switch {
			case len(args) > 0:
				return usagef("%q is not expected", args[0])
			case len(inputs) == 0 || len(outputs) == 0:
				return usagef("--input and --output are needed")
			}
			if err := atLeastOne("threads", *threads); err != nil {
				return err
			}
			for _, out := range outputs {
				if err := checkOutput(out, append(inputs, string(*model))...); err != nil {
					return err
				}
			}
			return a.runTensors(*model, inputs, outputs, *threads)
		}
	},
}

// names is a flag that may be given more than once.
type names []string

func (n *names) String() string     { return "" }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

// maxTensor is the largest .npy file that is read, in bytes.
const maxTensor = 4 << 30

func (a *app) runTensors(model modelFile, inputs, outputs []string, threads int) error {
	m, err := model.open()
	if err != nil {
		return err
	}
	defer m.Close()
	ins, outs := m.Inputs(), m.Outputs()
	var shapes []tensor.Shape
	if len(inputs) != len(ins) {
		return inFile(model.name(), fmt.Errorf("it has %s, not %d", counted(len(ins), "inputs"), len(inputs)))
	}
	if len(outputs) > len(outs) {
		return inFile(model.name(), fmt.Errorf("it has %s, not %d", counted(len(outs), "outputs"), len(outputs)))
	}
	arrays := make([]*npy.Array, len(inputs))
	batch := 1
	for i, file := range inputs {
		data, err := a.readFile(file, maxTensor)
		if err != nil {
			return err
		}
		if arrays[i], err = npy.Read(bytes.NewReader(data)); err != nil {
			return inFile(file, err)
		}
		if arrays[i].Elem != ins[i].Elem {
			return fmt.Errorf("%s: its elements are %v, but input %q takes %v", file, arrays[i].Elem, ins[i].Name, ins[i].Elem)
		}
		n, ok := items(arrays[i].Shape, ins[i].Shape, ins[i].Batched())
		if !ok && oneItem(arrays[i].Shape, ins[i].Shape) {
			return fmt.Errorf("%s: %d items, but input %q takes one at a time: export the model with an open batch, or freeze it with infer convert --batch",
				file, arrays[i].Shape[0], ins[i].Name)
		}
		if !ok {
			return fmt.Errorf("%s: shape %s, but input %q takes %s", file, tensor.Dims(arrays[i].Shape...), ins[i].Name, ins[i].Dims())
		}
		shapes = append(shapes, arrays[i].Shape)
		if i > 0 && n != batch {
			return fmt.Errorf("%s: %s, but %s has %d", file, counted(n, "items"), inputs[0], batch)
		}
		batch = n
	}
	sizes, err := m.Sizes(shapes...)
	if err != nil {
		return inFile(model.name(), err)
	}
	s, err := model.session(m, engine.SessionOptions{Batch: batch, Threads: threads, Sizes: sizes})
	if err != nil {
		return err
	}
	defer s.Close()
	outs = s.Outputs()
	for i, x := range arrays {
		copy(s.InputBytes(i), x.Data)
	}
	if err := s.Run(batch); err != nil {
		return inFile(model.name(), err)
	}
	for i, file := range outputs {
		shape, data := outs[i].InModelOrder(s.OutputBytes(i), batch)
		if rows := s.Rows(i); len(shape) > 0 && !outs[i].Batched() && rows < shape[0] {
			// The other rows stand for nothing.
			data = data[:len(data)/shape[0]*rows]
			shape[0] = rows
		}
		y := &npy.Array{Elem: outs[i].Elem, Shape: shape, Data: data}
		if err := a.save(file, func(w io.Writer) error { return npy.Write(w, y) }); err != nil {
			return err
		}
	}
	return nil
}

// oneItem says that a shape fits but for its first dimension, which is that of
// several items, where the model takes one.
func oneItem(shape, want []int) bool {
	if len(want) < 2 || len(shape) != len(want) || want[0] != 1 {
		return false
	}
	_, ok := items(shape, want, true)
	return ok
}

// items is the number of items in a tensor of a shape, where −1 in want may be
// anything; if it is batched, dimension 0 is the number of items. It is false if
// the shapes differ or there is none.
func items(shape, want []int, batched bool) (int, bool) {
	if len(shape) != len(want) {
		return 0, false
	}
	n := 1
	for i, d := range shape {
		if i == 0 && batched {
			n = d
		} else if d != want[i] && want[i] != -1 {
			return 0, false
		}
	}
	return n, n > 0
}
