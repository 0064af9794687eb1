package onnx

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// An evaluator computes a net for one item at a time, and keeps every value that
// a step writes in memory of its own, so that whoever calibrates can look at all
// of them.
type evaluator struct {
	net    *weights.Net // of any size
	tier   *kernels.Tier
	sizes  []int // of the open dimensions, for which the rest was made
	sized  *weights.Net
	ops    []kernels.Op
	work   []int64  // of each step
	values [][]byte // by number
	spaces []*kernels.Workspace
}

// sharedWork is the least work of a step that several threads share.
const sharedWork = 1 << 20

func newEvaluator(net *weights.Net) (*evaluator, error) {
	tier, err := kernels.Default()
	if err != nil {
		return nil, err
	}
	e := &evaluator{net: net, tier: tier}
	for range runtime.GOMAXPROCS(0) {
		e.spaces = append(e.spaces, &kernels.Workspace{})
	}
	return e, nil
}

// bind prepares the net for the sizes that an item has.
func (e *evaluator) bind(item []Tensor) error {
	sizes := make([]int, len(e.net.Open))
	for k, d := range e.net.Open {
		sizes[k] = item[d.At[0].Input].Shape[d.At[0].Dim]
	}
	if e.sized != nil && tensor.Shape(sizes).Equal(e.sizes) {
		return nil
	}
	e.sized = e.net
	if len(sizes) > 0 {
		var err error
		if e.sized, err = e.net.Sized(sizes); err != nil {
			return err
		}
	}
	e.sizes, e.ops, e.work, e.values = sizes, nil, nil, nil
	scratch := 0
	for _, v := range e.sized.Values {
		e.values = append(e.values, tensor.AlignedBytes(v.Bytes()))
	}
	for _, s := range e.sized.Steps {
		in, params := e.sized.Operands(s)
		op, err := s.Spec.Bind(e.tier, in, params)
		if err != nil {
			return fmt.Errorf("%s %q: %w", s.Spec.Op(), s.Name, err)
		}
		e.ops = append(e.ops, op)
		e.work = append(e.work, s.Spec.Traits(in, params).Work())
		scratch = max(scratch, op.Scratch())
	}
	for _, w := range e.spaces {
		if len(w.Scratch) < scratch {
			w.Scratch = tensor.AlignedBytes(scratch)
		}
	}
	return nil
}

// run computes all values of an item.
func (e *evaluator) run(item []Tensor) error {
	if err := e.bind(item); err != nil {
		return err
	}
	for i, v := range e.net.Inputs {
		copy(e.values[v], item[i].Data)
	}
	for i, s := range e.sized.Steps {
		in, out := make([][]byte, len(s.In)), make([][]byte, len(s.Out))
		for j, v := range s.In {
			in[j] = e.values[v]
		}
		for j, v := range s.Out {
			out[j] = e.values[v]
		}
		if err := e.step(i, in, out); err != nil {
			return fmt.Errorf("%s %q: %w", s.Spec.Op(), s.Name, err)
		}
	}
	return nil
}

// step runs one step, on several threads if that is worth their while.
func (e *evaluator) step(i int, in, out [][]byte) error {
	op := e.ops[i]
	tasks, threads := op.Tasks(1), len(e.spaces)
	if e.work[i] < sharedWork {
		threads = 1
	}
	var all sync.WaitGroup
	for t, w := range e.spaces[:threads] {
		w.Fault = nil
		from, to := t*tasks/threads, (t+1)*tasks/threads
		if t == threads-1 {
			op.Run(w, in, out, 1, from, to)
			break
		}
		all.Go(func() { op.Run(w, in, out, 1, from, to) })
	}
	all.Wait()
	for _, w := range e.spaces[:threads] {
		if w.Fault != nil {
			return w.Fault
		}
	}
	return nil
}

// floats are the real numbers for which the elements of a value stand: in buf, if
// they have to be computed.
func (e *evaluator) floats(value int, buf []float32) []float32 {
	t, data := e.sized.Values[value].Type, e.values[value]
	buf = buf[:0]
	switch t.Elem {
	case tensor.F32:
		return tensor.Slice[float32](data)
	case tensor.I8:
		buf = appendFloats(buf, tensor.Slice[int8](data), t)
	case tensor.I16:
		buf = appendFloats(buf, tensor.Slice[int16](data), t)
	case tensor.I32:
		buf = appendFloats(buf, tensor.Slice[int32](data), t)
	case tensor.I64:
		buf = appendFloats(buf, tensor.Slice[int64](data), t)
	default:
		buf = appendFloats(buf, data, t)
	}
	return buf
}

// appendFloats are the real numbers for which elements of a type stand.
func appendFloats[T uint8 | int8 | int16 | int32 | int64](buf []float32, x []T, t tensor.Type) []float32 {
	scale := t.Scale
	if !t.Quantised() {
		scale = 1
	}
	for _, v := range x {
		buf = append(buf, float32(int64(v)-int64(t.Zero))*scale)
	}
	return buf
}
