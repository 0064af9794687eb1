package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// NormaliseKind says by what a Normalise divides.
type NormaliseKind uint8

const (
	// ByDeviation subtracts the mean and divides by √(variance + Epsilon): what
	// instance, group and layer normalisation do, over different axes.
	ByDeviation NormaliseKind = iota

	ByRootMeanSquare // divides by √(mean of x² + Epsilon)
	ByL1             // divides by Σ|x|; if that is 0, so is the result
	ByL2             // divides by √Σx²; if that is 0, so is the result
)

// Normalise normalises the elements along Axes:
//
//	y = (x − mean)/divisor · scale + shift
//
// Params is empty, for a scale of 1 and a shift of 0, or one plain param of
// shape [2, …]: first the scales, then the shifts, in a shape of the operand's
// rank that broadcasts to the operand's. It is 1 along an axis of Axes unless
// only axes of Axes follow.
//
// Mean and divisor are computed in float64, and the variance in a second pass
// around the mean, since a difference of sums would cancel. The result is within
// 8·2⁻²⁴·(|x − mean|/divisor·|scale| + |shift|) of the exact one, plus
// 2⁻⁴⁸·|mean|/divisor·|scale| if the mean is much larger than the difference.
type Normalise struct {
	Kind    NormaliseKind
	Axes    []int
	Epsilon float32
}

func (*Normalise) Op() string { return "Normalise" }

func (*Normalise) Order() Order { return ByAxis }

func (n *Normalise) Permute(order []int) Spec {
	return &Normalise{Kind: n.Kind, Axes: permutedAxes(n.Axes, order), Epsilon: n.Epsilon}
}

func (n *Normalise) Traits(in []tensor.Type, params []Param) Traits {
	t := Traits{
		MixesItems: slices.Contains(n.Axes, 0),
		InPlace:    true,
		Extra:      macs(in[0], 2),
	}
	if len(params) == 1 {
		p := params[0].Shape
		t.MixesItems = t.MixesItems || len(p) > 1 && p[1] != 1
		if r := newReduction(nil, in[0].Shape, n.Axes, nil); !r.byRow {
			t.TableEntries = r.width
		}
	}
	return t
}

func (n *Normalise) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(n, in, params, 1, min(len(params), 1)); err != nil {
		return nil, err
	}
	if n.Kind > ByL2 {
		return nil, errorf(n, "unknown kind %d", n.Kind)
	}
	if !tensor.IsFinite(n.Epsilon) || n.Epsilon < 0 {
		return nil, errorf(n, "epsilon %v is negative or not finite", n.Epsilon)
	}
	x := in[0].Shape
	if err := checkAxes(n, n.Axes, x); err != nil {
		return nil, err
	}
	if len(params) == 1 {
		if err := n.checkParams(params[0], x); err != nil {
			return nil, err
		}
	}
	return result(n, in[0], slices.Clone(x)...)
}

func (n *Normalise) checkParams(p Param, x tensor.Shape) error {
	if len(p.Shape) != len(x)+1 || p.Shape[0] != 2 {
		return errorf(n, "scales and shifts of shape %s for an operand of shape %s", p.Shape, x)
	}
	if err := checkParam(n, p, "scales and shifts", FormPlain, p.Shape...); err != nil {
		return err
	}
	trailing := true // no axis that is not normalised over follows
	for i := len(x) - 1; i >= 0; i-- {
		d := p.Shape[i+1]
		reduced := slices.Contains(n.Axes, i)
		switch {
		case d != 1 && d != x[i]:
			return errorf(n, "scales and shifts of shape %s do not broadcast to %s", p.Shape[1:], x)
		case d != 1 && reduced && !trailing:
			return errorf(n, "scales and shifts of shape %s differ along axis %d of shape %s, which is normalised over", p.Shape[1:], i, x)
		}
		trailing = trailing && (reduced || x[i] == 1)
	}
	return nil
}

func (n *Normalise) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := n.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	stride := make([]int, len(x))
	op := &normaliseOp{kind: n.Kind, epsilon: float64(n.Epsilon), scale: []float32{1}, shift: []float32{0}}
	if len(params) == 1 {
		p := params[0]
		of := p.Shape[1:]
		stride = of.BroadcastStrides(len(x))
		values := p.Floats()
		op.scale, op.shift = values[:of.Volume()], values[of.Volume():]
	}
	op.reduction = newReduction(t, x, n.Axes, stride)
	first := len(x) // of the dimensions that the row or the columns are made of
	for tail := max(op.size, op.width); tail > 1; {
		first--
		tail /= x[first]
	}
	op.params = newNest(x[first:], x.Strides()[first:], stride[first:])
	if !op.byRow {
		op.column = make([]int, op.width)
		var c cursor
		for i := range op.column {
			op.column[i] = c.offset[1]
			op.params.next(&c)
		}
		return op, nil
	}
	op.segment = loop{size: 1}
	if last := len(op.params.size) - 1; last >= 0 {
		op.segment = op.params.remove(last)
	}
	if op.segment.stride[1] == 0 {
		op.still = true
		op.scale, op.shift = repeated16(op.scale), repeated16(op.shift)
	}
	op.sameRows = len(op.params.size) == 0 && !slices.ContainsFunc(op.kept.stride[1], func(s int) bool { return s != 0 })
	return op, nil
}

