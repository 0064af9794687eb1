package kernels

import "github.com/infer-go/infer/tensor"

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

func (s *Select) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := s.Infer(in, params)
	if err != nil {
		return nil, err
	}
	f := selectRow[uint64]
	switch out[0].Elem.Size() {
	case 1:
		f = selectRow[uint8]
	case 2:
		f = selectRow[uint16]
	case 4:
		f = selectRow[uint32]
	}
	return newBroadcastOp(out[0], in, params, s.Constant[:], f), nil
}

func selectRow[T word](_ *Workspace, z []byte, in *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
	dst, c, x, y := tensor.Slice[T](z)[:n], in[0], tensor.Slice[T](in[1]), tensor.Slice[T](in[2])
	cs, xs, ys := step[0], step[1], step[2]
	for i := range dst {
		v := y[i*ys]
		if c[i*cs] != 0 {
			v = x[i*xs]
		}
		dst[i] = v
	}
}
