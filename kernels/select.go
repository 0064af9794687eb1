package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// Select takes each element from X where a condition holds, else from Y, with
// numpy's broadcasting. Its operands are the Bool condition, X and Y, the
// latter of one type. Those for which Constant is true are plain params
// instead, in the same order; not all can be.
type Select struct {
	Constant [3]bool
}

func (*Select) Op() string { return "Select" }

func (*Select) Order() Order { return AnyOrder }

// Traits sets MixesItems where broadcasting would move a batch, as for a
// Binary.
func (s *Select) Traits(in []tensor.Type, params []Param) Traits {
	t := Traits{InPlace: true}
	for _, x := range in {
		t.MixesItems = t.MixesItems || len(x.Shape) != len(in[0].Shape)
	}
	for _, p := range params {
		t.MixesItems = t.MixesItems || len(p.Shape) > len(in[0].Shape)
	}
	return t
}

func (s *Select) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	constants := 0
	for _, c := range s.Constant {
		if c {
			constants++
		}
	}
	if constants == len(s.Constant) {
		return nil, errorf(s, "all operands are constant")
	}
	if err := operands(s, in, params, len(s.Constant)-constants, constants); err != nil {
		return nil, err
	}
	// The values' type is that of the first that is known.
	var all [3]tensor.Type
	nextIn, nextParam := 0, 0
	for i, c := range s.Constant {
		if c {
			p := params[nextParam]
			nextParam++
			if err := checkPlain(s, p, "a param", p.Elem); err != nil {
				return nil, err
			}
			all[i] = tensor.Type{Elem: p.Elem, Shape: p.Shape}
		} else {
			all[i] = in[nextIn]
			nextIn++
		}
	}
	if all[0].Elem != tensor.Bool {
		return nil, errorf(s, "a condition of %v", all[0].Elem)
	}
	if !all[1].SameElements(all[2]) {
		return nil, errorf(s, "operands of %v and of %v", all[1].Elem, all[2].Elem)
	}
	shape, ok := tensor.Broadcast(all[1].Shape, all[2].Shape)
	if ok {
		shape, ok = tensor.Broadcast(shape, all[0].Shape)
	}
	if !ok {
		return nil, errorf(s, "%s, %s and %s do not broadcast", all[0].Shape, all[1].Shape, all[2].Shape)
	}
	return result(s, all[1], shape...)
}

func (s *Select) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := s.Infer(in, params)
	if err != nil {
		return nil, err
	}
	f := selectRow(selectLane[uint64])
	switch out[0].Elem.Size() {
	case 1:
		f = selectRow(selectLane[uint8])
	case 2:
		f = selectRow(selectLane[uint16])
	case 4:
		f = selectRow(t.selectFloats())
	}
	return newBroadcastOp(out[0], in, params, s.Constant[:], f), nil
}

// A selectFunc takes each element of z from x or from y, as c says. All are as
// long.
type selectFunc[T any] func(w *Workspace, z []T, c []byte, x, y []T)

// selectRow is what a Select does to a row.
func selectRow[T tensor.Number](choose selectFunc[T]) rowFunc {
	return func(w *Workspace, z []byte, in *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
		dst, c := tensor.Slice[T](z), in[0]
		x, y := newLane(tensor.Slice[T](in[1]), step[1], n), newLane(tensor.Slice[T](in[2]), step[2], n)
		size := laneOf(n, step[1], step[2])
		for lo := 0; lo < n; lo += size {
			count := min(size, n-lo)
			to := dst[lo:][:count]
			switch {
			case step[0] != 0:
				choose(w, to, c[lo:][:count], x.at(lo, count), y.at(lo, count))
			case c[0] != 0:
				copy(to, x.at(lo, count))
			default:
				copy(to, y.at(lo, count))
			}
		}
	}
}

// selectLane is a selectFunc without a kernel.
func selectLane[T word](_ *Workspace, z []T, c []byte, x, y []T) { selectElements(z, c, x, y) }

// selectElements has no branch that depends on an element.
func selectElements[T word](z []T, c []byte, x, y []T) {
	c, x, y = c[:len(z)], x[:len(z)], y[:len(z)]
	for i := range z {
		v, u := y[i], x[i]
		if c[i] != 0 {
			v = u
		}
		z[i] = v
	}
}

var selectKernel = asm.Kernel{Op: "select"}

// selectFloats is a selectFunc of four-byte elements, whatever they are.
func (t *Tier) selectFloats() selectFunc[float32] {
	kernel := find[asm.SelectArgs](t, selectKernel)
	return func(w *Workspace, z []float32, c []byte, x, y []float32) {
		a := &w.selection
		a.C, a.X, a.Y, a.Z, a.N = &c[0], &x[0], &y[0], &z[0], len(z)
		kernel(a)
	}
}
