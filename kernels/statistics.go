package kernels

import "github.com/infer-go/infer/tensor"

// statistics is what a task computes of its rows or columns, in scratch.
type statistics struct {
	sums, centres             []float64
	mean, rest, factor, shift []float32
}

// statisticsSize is how many bytes it takes for each row or column.
const statisticsSize = 2*8 + 4*4

func (r *reduction) statistics(w *Workspace) (s statistics) {
	n := r.sums()
	wide := tensor.Slice[float64](w.Scratch)
	s.sums, s.centres = wide[:n], wide[n:2*n]
	x := w.floats()[4*n:]
	s.mean, s.rest, s.factor, s.shift = x[:n], x[n:2*n], x[2*n:3*n], x[3*n:4*n]
	return s
}

// ones and zeros are a scale and a shift that do nothing, as kernels want what
// stands still.
var ones, zeros = func() (a, b [lanes]float32) {
	for i := range a {
		a[i] = 1
	}
	return a, b
}()

// scaleRows shifts and scales rows whole rows by their mean, rest and factor.
func (r *reduction) scaleRows(w *Workspace, s *statistics, dst, src []float32, rows int) {
	a := &w.normalise
	a.XRow, a.YRow, a.ParamStep = 4*r.size, 4*r.size, 0
	a.Scale, a.Shift = &ones[0], &zeros[0]
	if r.size > callElements {
		a.Rows = 1
		for i := range rows {
			a.Mean, a.Rest, a.Factor = &s.mean[i], &s.rest[i], &s.factor[i]
			for from := 0; from < r.size; from += callElements {
				a.X, a.Y, a.N = &src[i*r.size+from], &dst[i*r.size+from], min(callElements, r.size-from)
				r.Tier.normaliseRows(a)
			}
		}
		return
	}
	a.Mean, a.Rest, a.Factor = &s.mean[0], &s.rest[0], &s.factor[0]
	a.X, a.Y, a.Rows, a.N = &src[0], &dst[0], rows, r.size
	r.Tier.normaliseRows(a)
}

// scaleColumns shifts and scales columns by their mean, rest, factor and shift;
// the first begins at src and dst.
func (r *reduction) scaleColumns(w *Workspace, s *statistics, dst, src []float32, columns int) {
	a := &w.normalise
	a.Mean, a.Rest, a.Factor, a.Shift = &s.mean[0], &s.rest[0], &s.factor[0], &s.shift[0]
	a.XRow, a.YRow, a.N = 4*r.row.stride[0], 4*r.row.stride[0], columns
	var c cursor
	for range r.reduced.count() {
		for from := 0; from < r.row.size; from += a.Rows {
			a.Rows = min(r.row.size-from, max(1, callElements/columns))
			at := c.offset[0] + from*r.row.stride[0]
			a.X, a.Y = &src[at], &dst[at]
			r.Tier.normaliseColumns(a)
		}
		r.reduced.next(&c)
	}
}
