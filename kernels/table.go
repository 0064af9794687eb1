package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// tableOp looks bytes up: any function of one quantised element. A linear one it
// computes, where the tier has a kernel for it, which takes less time.
type tableOp struct {
	flat
	kernel   func(*asm.TableArgs)
	rescale  func(*asm.RescaleArgs) // nil if elements are looked up
	table    *[256]byte
	line     asm.RescaleArgs // what is the same in all calls
	channels int             // the last dimension
}

var tableKernel = asm.Kernel{Op: "table", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}

func newTable(t *Tier, x tensor.Shape, table *[256]byte) *tableOp {
	op := &tableOp{flat: flat{volume: x.Volume()}, kernel: findQuantised[asm.TableArgs](t, tableKernel), table: table, channels: 1}
	if len(x) > 0 {
		op.channels = x[len(x)-1]
	}
	// The portable kernel is the oracle: a table takes less time than it.
	if run := lookup[asm.RescaleArgs](t.kernels, rescaleKernel); run != nil && t != portable {
		if line, ok := rescalingOf(table); ok {
			op.line, op.rescale = line, run
		}
	}
	return op
}

func (op *tableOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	op.look(w, in[0][from:to], out[0][from:to])
}

// look writes what becomes of x to y.
func (op *tableOp) look(w *Workspace, x, y []byte) {
	for done := 0; done < len(x); done += taskSize {
		some := min(taskSize, len(x)-done)
		if op.rescale != nil {
			op.lookRows(w, x[done:done+some], y[done:], some, some)
			continue
		}
		a := &w.table
		a.X, a.Y, a.Table, a.N = &x[done], &y[done], &op.table[0], some
		op.kernel(a)
	}
}

// lookRows computes a linear function of rows of n elements, at most taskSize. The
// results of a row stand yRow after those of the one before.
func (op *tableOp) lookRows(w *Workspace, x, y []byte, n, yRow int) {
	a := &w.rescale
	*a = op.line
	a.XRow, a.YRow, a.N = n, yRow, n
	most := taskSize / n
	for done, rows := 0, len(x)/n; done < rows; done += most {
		a.X, a.Y, a.Rows = &x[done*n], &y[done*yRow], min(most, rows-done)
		op.rescale(a)
	}
}

// Place makes op a Placer.
func (op *tableOp) Place(first, channels int) Op {
	if op.rescale != nil && op.channels%rescaleSize == 0 && 0 < op.channels && op.channels <= taskSize {
		return &placedRows{*op, first, channels, op.volume / op.channels, taskSize / op.channels}
	}
	return &placedTable{*op, first, channels}
}

// rescaleSize is a number of elements that kernels compute together: rows of other
// lengths are better written as one and copied.
const rescaleSize = 32

// placedRows is a tableOp of a linear function whose result's channels begin at
// channel first of pixels of so many. A task is some pixels of all items.
type placedRows struct {
	tableOp
	first, pixel int
	pixels       int // of an item
	some         int
}

func (op *placedRows) Tasks(n int) int { return ceilDiv(n*op.pixels, op.some) }

func (op *placedRows) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := lo*op.some, min(hi*op.some, n*op.pixels)
	if from < to {
		op.lookRows(w, in[0][from*op.channels:to*op.channels], out[0][from*op.pixel+op.first:], op.channels, op.pixel)
	}
}

// placedTable is a tableOp whose result's channels begin at channel first of
// pixels of so many.
type placedTable struct {
	tableOp
	first, pixel int
}

func (*placedTable) Scratch() int { return taskSize }

func (op *placedTable) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	for from < to {
		found := w.Scratch[:min(taskSize, to-from)]
		op.look(w, in[0][from:from+len(found)], found)
		pixel, channel := from/op.channels, from%op.channels
		from += len(found)
		for len(found) > 0 {
			some := min(op.channels-channel, len(found))
			copy(out[0][pixel*op.pixel+op.first+channel:], found[:some])
			found, pixel, channel = found[some:], pixel+1, 0
		}
	}
}
