package weights

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// gridSample is a net that multiplies a map [1, height, width, 2] by a grid that
// has terms of every kind: at [row, column] of a map 4 pixels high, the numbers
// (column + 0.5)·8 and (10 + row)/height.
func gridSample(t testing.TB) *Net {
	t.Helper()
	b := newBuilder(t, true)
	x := b.input("x", 1, 4, 3, 2)
	height, width := Length{At: 4, By: []int{2, 0, 0}}, Length{At: 3, By: []int{0, 1, 0}}
	fixed := func(n int) Length { return Length{At: n} }
	g := Grid{Terms: []Term{
		{Kind: Ramp, Dims: []Length{width}, Offset: 0.5, Step: 1},
		{Kind: Table, Values: []float32{8}},
		{Kind: Arithmetic, Of: []int{0, 1}, Binary: kernels.Mul},
		{Kind: Expand, Of: []int{2}, Dims: []Length{height, width}},
		{Kind: Ramp, Whole: true, Dims: []Length{height}, Start: fixed(10), Offset: 0.5, Step: 1},
		{Kind: Cast, Of: []int{4}},
		{Kind: Ramp, Start: height},
		{Kind: Arithmetic, Of: []int{5, 6}, Binary: kernels.Div},
		{Kind: Expand, Of: []int{7}, Dims: []Length{width, height}},
		{Kind: Transpose, Of: []int{8}, Perm: []int{1, 0}},
		{Kind: View, Of: []int{3}, Dims: []Length{height, width, fixed(1)}},
		{Kind: Expand, Of: []int{9}, Dims: []Length{fixed(2), height, width}},
		{Kind: First, Of: []int{11}},
		{Kind: View, Of: []int{12}, Dims: []Length{height, width, fixed(1)}},
		{Kind: Concat, Of: []int{10, 13}, Axis: 2},
	}}
	p := kernels.PlainParam(tensor.Shape{4, 3, 2}, gridWant(4, 3))
	y := b.step("mul", &kernels.Binary{Kind: kernels.Mul}, []int{x}, p)
	b.net.Outputs = y
	b.net.Open = []OpenDim{
		{Name: "height", At: []Axis{{0, 1}}, Size: 4, Multiple: 2, Least: 2, Most: 1 << 20},
		{Name: "width", At: []Axis{{0, 2}}, Size: 3, Multiple: 1, Least: 1, Most: 1 << 20},
	}
	b.net.Grids = []Grid{g}
	return b.net
}

// gridWant is the sample's param.
func gridWant(height, width int) []float32 {
	var want []float32
	for row := range height {
		for column := range width {
			want = append(want, float32(8*column+4), float32(10+row)/float32(height))
		}
	}
	return want
}

// TestGrid computes a grid at several sizes, after it was written and read.
func TestGrid(t *testing.T) {
	want := gridSample(t)
	data := marshal(t, want)
	n, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(n.Grids, want.Grids) {
		t.Errorf("is\n%+v\nwas\n%+v", n.Grids, want.Grids)
	}
	for _, size := range [][]int{{4, 3}, {2, 1}, {6, 11}, {22, 5}} {
		sized, err := n.Sized(size)
		if err != nil {
			t.Fatal(err)
		}
		p := sized.Params[0]
		if !p.Shape.Equal(tensor.Shape{size[0], size[1], 2}) || !slices.Equal(p.Floats(), gridWant(size[0], size[1])) {
			t.Errorf("%v: %s %v", size, p.Shape, p.Floats())
		}
		if len(sized.Grids) > 0 {
			t.Error("a net of one size has grids")
		}
	}
	if !slices.Equal(n.Params[0].Floats(), gridWant(4, 3)) {
		t.Error("the net itself has changed")
	}
	if _, err := n.Sized([]int{1 << 20, 1 << 20}); err == nil {
		t.Error("a grid of 2⁴¹ elements is computed")
	}
	for i := 0; i < 8*len(data); i += stride() {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		fixSums(flipped)
		parseAndWrite(t, flipped)
	}
}

