package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// separablePool is a MaxPool in two passes: the maxima along rows, in scratch,
// then the maxima of these down columns. A window of R × C taps takes R + C
// steps instead of R·C, as rows of maxima serve several windows. A task is a
// block of channels of some rows of results.
type separablePool struct {
	poolOp             // its sliding goes down the columns, over the scratch
	window      Window // of the pool
	height      int
	along       sliding // along the rows of the map
	mapChannels int
	rows        int // of the scratch
}

const (
	// separableBytes is how much scratch a task may use: it is to stay in the
	// second-level cache.
	separableBytes = 256 << 10

	// separableGain is the least number of taps that two passes have to save, in
	// each window, to pay for writing and reading what stands between them.
	separableGain = 6
)

// separate returns the two passes of a MaxPool of a map of shape x with n rows
// and columns of results, nil if one pass is better.
func (p *Pool) separate(direct *poolOp, x tensor.Shape, n [2]int) *separablePool {
	height, width, channels := x[1], x[2], x[3]
	down := Window{Kernel: [2]int{p.Kernel[0], 1}, Stride: [2]int{p.Stride[0], 1}, Dilation: [2]int{p.Dilation[0], 1}, Pad: [4]int{p.Pad[0], 0, p.Pad[2], 0}}
	along := Window{Kernel: [2]int{1, p.Kernel[1]}, Stride: [2]int{1, p.Stride[1]}, Dilation: [2]int{1, p.Dilation[1]}, Pad: [4]int{0, p.Pad[1], 0, p.Pad[3]}}

	taskRows := int(min(int64(n[0]), max(int64(direct.taskRows), 2*p.Extent(0)/int64(p.Stride[0]))))
	rows := int(min(int64(height), int64(taskRows-1)*int64(p.Stride[0])+p.Extent(0)))
	r, c := int64(min(p.Kernel[0], height)), int64(min(p.Kernel[1], width))
	if r+c*int64(rows)/int64(taskRows)+separableGain > r*c {
		return nil
	}
	// As many channels as give enough tasks.
	most := separableBytes / 4 / NR / max(rows, 1) / n[1]
	block := min(most, ceilDiv(ceilDiv(channels*ceilDiv(n[0], taskRows), fewTasks), NR), maxBlock/NR) * NR
	if block == 0 {
		return nil
	}
	op := &separablePool{poolOp: *direct, window: p.Window, height: height, mapChannels: channels, rows: rows}
	op.sliding = newSliding(&down, height, n[1], block, n)
	op.next = direct.next
	op.taskRows, op.block, op.kernel, op.empty, op.largest = taskRows, block, direct.kernel, direct.empty, true
	op.along = newSliding(&along, height, width, channels, [2]int{height, n[1]})
	op.along.next = [2]int{n[1] * block, block}
	op.along.block, op.along.kernel, op.along.empty, op.along.largest = block, direct.kernel, float32(math.Inf(-1)), true
	return op
}

// Place makes op a Placer.
func (op *separablePool) Place(first, channels int) Op {
	placed := *op
	placed.offset, placed.next = first, [2]int{op.out[1] * channels, channels}
	return &placed
}

func (op *separablePool) Scratch() int { return 4 * op.rows * op.out[1] * op.block }

func (op *separablePool) blocks() int { return ceilDiv(op.mapChannels, op.block) }

func (op *separablePool) Tasks(n int) int { return n * op.maps * op.tasks() * op.blocks() }

func (op *separablePool) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	least, most := Act{}.limits()
	maxima := w.floats()[:op.rows*op.out[1]*op.block]
	for task := lo; task < hi; task++ {
		item, from, to := op.taskArea(task / op.blocks())
		c := task % op.blocks() * op.block
		channels := min(op.block, op.mapChannels-c)
		x, y := operand[item*op.in:(item+1)*op.in], result[(item*op.out[0]+from)*op.next[0]+op.offset+c:]
		top, end := op.window.reach(0, op.height, from, to)
		// The pass along the rows writes channel c of the map first.
		op.along.compute(w, maxima, x[c:], area{rows: [2]int{top, end}, channels: [2]int{0, channels}, lo: least, hi: most})
		op.compute(w, y, maxima, area{rows: [2]int{from, to}, top: top, channels: [2]int{0, channels}, lo: least, hi: most})
	}
}
