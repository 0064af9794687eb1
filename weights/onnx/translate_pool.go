package onnx

import (
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// maxPool translates MaxPool.
func (c *call) maxPool() []*value {
	// Plain bytes have maxima as quantised ones do.
	if kind := c.kind(0); c.ready() && kind.isByte() && c.in[0].data == nil && c.in[0].scale == 0 {
		c.in[0] = c.labelled(c.in[0], kernels.Elements{Elem: tensor.U8, Scale: 1, Zero: int32(kind.shift())})
		if kind == typeInt8 {
			c.stand(kind, c.node.out[0])
		}
	}
	out := c.pool(kernels.MaxPool)
	if len(c.node.out) > 1 && c.node.out[1] != "" && c.ready() {
		out = append(out, c.maxPlaces(out[0].shape))
	}
	return out
}

// averagePool translates AveragePool.
func (c *call) averagePool() []*value {
	if c.intAttr("count_include_pad", 0) != 0 {
		return c.pool(kernels.AveragePoolPadded)
	}
	return c.pool(kernels.AveragePool)
}

func (c *call) pool(kind kernels.PoolKind) []*value {
	x := c.activation(0)
	if c.ready() && len(x.shape) == 5 {
		return c.pool3(kind, x)
	}
	c.spatial(x)
	if !c.ready() {
		return nil
	}
	op := &kernels.Pool{Window: c.window(x, c.intsAttr("kernel_shape")), Kind: kind, Ceil: c.intAttr("ceil_mode", 0) != 0}
	size := c.windows(op.Window, mapSize(x.shape), op.Ceil)
	if !op.Ceil {
		trimPadding(&op.Window, mapSize(x.shape), size)
	}
	if separates(op) && c.ready() {
		// The largest of each row's first, then the largest of these.
		rows := *op
		rows.Kernel[0], rows.Stride[0], rows.Dilation[0], rows.Pad[0], rows.Pad[2] = 1, 1, 1, 0, 0
		op.Kernel[1], op.Stride[1], op.Dilation[1], op.Pad[1], op.Pad[3] = 1, 1, 1, 0, 0
		x = c.emitPool(&rows, x, mapShape(x.shape, x.shape[1], [2]int{mapSize(x.shape)[0], size[1]}))[0]
		if !c.ready() {
			return nil
		}
	}
	return c.emitPool(op, x, mapShape(x.shape, x.shape[1], size))
}

// separates says that a pool looks at fewer elements as two, one along each
// dimension, and that its result is the same as such. storing is what the map
// between them costs, in taps of a window.
func separates(p *kernels.Pool) bool {
	const storing = 4
	h, w := int64(p.Kernel[0]), int64(p.Kernel[1])
	return p.Kind == kernels.MaxPool && w*int64(p.Stride[0])+h+storing < h*w
}

// emitPool adds a pool, whose result has the operand's elements.
func (c *call) emitPool(op *kernels.Pool, x *value, shape tensor.Shape) []*value {
	if e := op.ResultElements(x.typ()); e != nil {
		*e = x.elements()
	}
	return c.emitTypes(op, []*value{x}, nil, []tensor.Type{x.typ().Of(shape...)})
}

// trimPadding takes away the padding at the end of a map that none of its
// windows reaches, where it is no smaller than a kernel: exporters that spell
// out ceil_mode add so much. Other padding stays, whether it is reached or not,
// since that depends on the map's size.
func trimPadding(w *kernels.Window, size, windows [2]int) {
	for i := range 2 {
		if int64(w.Pad[i+2]) < w.Extent(i) {
			continue
		}
		end := int64(windows[i]-1)*int64(w.Stride[i]) + w.Extent(i)
		w.Pad[i+2] = bounded(min(int64(w.Pad[i+2]), max(end-int64(w.Pad[i])-int64(size[i]), 0)))
	}
}

// globalPool translates GlobalAveragePool and GlobalMaxPool: a pool whose
// window is the whole map.
func globalPool(kind kernels.PoolKind) func(c *call) []*value {
	return func(c *call) []*value { return c.wholePool(kind, c.activation(0)) }
}

// wholePool pools all of a map, or of a volume.
func (c *call) wholePool(kind kernels.PoolKind, x *value) []*value {
	if !c.ready() {
		return nil
	}
	if len(x.shape) != 5 {
		if c.spatial(x); !c.ready() {
			return nil
		}
		return c.wholeMap(kind, x)
	}
	// All that is in a volume is in a map of as many rows.
	y := c.reshape(x, []int{x.shape[0], x.shape[1], x.shape[2] * x.shape[3], x.shape[4]})
	if !c.ready() {
		return nil
	}
	y = c.wholeMap(kind, y)[0]
	return []*value{c.reshape(y, []int{x.shape[0], x.shape[1], 1, 1, 1})}
}

// wholeMap pools all of a map.
func (c *call) wholeMap(kind kernels.PoolKind, x *value) []*value {
	op := &kernels.Pool{Kind: kind}
	op.Kernel = mapSize(x.shape)
	op.Stride, op.Dilation = [2]int{1, 1}, [2]int{1, 1}
	return c.emit(op, []*value{x}, nil, mapShape(x.shape, x.shape[1], [2]int{1, 1}))
}

// lpPool translates LpPool: the p-th root of the sum of |x|ᵖ over a window.
// Padding adds nothing to a sum.
func (c *call) lpPool() []*value {
	kernel, ceil := c.intsAttr("kernel_shape"), c.intAttr("ceil_mode", 0) != 0
	return c.lp(func(x *value) (*value, int) {
		if len(x.shape) == 5 {
			return c.lpVolume(x, kernel, ceil)
		}
		c.spatial(x)
		if !c.ready() {
			return x, 1
		}
		window := c.window(x, kernel)
		op := &kernels.Pool{Window: window, Kind: kernels.AveragePoolPadded}
		in := mapSize(x.shape)
		size := c.windows(window, in, ceil)
		if !c.ready() {
			return x, 1
		}
		// A window that reaches beyond the map is padded, so that all means are of
		// the same count.
		for i := range 2 {
			end := int64(size[i]-1)*int64(window.Stride[i]) + window.Extent(i)
			op.Pad[i+2] = max(op.Pad[i+2], bounded(end-int64(in[i])-int64(op.Pad[i])))
		}
		return c.emit(op, []*value{x}, nil, mapShape(x.shape, x.shape[1], size))[0], bounded(int64(window.Kernel[0]) * int64(window.Kernel[1]))
	})
}

// lpVolume is the means of LpPool in three dimensions.
func (c *call) lpVolume(x *value, kernel []int64, ceil bool) (mean *value, count int) {
	if ceil {
		c.unsupported("ceil_mode in three dimensions is not supported")
	}
	y := c.pool3(kernels.AveragePoolPadded, x)
	if !c.ready() {
		return x, 1
	}
	return y[0], bounded(kernel[0] * min(kernel[1]*kernel[2], tensor.MaxElements))
}

// globalLpPool translates GlobalLpPool: an LpPool whose window is the whole map.
func (c *call) globalLpPool() []*value {
	return c.lp(func(x *value) (*value, int) {
		count := tensor.Shape(x.shape[min(2, len(x.shape)):]).Volume()
		y := c.wholePool(kernels.AveragePool, x)
		if !c.ready() {
			return x, 1
		}
		return y[0], count
	})
}

// maxPower is the largest p of an LpPool: a larger one is a maximum, as far as
// float32 goes.
const maxPower = 64

// lp takes the p-th root of the sum of |x|ᵖ, where mean takes the means of so
// many elements.
func (c *call) lp(mean func(x *value) (y *value, count int)) []*value {
	x := c.activation(0)
	p := c.intAttr("p", 2)
	if p < 1 || p > maxPower {
		return c.fail("p is %d, and can be 1 to %d", p, maxPower)
	}
	power := func(x *value, by float32) *value {
		return c.binary(&kernels.Binary{Kind: kernels.Pow}, x, &value{shape: []int{}, data: floatTensor([]int{}, []float32{by})})
	}
	if p == 2 {
		x = c.binary(&kernels.Binary{Kind: kernels.Mul}, x, x)
	} else if x = c.apply(&kernels.Unary{Kind: kernels.Abs}, x)[0]; p > 2 {
		x = power(x, float32(p))
	}
	if !c.ready() {
		return nil
	}
	y, count := mean(x)
	if !c.ready() {
		return nil
	}
	y = c.times(y, float32(count))
	switch p {
	case 1:
		return []*value{y}
	case 2:
		return c.apply(&kernels.Unary{Kind: kernels.Sqrt}, y)
	}
	return []*value{power(y, 1/float32(p))}
}