// TestGridElements has integers, of which a division is rounded towards zero.
func TestGridElements(t *testing.T) {
	g := Grid{Terms: []Term{
		{Kind: Ramp, Whole: true, Dims: []Length{{At: 4}}, Start: Length{At: -3}, Step: 2},
		{Kind: Table, Whole: true, Values: []float32{2}},
		{Kind: Arithmetic, Whole: true, Of: []int{0, 1}, Binary: kernels.Div},
	}}
	left := maxGrid
	shapes, err := g.shapes(nil, nil, &left)
	if err != nil {
		t.Fatal(err)
	}
	x := g.compute(shapes, nil, nil)
	if want := []float64{-1, 0, 0, 1}; !slices.Equal(x, want) {
		t.Fatalf("%v, want %v", x, want)
	}
	if got := tensor.Slice[int32](gridData(tensor.I32, x)); !slices.Equal(got, []int32{-1, 0, 0, 1}) {
		t.Errorf("i32: %v", got)
	}
	if got := tensor.Slice[int64](gridData(tensor.I64, x)); !slices.Equal(got, []int64{-1, 0, 0, 1}) {
		t.Errorf("i64: %v", got)
	}
}

// TestInvalidGrids has grids that cannot be computed.
func TestInvalidGrids(t *testing.T) {
	for _, c := range []struct {
		change func(n *Net, terms []Term)
		want   string
	}{
		{func(n *Net, _ []Term) { n.Grids[0].Param = 1 }, "no param 1"},
		{func(n *Net, _ []Term) { n.Grids = append(n.Grids, n.Grids[0]) }, "out of order"},
		{func(n *Net, _ []Term) { n.Grids[0].Terms = nil }, "no terms"},
		{func(n *Net, _ []Term) { n.Open = nil }, "no dimension is open"},
		{func(_ *Net, s []Term) { s[0].Of = []int{0} }, "made from 1 terms"},
		{func(_ *Net, s []Term) { s[2].Of = []int{0, 2} }, "no term 2 before it"},
		{func(_ *Net, s []Term) { s[0].Dims = []Length{{At: 3, By: []int{1}}} }, "out of range"},
		{func(_ *Net, s []Term) { s[0].Dims = slices.Repeat([]Length{{At: 1}}, 9) }, "more than"},
		{func(_ *Net, s []Term) { s[0].Dims = []Length{{At: 0}} }, "term 0"},
		{func(_ *Net, s []Term) { s[0].Axis = 1 }, "no ramp"},
		{func(_ *Net, s []Term) { s[1].Values = nil }, "0 elements for a table"},
		{func(_ *Net, s []Term) { s[10].Dims = []Length{{At: 1}} }, "cannot have the shape"},
		{func(_ *Net, s []Term) { s[9].Perm = []int{0, 0} }, "other dimensions"},
		{func(_ *Net, s []Term) { s[9].Perm = []int{0} }, "other dimensions"},
		{func(_ *Net, s []Term) { s[3].Dims = []Length{{At: 4}} }, "does not expand"},
		{func(_ *Net, s []Term) { s[12].Axis = 3 }, "no dimension 3"},
		{func(_ *Net, s []Term) { s[14].Axis = 3 }, "no dimension 3"},
		{func(_ *Net, s []Term) { s[14].Axis = -1 }, "no dimension -1"},
		{func(_ *Net, s []Term) { s[14].Of = []int{10, 9} }, "cannot be joined"},
		{func(_ *Net, s []Term) { s[14].Axis = 1 }, "and its param"},
		{func(_ *Net, s []Term) { s[2].Binary = kernels.Pow }, "no arithmetic"},
		{func(_ *Net, s []Term) { s[14].Kind = lastTerm + 1 }, ""},
	} {
		n := gridSample(t)
		c.change(n, n.Grids[0].Terms)
		if err := n.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
