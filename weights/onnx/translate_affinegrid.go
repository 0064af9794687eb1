package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// affineGrid translates AffineGrid: theta [N, 2, 3] and a size [N, C, H, W] give a
// grid [N, H, W, 2]; theta [N, 3, 4] and [N, C, D, H, W] give [N, D, H, W, 3]. A
// place of the grid is theta·(x, y, 1) or theta·(x, y, z, 1) of coordinates from −1
// to 1, of which x is that of the last dimension.
func (c *call) affineGrid() []*value {
	theta, list := c.activation(0), c.constantInts(1, "the size")
	align := c.intAttr("align_corners", 0) != 0
	size := c.sizes(list, "the size")
	if !c.ready() {
		return nil
	}
	k := len(size) - 2 // spatial dimensions
	if k != 2 && k != 3 {
		return c.fail("the size %v is not that of maps of two or three spatial dimensions", size)
	}
	if len(theta.shape) != 3 || theta.shape[1] != k || theta.shape[2] != k+1 {
		return c.fail("theta, %q, of shape %s for a grid of %d dimensions, where it is N×%d×%d", theta.name, tensor.Dims(theta.shape...), k, k, k+1)
	}
	// A model exported for one picture may say 1 for its batch.
	n := theta.shape[0]
	if size[0] != n && (size[0] != 1 || n != c.t.batch) {
		return c.fail("%d matrices for a size of %d items", n, size[0])
	}
	if slices.Contains(size[2:], 0) {
		return c.fail("the size %v has no elements", size)
	}
	columns := c.apply(&kernels.Split{Axis: 2, Sizes: slices.Repeat([]int{1}, k+1)}, theta)
	if !c.ready() {
		return nil
	}
	// Each column has a number for each row of theta, the same at all places.
	shape := slices.Concat([]int{n, k}, slices.Repeat([]int{1}, k))
	y := c.reshape(columns[k], shape)
	for d := range k {
		// The first columns belong to the last dimensions.
		at := c.coordinates(k, d, size[2+d], align)
		if !c.ready() {
			return nil
		}
		part := c.binary(&kernels.Binary{Kind: kernels.Mul}, c.reshape(columns[k-1-d], shape), at)
		y = c.binary(&kernels.Binary{Kind: kernels.Add}, part, y)
	}
	if !c.ready() {
		return nil
	}
	perm := []int{0, 2, 3, 1}
	if k == 3 {
		perm = []int{0, 2, 3, 4, 1}
	}
	return []*value{c.transpose(y, perm...)}
}

// The nodes by which coordinates say how they were computed. They are the same for
// all probes.
var (
	gridDivide   = &nodeProto{op: "Div"}
	gridSubtract = &nodeProto{op: "Sub"}
)

// coordinates are the n coordinates from −1 to 1 along a dimension of k: of the
// centres of n equal parts, or if aligned of n places from the first to the last of
// both. One place alone is −1.
func (c *call) coordinates(k, dim, n int, align bool) *value {
	shape := slices.Repeat([]int{1}, k)
	shape[dim] = n
	ramp := c.newTensor(typeFloat, shape)
	if ramp == nil {
		return nil
	}
	if c.t.budget -= 3 * n; c.t.budget < 0 {
		c.fail("a grid of %d places is too large", n)
		return nil
	}
	first, parts := 1, n
	if align {
		first, parts = 0, max(n-1, 1)
	}
	for i := range ramp.floats {
		ramp.floats[i] = float32(first + 2*i)
	}
	x := c.computedBy(gridDivide, &value{shape: shape, data: ramp}, c.number(tensor.F32, int64(parts)))
	return c.computedBy(gridSubtract, x, c.number(tensor.F32, 1))
}

// computedBy is a constant that is computed by a node of two others, so that it can
// be computed at other sizes too.
func (c *call) computedBy(by *nodeProto, a, b *value) *value {
	out := c.foldBinary(gridArithmetic[by.op], a, b)
	if !c.ready() {
		return &value{}
	}
	out[0].data.origin = &origin{node: by, in: []*value{a, b}}
	return out[0]
}
