package kernels

import (
	"math"
	"testing"
)

func TestMACs(t *testing.T) {
	one := [2]int{1, 1}
	same := Window{Kernel: [2]int{3, 3}, Stride: one, Dilation: one, Pad: [4]int{1, 1, 1, 1}}
	for _, c := range []struct {
		spec Spec
		in   [][]int
		want int64
	}{
		{&Conv{Window: same, Groups: 1, Channels: 32, Pool: true}, [][]int{{1, 28, 28, 1}}, 28 * 28 * 9 * 32},
		{&Conv{Window: same, Groups: 8, Channels: 8}, [][]int{{2, 5, 5, 8}}, 2 * 5 * 5 * 9 * 8},
		{&ConvTranspose{Window: same, Groups: 2, Channels: 6}, [][]int{{1, 4, 4, 2}}, 4 * 4 * 2 * 9 * 3},
		{&FullyConnected{Channels: 128}, [][]int{{1, 1568}}, 1568 * 128},
		{&MatMul{}, [][]int{{5, 2, 3}, {3, 4}}, 5 * 2 * 3 * 4},
		{&FullyConnected{Channels: math.MaxInt32}, [][]int{{math.MaxInt32, 1 << 30}}, math.MaxInt64},
		{&Softmax{}, [][]int{{5}}, 0},
	} {
		if got := traits(c.spec, c.in).MACs; got != c.want {
			t.Errorf("%s of %v: %d multiply-adds, want %d", c.spec.Op(), c.in, got, c.want)
		}
	}
}

// TestWork has operations whose time MACs does not tell.
func TestWork(t *testing.T) {
	w := Window{Kernel: [2]int{2, 3}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	for _, c := range []struct {
		spec Spec
		in   []int
		want int64
	}{
		{&Pool{Window: w}, []int{2, 5, 5, 8}, 2 * 4 * 3 * 6 * 8},
		{&LRN{Size: 5}, []int{1, 2, 3, 8}, 2 * 3 * 8 * 5},
		{&LRN{Size: 100}, []int{1, 2, 3, 8}, 2 * 3 * 8 * 8},
		{&LRN{Size: 32}, []int{1, 2, 3, 100}, 2 * 3 * 100 * 32},
		{&LRN{Size: 33}, []int{1, 2, 3, 100}, 2 * 3 * 100 * 5},
		{&LRN{Size: 1 << 17}, []int{1, 1, 1, 1 << 17}, 5 << 17},
		{&Conv{Window: w, Groups: 1, Channels: 7}, []int{1, 5, 5, 8}, 4 * 3 * 6 * 8 * 7},
	} {
		if got := traits(c.spec, [][]int{c.in}).Work(); got != c.want {
			t.Errorf("%s of %v: work of %d, want %d", c.spec.Op(), c.in, got, c.want)
		}
	}
}

// TestTableEntries compares the bound with the runs that there are.
func TestTableEntries(t *testing.T) {
	g := newGenerator(70)
	for range 2000 {
		w, size := g.window(false)
		p := &Pool{Window: w, Ceil: g.IntN(2) == 0}
		for i := range size {
			size[i] += g.IntN(40)
			p.Kernel[i] += g.IntN(20)
			p.Pad[i], p.Pad[i+2] = g.IntN(int(p.Extent(i))), g.IntN(int(p.Extent(i)))
		}
		in := [][]int{{1, size[0], size[1], 1}}
		op, err := bind(p, Tiers()[0], in, nil)
		if err != nil {
			continue // the kernel is larger than the map
		}
		runs := op.(*poolOp).runs
		if n := len(runs[0]) + len(runs[1]); n > traits(p, in).TableEntries {
			t.Errorf("%+v of %v has %d runs, more than %d", p, in, n, traits(p, in).TableEntries)
		}
	}
	r := &Resize{Size: [2]int{3, 5}}
	if n := traits(r, [][]int{{1, 9, 9, 9}}).TableEntries; n != 8 {
		t.Errorf("%+v has %d entries", r, n)
	}
	for _, mode := range []PadMode{PadConstant, PadEdge} {
		p := &Padding{Mode: mode, Before: []int{0, 1, 2, 0}, After: []int{0, 1, 0, 3}}
		in := [][]int{{1, 4, 4, 4}}
		op, err := bind(p, Tiers()[0], in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := boxEntries * len(op.(*copyOp).moves); n > traits(p, in).TableEntries {
			t.Errorf("%+v takes %d entries, more than %d", p, n, traits(p, in).TableEntries)
		}
	}
	c := &Conv{Window: square(3, 1, 0), Groups: 1, Channels: 1}
	if n := c.Traits(types([][]int{{1, 9, 9, 9}}), []Param{{Form: FormPanels}}).TableEntries; n != 0 {
		t.Errorf("a convolution in panels has %d entries", n)
	}
}

// traits are those of an operation on float32; of its params only the form
// matters, which is plain.
func traits(s Spec, in [][]int) Traits {
	params := []Param{{}}
	if _, ok := s.(*MatMul); ok {
		params = nil // of two operands
	}
	return s.Traits(types(in), params)
}
