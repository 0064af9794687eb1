package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// MaxPlaces finds the places of a MaxPool's maxima. For an operand [N, C, …]
// with one to three further dimensions, the result [N, C, Size…] has for each
// window the place of its largest element in the item [C, …], an int64 that
// counts elements in row-major order; with ColumnMajor, each channel's elements
// are counted column by column, the first of the further dimensions varying
// fastest. Of equal elements it is the first in row-major order; NaN takes
// precedence over every number. A window without elements has the place of its
// channel's first element.
//
// Each list has one number for each further dimension. Before is the padding
// before the first element.
type MaxPlaces struct {
	Kernel, Stride, Dilation, Before, Size []int

	ColumnMajor bool
}

func (*MaxPlaces) Op() string { return "MaxPlaces" }

func (*MaxPlaces) Order() Order { return RowMajor }

func (m *MaxPlaces) Extents() []int { return m.Size }

func (m *MaxPlaces) WithExtents(extents []int) Spec {
	other := *m
	other.Size = extents
	return &other
}

// Traits counts each element of each window.
func (m *MaxPlaces) Traits(in []tensor.Type, _ []Param) Traits {
	x := in[0].Shape
	size := append([]int{x[0], x[1]}, m.Size...)
	for i, k := range m.Kernel {
		size = append(size, min(k, x[i+2]))
	}
	return Traits{Extra: tensor.Saturated(size...)}
}

func (m *MaxPlaces) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(m, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if len(x) < 3 || len(x) > 5 {
		return nil, errorf(m, "operand 0 of shape %s does not have one to three dimensions after its channels", x)
	}
	k := len(x) - 2
	for _, list := range [][]int{m.Kernel, m.Stride, m.Dilation, m.Before, m.Size} {
		if len(list) != k {
			return nil, errorf(m, "%d numbers for %d dimensions", len(list), k)
		}
	}
	for i := range k {
		for _, n := range []int{m.Kernel[i], m.Stride[i], m.Dilation[i], m.Size[i], m.Before[i] + 1} {
			if n < 1 || n > tensor.MaxDim {
				return nil, errorf(m, "%d is not from 1 to %d", n, tensor.MaxDim)
			}
		}
	}
	return result(m, tensor.Type{Elem: tensor.I64}, slices.Concat(x[:2], m.Size)...)
}

func (m *MaxPlaces) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := m.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	op := &maxPlacesOp{channels: x[1], maps: x[0] * x[1], columnMajor: m.ColumnMajor}
	// Missing dimensions stand in front, and have one window of one element.
	lead := 3 - len(m.Size)
	for i := range 3 {
		d := &op.dims[i]
		*d = windowDim{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}
		if k := i - lead; k >= 0 {
			*d = windowDim{x[k+2], m.Size[k], m.Kernel[k], m.Stride[k], m.Dilation[k], m.Before[k]}
		}
	}
	op.step = [3]int{op.dims[1].in * op.dims[2].in, op.dims[2].in, 1}
	op.place = op.step
	if m.ColumnMajor {
		op.place = [3]int{1, op.dims[0].in, op.dims[0].in * op.dims[1].in}
	}
	return op, nil
}

// A windowDim is one dimension of windows that move over a map.
type windowDim struct{ in, out, kernel, stride, dilation, before int }

// inside are the places that window o sees: from first, count of them, every
// dilation-th.
func (d *windowDim) inside(o int) (first, count int) {
	// In 64 bits no product of these numbers overflows.
	start, step := int64(o)*int64(d.stride)-int64(d.before), int64(d.dilation)
	if start >= 0 && start+(int64(d.kernel)-1)*step < int64(d.in) {
		return int(start), d.kernel
	}
	skip := int64(0)
	if start < 0 {
		skip = (-start + step - 1) / step
	}
	at := start + skip*step
	if skip >= int64(d.kernel) || at >= int64(d.in) {
		return 0, 0
	}
	return int(at), int(min(int64(d.kernel)-skip, (int64(d.in)-1-at)/step+1))
}

// maxPlacesOp is a MaxPlaces. A task is a channel of a map.
type maxPlacesOp struct {
	scratchless
	dims           [3]windowDim
	step, place    [3]int // of a dimension, in elements and in places
	channels, maps int
	columnMajor    bool
}

func (op *maxPlacesOp) Tasks(n int) int { return n * op.maps }

func (op *maxPlacesOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	x, z := floats(in[0]), tensor.Slice[int64](out[0])
	area, results := op.dims[0].in*op.step[0], op.dims[0].out*op.dims[1].out*op.dims[2].out
	for task := lo; task < hi; task++ {
		from, base := x[task*area:][:area], int64(task%op.channels*area)
		dst := z[task*results:][:results]
		for a := range op.dims[0].out {
			for b := range op.dims[1].out {
				op.row(dst[:op.dims[2].out], from, a, b, base)
				dst = dst[op.dims[2].out:]
			}
		}
	}
}

// row makes a row of windows: those in row b of plane a.
func (op *maxPlacesOp) row(dst []int64, x []float32, a, b int, base int64) {
	plane, planes := op.dims[0].inside(a)
	row, rows := op.dims[1].inside(b)
	down, right := op.dims[1].dilation*op.step[1], op.dims[2].dilation
	for o := range dst {
		column, columns := op.dims[2].inside(o)
		if planes == 0 || rows == 0 || columns == 0 {
			dst[o] = base
			continue
		}
		best := int64(math.MinInt64)
		for i := range planes {
			line := (plane+i*op.dims[0].dilation)*op.step[0] + row*op.step[1] + column
			for range rows {
				at := line
				for range columns {
					best = max(best, rank(x[at], at))
					at += right
				}
				line += down
			}
		}
		dst[o] = base + op.placeOf(int(^uint32(best)))
	}
}

// rank orders elements of a channel: a larger one has a larger rank, NaN the
// largest, and of equal ones the first. It needs no branch that a processor could
// not foresee. The lower half is the element's index, inverted.
func rank(v float32, at int) int64 {
	bits := int32(math.Float32bits(v + 0)) // −0 becomes 0
	bits ^= int32(uint32(bits>>31) >> 1)   // of negative numbers the order is inverted
	if v != v {
		bits = math.MaxInt32
	}
	return int64(bits)<<32 | int64(^uint32(at))
}

// placeOf is the place of an element of a channel.
func (op *maxPlacesOp) placeOf(at int) int64 {
	if !op.columnMajor {
		return int64(at)
	}
	a, b, c := at/op.step[0], at%op.step[0]/op.step[1], at%op.step[1]
	return int64(a*op.place[0] + b*op.place[1] + c*op.place[2])
}
