package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
)

// centerCropPad translates CenterCropPad: along its axes a tensor is cut to a
// constant shape where it is larger, and padded with zeros where it is smaller, as
// much at both ends, or one less at the first.
func (c *call) centerCropPad() []*value {
	x := c.activation(0)
	rank := len(x.shape)
	list := c.constantInts(1, "the shape")
	want := c.sizes(list, "the shape")
	axes := c.axes(c.intsAttr("axes"), rank)
	if c.ready() && c.intsAttr("axes") == nil {
		axes = axesFrom(0, rank)
	}
	if c.ready() && len(want) != len(axes) {
		c.fail("a shape of %d numbers for %d axes", len(want), len(axes))
	}
	if !c.ready() {
		return nil
	}
	crop := &kernels.Slice{Start: make([]int, rank), Step: slices.Repeat([]int{1}, rank), Size: slices.Clone(x.shape)}
	pad := &kernels.Padding{Before: make([]int, rank), After: make([]int, rank)}
	cut, padded := false, false
	for i, axis := range axes {
		d, n := x.shape[axis], want[i]
		// A model exported for one picture may say 1 for its batch.
		if axis == 0 && n == 1 && c.t.batch > 1 && d == c.t.batch {
			continue
		}
		switch {
		case n < d:
			crop.Start[axis], crop.Size[axis], cut = (d-n)/2, n, true
		case n > d:
			pad.Before[axis] = (n - d) / 2
			pad.After[axis], padded = n-d-pad.Before[axis], true
		}
	}
	if slices.Contains(crop.Size, 0) {
		return []*value{c.empty(x.elem, crop.Size)}
	}
	if cut {
		x = c.apply(crop, x)[0]
	}
	if padded && c.ready() {
		x = c.apply(pad, x)[0]
	}
	return []*value{x}
}

// det translates Det of matrices of up to three rows, by the sum of their products.
func (c *call) det() []*value {
	x := c.activation(0)
	rank := len(x.shape)
	if rank < 2 || x.shape[rank-1] != x.shape[rank-2] {
		return c.fail("%q of shape %v is no square matrix", x.name, x.shape)
	}
	n := x.shape[rank-1]
	if n > 3 {
		return c.unsupported("determinants of %d×%d matrices are not supported, only those of up to 3×3", n, n)
	}
	outer := x.shape[:rank-2]
	elements := []*value{c.reshape(x, slices.Concat(outer, []int{n * n}))}
	if n > 1 && c.ready() {
		elements = c.apply(&kernels.Split{Axis: rank - 2, Sizes: slices.Repeat([]int{1}, n*n)}, elements[0])
	}
	if !c.ready() {
		return nil
	}
	at := func(row, column int) *value { return elements[row*n+column%n] }
	mul := func(a, b *value) *value { return c.binary(&kernels.Binary{Kind: kernels.Mul}, a, b) }
	// minor is that of the last two rows and of two columns from one on.
	minor := func(column int) *value {
		return c.binary(&kernels.Binary{Kind: kernels.Sub}, mul(at(n-2, column), at(n-1, column+1)), mul(at(n-2, column+1), at(n-1, column)))
	}
	y := elements[0]
	switch n {
	case 2:
		y = minor(0)
	case 3:
		y = mul(at(0, 0), minor(1))
		for column := 1; column < n; column++ {
			y = c.binary(&kernels.Binary{Kind: kernels.Add}, y, mul(at(0, column), minor(column+1)))
		}
	}
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(y, slices.Clone(outer))}
}
