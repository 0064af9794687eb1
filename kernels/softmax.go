package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// Softmax normalises along Axis; with Log the result is its logarithm.
type Softmax struct {
	Axis int
	Log  bool
}

func (*Softmax) Op() string { return "Softmax" }

func (*Softmax) Order() Order { return ByAxis }

func (s *Softmax) Permute(order []int) Spec {
	return &Softmax{Axis: slices.Index(order, s.Axis), Log: s.Log}
}

func (s *Softmax) Traits([]tensor.Type, []Param) Traits {
	return Traits{MixesItems: s.Axis == 0, Probabilities: !s.Log}
}

func (s *Softmax) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkAxis(s, s.Axis, in[0].Shape); err != nil {
		return nil, err
	}
	return result(s, in[0], slices.Clone(in[0].Shape)...)
}

func (s *Softmax) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := s.Infer(in, params); err != nil {
		return nil, err
	}
	return &softmaxOp{
		reduction: newReduction(t, in[0].Shape, []int{s.Axis}, nil),
		log:       s.Log,
		exp:       find[asm.ActivateArgs](t, expKernel),
		whole:     find[asm.SoftmaxArgs](t, softmaxKernel),
	}, nil
}

// softmaxOp is a Softmax. It takes the largest element away, so that nothing
// overflows, and divides the exponentials by their sum.
type softmaxOp struct {
	reduction
	log   bool
	exp   func(*asm.ActivateArgs)
	whole func(*asm.SoftmaxArgs) // does whole rows, unless they take too long in one call
}

// Scratch is two lists of sums, then Mean, Rest, Factor and Shift.
func (op *softmaxOp) Scratch() int { return statisticsSize * op.sums() }

func (op *softmaxOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	s := op.statistics(w)
	clear(s.shift)
	if op.byRow {
		per := op.rowsPerTask()
		to := min(hi*per, n*op.kept.count())
		for from := lo * per; from < to; from += per {
			rows := min(per, to-from)
			op.rows(w, &s, y[from*op.size:][:rows*op.size], x[from*op.size:], rows)
		}
		return
	}
	for task := lo; task < hi; task++ {
		p := op.part(task)
		op.columns(w, &s, y[p.src:], x[p.src:], p.columns)
	}
}

// rows does rows rows.
func (op *softmaxOp) rows(w *Workspace, s *statistics, dst, src []float32, rows int) {
	if !op.log && op.size <= callElements/4 {
		a := &w.softmax
		a.X, a.Y, a.XRow, a.YRow, a.Rows, a.N = &src[0], &dst[0], 4*op.size, 4*op.size, rows, op.size
		op.whole(a)
		return
	}
	op.foldRows(w, foldMax, src, rows, nil, s.sums)
	s.takeAway(rows)
	op.scaleRows(w, s, dst, src, rows)
	op.eachElement(w, op.exp, dst, dst, 0, 0)
	op.foldRows(w, foldSum, dst, rows, nil, s.sums)
	if op.log {
		s.takeLogarithm(rows)
		op.scaleRows(w, s, dst, src, rows)
		return
	}
	s.divide(rows)
	op.scaleRows(w, s, dst, dst, rows)
}

// columns does columns columns of one place.
func (op *softmaxOp) columns(w *Workspace, s *statistics, dst, src []float32, columns int) {
	op.foldColumns(w, foldMax, src, columns, nil, s.sums)
	s.takeAway(columns)
	op.scaleColumns(w, s, dst, src, columns)
	for k := range op.row.size {
		part := dst[k*op.row.stride[0]:][:columns]
		op.eachElement(w, op.exp, part, part, 0, 0)
	}
	op.foldColumns(w, foldSum, dst, columns, nil, s.sums)
	if op.log {
		s.takeLogarithm(columns)
		op.scaleColumns(w, s, dst, src, columns)
		return
	}
	s.divide(columns)
	op.scaleColumns(w, s, dst, dst, columns)
}

// takeAway makes the sums, which are the largest elements, what is taken away
// from the others.
func (s *statistics) takeAway(n int) {
	for i, most := range s.sums[:n] {
		s.mean[i], s.rest[i], s.factor[i] = float32(most), 0, 1
	}
}

// takeLogarithm takes the logarithms of the sums away, too.
func (s *statistics) takeLogarithm(n int) {
	for i, sum := range s.sums[:n] {
		s.rest[i] = float32(math.Log(sum))
	}
}

// divide divides by the sums, and takes nothing away.
func (s *statistics) divide(n int) {
	for i, sum := range s.sums[:n] {
		s.mean[i], s.factor[i] = 0, float32(1/sum)
	}
}