// repeated16 has each number 16 times, as the kernels want those that stand
// still.
func repeated16(x []float32) []float32 {
	y := tensor.Aligned[float32](lanes * len(x))
	for i, v := range x {
		for j := range lanes {
			y[i*lanes+j] = v
		}
	}
	return y
}

// normaliseOp is a Normalise.
type normaliseOp struct {
	reduction
	kind         NormaliseKind
	epsilon      float64
	scale, shift []float32

	// Of whole rows: the segments of a row, along each of which params move on by
	// one or stand still; whether all rows have the same ones, and one segment.
	params          nest
	segment         loop
	still, sameRows bool

	column []int // where each column's params stand
}

// Scratch is what statistics cuts it into.
func (op *normaliseOp) Scratch() int { return statisticsSize * op.sums() }

// folded computes the statistics of n rows or columns by fold.
func (op *normaliseOp) folded(s *statistics, n int, fold func(f folding)) {
	clear(s.centres)
	f := foldSquares
	switch op.kind {
	case ByDeviation:
		fold(foldSum)
		for i := range n {
			s.centres[i] = s.sums[i] / float64(op.count)
		}
	case ByL1:
		f = foldMagnitudes
	}
	fold(f)
	for i := range n {
		s.mean[i] = float32(s.centres[i])
		s.rest[i] = float32(s.centres[i] - float64(s.mean[i]))
		if v := s.mean[i]; v-v != 0 {
			s.rest[i] = 0 // an infinity stands alone
		}
		s.factor[i] = op.factor(s.sums[i])
	}
}

// factor is one by the divisor.
func (op *normaliseOp) factor(sum float64) float32 {
	switch {
	case op.kind == ByDeviation || op.kind == ByRootMeanSquare:
		sum = math.Sqrt(sum/float64(op.count) + op.epsilon)
	case sum == 0:
		return 0
	case op.kind == ByL2:
		sum = math.Sqrt(sum)
	}
	return float32(1 / sum)
}

func (op *normaliseOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	s := op.statistics(w)
	if op.byRow {
		per := op.rowsPerTask()
		to := min(hi*per, n*op.kept.count())
		for from := lo * per; from < to; from += per {
			op.normaliseRowsOf(w, &s, x, y, from, min(per, to-from))
		}
		return
	}
	for task := lo; task < hi; task++ {
		op.normaliseColumnsOf(w, &s, x, y, op.part(task))
	}
}

// normaliseRowsOf does rows rows from row first on.
func (op *normaliseOp) normaliseRowsOf(w *Workspace, s *statistics, x, y []float32, first, rows int) {
	src, dst := x[first*op.size:][:rows*op.size], y[first*op.size:][:rows*op.size]
	op.folded(s, rows, func(f folding) { op.foldRows(w, f, src, rows, s.centres, s.sums) })
	a := &w.normalise
	a.XRow, a.YRow, a.ParamStep = 4*op.size, 4*op.size, 4
	if op.still {
		a.ParamStep = 0
	}
	if op.sameRows && op.size <= callElements {
		op.segmentOf(w, s, dst, src, 0, 0, rows, op.size)
		return
	}
	for i := range rows {
		params := op.kept.seek((first + i) % op.kept.count()).offset[1]
		var c cursor
		for range op.params.count() {
			for from := 0; from < op.segment.size; from += callElements {
				at := i*op.size + c.offset[0] + from
				op.segmentOf(w, s, dst[at:], src[at:], params+c.offset[1]+from*op.segment.stride[1], i, 1, min(callElements, op.segment.size-from))
			}
			op.params.next(&c)
		}
	}
}

// segmentOf normalises the first n elements of rows, whose statistics begin at
// row and whose params begin at params.
func (op *normaliseOp) segmentOf(w *Workspace, s *statistics, dst, src []float32, params, row, rows, n int) {
	a := &w.normalise
	if op.still {
		params *= lanes
	}
	a.X, a.Y, a.Rows, a.N = &src[0], &dst[0], rows, n
	a.Mean, a.Rest, a.Factor = &s.mean[row], &s.rest[row], &s.factor[row]
	a.Scale, a.Shift = &op.scale[params], &op.shift[params]
	op.Tier.normaliseRows(a)
}

// normaliseColumnsOf does a part.
func (op *normaliseOp) normaliseColumnsOf(w *Workspace, s *statistics, x, y []float32, p part) {
	src, dst := x[p.src:], y[p.src:]
	op.folded(s, p.columns, func(f folding) { op.foldColumns(w, f, src, p.columns, s.centres, s.sums) })
	for i, at := range op.column[p.first:][:p.columns] {
		s.factor[i] *= op.scale[p.params+at]
		s.shift[i] = op.shift[p.params+at]
	}
	op.scaleColumns(w, s, dst, src, p.columns)
}
