package kernels

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestCumulativeSum compares with sums in the order of the elements, bit for bit,
// on every tier; in int64 too, whose last bits are those of smaller integers.
func TestCumulativeSum(t *testing.T) {
	g := newGenerator(97)
	for k := range 400 {
		e := allElems[g.IntN(len(allElems)-1)]
		x := tensor.Type{Elem: e, Shape: g.shape(g.between(1, 4), 7)}
		axis, n := g.IntN(len(x.Shape)), g.between(1, 2)
		last := len(x.Shape) - 1
		x.Shape[last] *= []int{1, 17, 130}[g.IntN(3)]
		if k%40 == 0 {
			x.Shape[last] = 5000
		}
		s := &CumulativeSum{Axis: axis, Exclusive: g.IntN(2) == 0, Reverse: g.IntN(2) == 0}
		data := g.elements(e, n*x.Shape.Volume())
		got, _, _ := g.runTyped(t, s, []tensor.Type{x}, nil, [][]byte{data}, n)
		inner, dim := x.Shape[axis+1:].Volume(), x.Shape[axis]
		all, want := cells(e, data), make([]cell, n*x.Shape.Volume())
		for column := range len(all) / dim {
			first := column/inner*inner*dim + column%inner
			var sum cell
			for i := range dim {
				at := first + i*inner
				if s.Reverse {
					at = first + (dim-1-i)*inner
				}
				if s.Exclusive {
					want[at] = sum
				}
				sum = cell{float64(float32(sum.f) + float32(all[at].f)), sum.i + all[at].i}
				if !s.Exclusive {
					want[at] = sum
				}
			}
		}
		for i, c := range cells(e, got[0]) {
			w := want[i]
			if e != tensor.F32 {
				c.f, w.f = 0, 0
			}
			if bits := 64 - 8*e.Size(); e == tensor.U8 {
				w.i = int64(uint8(w.i))
			} else {
				w.i = w.i << bits >> bits
			}
			if !same(c, w) {
				t.Fatalf("%+v of %v: element %d is %v, want %v", s, x, i, c, w)
			}
		}
		for _, tier := range Tiers() {
			if !tier.Supported {
				continue
			}
			op, err := s.Bind(tier, []tensor.Type{x}, nil)
			if err != nil {
				t.Fatal(err)
			}
			z := tensor.AlignedBytes(len(data))
			op.Run(&Workspace{}, [][]byte{data}, [][]byte{z}, n, 0, op.Tasks(n))
			if !slices.EqualFunc(cells(e, z), cells(e, got[0]), same) {
				t.Fatalf("%+v of %v: %s differs", s, x, tier.Name)
			}
		}
	}
	for _, x := range []tensor.Type{{Elem: tensor.Bool, Shape: tensor.Shape{2}}, {Elem: tensor.U8, Scale: 1, Shape: tensor.Shape{2}}, tensor.Floats()} {
		if _, err := (&CumulativeSum{}).Infer([]tensor.Type{x}, nil); err == nil {
			t.Errorf("%v: no error", x)
		}
	}
}
