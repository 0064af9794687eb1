package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// ReduceKind is the function by which many numbers become one.
type ReduceKind uint8

const (
	ReduceMean ReduceKind = iota
	ReduceSum
	ReduceMax
	ReduceMin
	ReduceProduct
	ReduceL1        // Σ|x|
	ReduceL2        // √Σx²
	ReduceSquares   // Σx²
	ReduceLogSum    // ln Σx
	ReduceLogSumExp // ln Σeˣ
)

// Reduce folds the elements along Axes into one number. These axes become
// dimensions of 1 or, without Keep, are removed.
//
// Numbers are folded in float64 and rounded once: a sum of n elements is within
// (2⁻²⁴ + n·2⁻⁵³)·Σ|x| of the exact one. The maximum or minimum is NaN if any
// element is. Integers, which wrap around, have only the kinds whose results
// are integers, and means rounded towards zero.
type Reduce struct {
	Kind ReduceKind
	Axes []int
	Keep bool
}

func (*Reduce) Op() string { return "Reduce" }

func (*Reduce) Order() Order { return ByAxis }

func (r *Reduce) Permute(order []int) Spec {
	return &Reduce{Kind: r.Kind, Axes: permutedAxes(r.Axes, order), Keep: true}
}

// permutedAxes are the same axes of an operand whose dimension i is dimension
// order[i] of this one's, sorted.
func permutedAxes(axes, order []int) []int {
	var p []int
	for _, axis := range axes {
		p = append(p, slices.Index(order, axis))
	}
	slices.Sort(p)
	return p
}

func (r *Reduce) Traits(in []tensor.Type, _ []Param) Traits {
	t := Traits{MixesItems: slices.Contains(r.Axes, 0), Extra: macs(in[0])}
	switch {
	case r.Kind == ReduceLogSumExp:
		t.Extra = macs(in[0], 64)
	case in[0].Elem != tensor.F32: // an element at a time
		t.Extra = macs(in[0], 16)
	}
	return t
}

func (r *Reduce) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	if r.Kind > ReduceLogSumExp {
		return nil, errorf(r, "unknown kind %d", r.Kind)
	}
	if e := in[0].Elem; e != tensor.F32 && (!r.Kind.takesIntegers() || e.Float() || e == tensor.Bool || in[0].Quantised()) {
		return nil, errorf(r, "kind %d is not supported for %v", r.Kind, in[0])
	}
	x := in[0].Shape
	if err := checkAxes(r, r.Axes, x); err != nil {
		return nil, err
	}
	var out []int
	for i, d := range x {
		switch {
		case !slices.Contains(r.Axes, i):
			out = append(out, d)
		case r.Keep:
			out = append(out, 1)
		}
	}
	return result(r, in[0], out...)
}

// checkAxes checks that axes are dimensions of a shape, none of them twice.
func checkAxes(s Spec, axes []int, x tensor.Shape) error {
	for i, axis := range axes {
		if err := checkAxis(s, axis, x); err != nil {
			return err
		}
		if slices.Contains(axes[:i], axis) {
			return errorf(s, "axis %d occurs twice", axis)
		}
	}
	return nil
}

func (r *Reduce) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := r.Infer(in, params); err != nil {
		return nil, err
	}
	if in[0].Elem != tensor.F32 {
		return newIntegerReduce(r, in[0]), nil
	}
	return &reduceOp{reduction: newReduction(t, in[0].Shape, r.Axes, nil), kind: r.Kind}, nil
}

// reduceOp is a Reduce.
type reduceOp struct {
	reduction
	kind ReduceKind
}

// Scratch is two lists of sums.
func (op *reduceOp) Scratch() int { return 2 * 8 * op.sums() }

// folding is what is folded, for the kinds that fold one thing.
func (k ReduceKind) folding() folding {
	switch k {
	case ReduceMax, ReduceLogSumExp:
		return foldMax
	case ReduceMin:
		return foldMin
	case ReduceProduct:
		return foldProduct
	case ReduceL1:
		return foldMagnitudes
	case ReduceL2, ReduceSquares:
		return foldSquares
	}
	return foldSum
}

// finish makes the result of what was folded.
func (op *reduceOp) finish(v float64) float32 {
	switch op.kind {
	case ReduceMean:
		v /= float64(op.count)
	case ReduceL2:
		v = math.Sqrt(v)
	case ReduceLogSum:
		v = math.Log(v)
	}
	return float32(v)
}

func (op *reduceOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	scratch := tensor.Slice[float64](w.Scratch)
	sums, centres := scratch[:op.sums()], scratch[op.sums():][:op.sums()]
	clear(centres)
	f := op.kind.folding()
	if op.byRow {
		per := op.rowsPerTask()
		to := min(hi*per, n*op.kept.count())
		for from := lo * per; from < to; from += per {
			rows := min(per, to-from)
			op.foldRows(w, f, x[from*op.size:], rows, centres, sums)
			for i, v := range sums[:rows] {
				if op.kind == ReduceLogSumExp {
					v = op.logSumExp(x[(from+i)*op.size:][:op.size], v, 1)
				}
				y[from+i] = op.finish(v)
			}
		}
		return
	}
	for task := lo; task < hi; task++ {
		p := op.part(task)
		op.foldColumns(w, f, x[p.src:], p.columns, centres, sums)
		dst := y[(p.place*op.width+p.first)/op.run:]
		for i := 0; i < p.columns; i += op.run {
			v := sums[i]
			if op.kind == ReduceLogSumExp {
				v = op.logSumExp(x[p.src+i:], v, op.run)
			}
			dst[i/op.run] = op.finish(v)
		}
	}
}

// logSumExp is that of the elements that become one result, the first of them
// src[0], of each row's run neighbours. The largest, most, is taken away before
// the exponentials, so that they do not overflow.
func (op *reduceOp) logSumExp(src []float32, most float64, run int) float64 {
	if math.IsInf(most, 0) || math.IsNaN(most) {
		return most
	}
	sum := 0.0
	add := func(x []float32) {
		for _, v := range x {
			sum += math.Exp(float64(v) - most)
		}
	}
	if op.byRow {
		add(src)
	} else {
		var c cursor
		for range op.reduced.count() {
			for k := range op.row.size {
				add(src[c.offset[0]+k*op.row.stride[0]:][:run])
			}
			op.reduced.next(&c)
		}
	}
	return most + math.Log(sum)
}
