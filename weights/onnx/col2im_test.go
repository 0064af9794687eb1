package onnx

import (
	"strings"
	"testing"
)

// TestCol2Im compares with the definition: each element of a block is added at its
// place, if that is not padding.
func TestCol2Im(t *testing.T) {
	const channels, kh, kw, height, width, down, right = 2, 2, 3, 5, 9, 3, 2
	m := newModel(18)
	m.ints("image", height, width)
	m.ints("block", kh, kw)
	m.node("Col2Im", "x0 image block", "y", attr{"strides", []int64{2, 3}}, attr{"dilations", []int64{2, 1}}, attr{"pads", []int64{1, 0, 1, 1}})
	runsTo(t, m, [][]int{{1, channels * kh * kw, 9}}, []int{1, channels, height, width}, func(in [][]float64) []float64 {
		y := make([]float64, channels*height*width)
		for row := range channels * kh * kw {
			for b := range 9 {
				r := b/3*2 + row/kw%kh*2 - 1
				c := b%3*3 + row%kw
				if r >= 0 && r < height && c >= 0 && c < width {
					y[(row/(kh*kw)*height+r)*width+c] += in[0][row*9+b]
				}
			}
		}
		return y
	})

	m = newModel(18)
	m.ints("image", 5)
	m.ints("block", 3)
	m.node("Col2Im", "x0 image block", "y")
	runsTo(t, m, [][]int{{1, 3, 3}}, []int{1, 1, 5}, func(in [][]float64) []float64 {
		x := in[0]
		return []float64{x[0], x[1] + x[3], x[2] + x[4] + x[6], x[5] + x[7], x[8]}
	})
}

func TestBadCol2Im(t *testing.T) {
	for _, c := range []struct {
		x            []int
		image, block []int64
		attrs        []attr
		want         string
	}{
		{[]int{1, 4, 4}, []int64{3, 3}, []int64{2, 2}, nil, ""},
		{[]int{1, 4, 2, 2}, []int64{3, 3}, []int64{2, 2}, nil, "is no list of blocks"},
		{[]int{1, 8, 4}, []int64{3, 3, 3}, []int64{2, 2, 2}, nil, "blocks of 3 dimensions are not supported"},
		{[]int{1, 4, 4}, []int64{3}, []int64{2, 2}, nil, "the shape of the image [3] for 2 spatial dimensions"},
		{[]int{1, 5, 4}, []int64{3, 3}, []int64{2, 2}, nil, "5 rows for blocks of 4 elements"},
		{[]int{1, 4, 5}, []int64{3, 3}, []int64{2, 2}, nil, "5 blocks where an image of shape [3 3] has 2×2"},
		{[]int{1, 4, 4}, []int64{1, 3}, []int64{2, 2}, nil, "do not fit into an image"},
		{[]int{1, 4, 4}, []int64{3, 3}, []int64{2, 2}, []attr{{"strides", []int64{0, 1}}}, "strides [0 1]: 0 is less than 1"},
		{[]int{1, 4, 4}, []int64{3, 3}, []int64{2, 2}, []attr{{"pads", []int64{-1, 0, 0, 0}}}, "-1 is less than 0"},
		{[]int{1, 4, 4}, []int64{1 << 20, 1 << 20}, []int64{1 << 20, 1 << 20}, nil, "rows for blocks of"},
		{[]int{1, 4, 4}, []int64{1 << 20, 1 << 20}, []int64{2, 2}, nil, "4 blocks where an image"},
		{[]int{1, 1 << 20, 1}, []int64{1, 1 << 20}, []int64{1, 1 << 20}, nil, "too large"},
	} {
		m := newModel(18)
		m.input("x", c.x...)
		m.ints("image", c.image...)
		m.ints("block", c.block...)
		m.node("Col2Im", "x image block", "y", c.attrs...)
		m.output("y")
		_, _, err := Freeze(m.bytes(), Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: error %v, want one that contains %q", c, err, c.want)
		}
	}
}
