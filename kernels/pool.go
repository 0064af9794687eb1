package kernels

import (
	"math"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// PoolKind says what a pool computes from a window.
type PoolKind uint8

const (
	MaxPool           PoolKind = iota
	AveragePool                // over the elements inside the map
	AveragePoolPadded          // over the whole window, padding counted as zeros
)

// Pool reduces windows of an NHWC map. Ceil rounds the result's size up;
// windows are then cut off at the edge of the padded map. In a global pool,
// Kernel is the whole map's size.
//
// If the operand is quantised, a MaxPool's result has the operand's elements.
type Pool struct {
	Window
	Kind   PoolKind
	Ceil   bool
	Result Elements
}

func (*Pool) Op() string { return "Pool" }

func (*Pool) Order() Order { return Maps }

// Moves is true for a MaxPool: a maximum is one of its window's elements.
func (p *Pool) Moves() bool { return p.Kind == MaxPool }

// Extents returns the window's size: for a global pool that is the map's.
func (p *Pool) Extents() []int { return p.Kernel[:] }

func (p *Pool) WithExtents(extents []int) Spec {
	other := *p
	other.Kernel = [2]int(extents)
	return &other
}

func (p *Pool) ResultElements(x tensor.Type) *Elements { return ifQuantised(x, &p.Result) }

// Traits counts each element of each window.
func (p *Pool) Traits(in []tensor.Type, _ []Param) Traits {
	x := in[0].Shape
	n, err := p.count(p, x[1], x[2], p.Ceil)
	if err != nil {
		return Traits{}
	}
	return Traits{
		Extra:        tensor.Saturated(x[0], int(n[0]), int(n[1]), p.Kernel[0], p.Kernel[1], x[3]),
		TableEntries: p.tableEntries(),
	}
}

func (p *Pool) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := computeOperands(p, p.Result, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkMap(p, in); err != nil {
		return nil, err
	}
	if p.Kind > AveragePoolPadded {
		return nil, errorf(p, "unknown kind %d", p.Kind)
	}
	x := in[0].Shape
	n, err := p.count(p, x[1], x[2], p.Ceil)
	if err != nil {
		return nil, err
	}
	for i, pad := range p.Pad {
		// A window of padding alone would have no maximum and no average.
		if int64(pad) >= p.Extent(i%2) {
			return nil, errorf(p, "padding %v is not smaller than the kernel %s with dilation %s",
				p.Pad, tensor.Dims(p.Kernel[:]...), tensor.Dims(p.Dilation[:]...))
		}
	}
	if err := p.checkEdge(p, n); err != nil {
		return nil, err
	}
	if isQuantised(in) {
		if err := p.checkQuantised(in[0]); err != nil {
			return nil, err
		}
	}
	return result64(p, p.Result.Of(), x[0], n, x[3])
}

func (p *Pool) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := p.Infer(in, params)
	if err != nil {
		return nil, err
	}
	if isQuantised(in) {
		return p.bindQuantised(t, in[0], out[0]), nil
	}
	x, y := in[0].Shape, out[0].Shape
	op := &poolOp{
		sliding: newSliding(&p.Window, x[1], x[2], x[3], [2]int{y[1], y[2]}),
		maps:    x[0],
		in:      x[1:].Volume(),
	}
	op.kernel, op.empty, op.largest = find[asm.TapsArgs](t, asm.Kernel{Op: "maxpool"}), float32(math.Inf(-1)), p.Kind == MaxPool
	if p.Kind != MaxPool {
		k := asm.Kernel{Op: "avgpool"}
		if p.Kernel[0] <= narrowRows && p.Kernel[1] <= narrowColumns {
			k = narrowKernel
		}
		op.kernel, op.empty = find[asm.TapsArgs](t, k), float32(math.NaN())
	}
	if p.Kind == AveragePoolPadded {
		op.padded, op.empty = true, 0
	}
	return op, nil
}

// narrowKernel computes the means of small windows, of no more rows and columns
// than these, in float32.
var narrowKernel = asm.Kernel{Op: "avgpool", Variant: "narrow"}

const narrowRows, narrowColumns = 4, 3

// poolOp is a Pool. A task is a block of channels of some rows of results. A
// window that lies between the map's elements, as a dilated one can, has the
// maximum −Inf and no mean, NaN, unless padding counts.
type poolOp struct {
	scratchless
	sliding
	maps int
	in   int // elements of a map

	offset int // the result's first channel, if it is placed in a larger map
}

// Place makes op a Placer.
func (op *poolOp) Place(first, channels int) Op {
	placed := *op
	placed.offset, placed.next = first, [2]int{op.out[1] * channels, channels}
	return &placed
}

func (op *poolOp) Tasks(n int) int { return n * op.maps * op.tasks() * op.blocks() }

func (op *poolOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	least, most := Act{}.limits()
	for task := lo; task < hi; task++ {
		item, from, to := op.taskArea(task / op.blocks())
		c := task % op.blocks() * op.block
		x, y := operand[item*op.in:(item+1)*op.in], result[(item*op.out[0]+from)*op.next[0]+op.offset:]
		op.compute(w, y, x, area{rows: [2]int{from, to}, channels: [2]int{c, min(c+op.block, op.channels)}, lo: least, hi: most})
	}
}
