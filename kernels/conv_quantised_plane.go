package kernels

import (
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// A quantisedPlane is a convolution of a map of one channel, as a net of grey
// pictures begins with: its kernels read rows of taps where they are. A task is a
// strip of rows.
type quantisedPlane struct {
	quantisedMap
	*quantisedPanels
	kernel func(*asm.QuantisedPlaneArgs)
}

var planeKernel = asm.Kernel{Op: "convpool3x3", Operand: asm.U8, Weight: asm.I8, Result: asm.U8}

// planar says that the tier has kernels for it.
func (m *quantisedMap) planar() bool {
	return m.cin == 1 && m.Kernel == [2]int{3, 3} && m.Stride == [2]int{1, 1} && m.Dilation == [2]int{1, 1} &&
		m.Pool && m.Result.Elem == tensor.U8 && lookup[asm.QuantisedPlaneArgs](m.Tier.kernels, planeKernel) != nil
}

func newQuantisedPlane(m quantisedMap, in []tensor.Type, p Param) (*quantisedPlane, error) {
	c := &quantisedPlane{quantisedMap: m, kernel: find[asm.QuantisedPlaneArgs](m.Tier, planeKernel)}
	c.strip = strip{left: c.Pad[1], pixels: c.Pad[1] + c.width + c.Pad[3], pitch: 1, every: 1}
	c.copied = c.Pad != [4]int{}
	c.cutStrips(1)
	var err error
	c.quantisedPanels, err = newQuantisedPanels(c.Conv, c.Tier, ElementsOf(in[0]), c.Result, c.Act, p, c.Kernel[1], false)
	return c, err
}

// Place makes c a Placer.
func (c *quantisedPlane) Place(first, channels int) Op {
	if c.residual {
		return nil
	}
	placed := *c
	placed.offset, placed.pixel = first, channels
	return &placed
}

func (c *quantisedPlane) Scratch() int { return c.copiedBytes() }

func (c *quantisedPlane) Tasks(n int) int { return n * c.maps * c.strips }

func (c *quantisedPlane) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		x, _, y := c.operands(in, out, task/c.strips)
		first := task % c.strips * c.rows
		rows := min(c.rows, c.out[0]-first)
		c.lines(w, c.read(w, x, first, rows), y[first*c.line()+c.offset:], rows)
	}
}

// planeWindows is how many windows a call of a kernel takes at most: those of the
// slowest tier in assembly take some 200 cycles each.
const planeWindows = callCycles / 200

// lines computes rows rows of the result.
func (c *quantisedPlane) lines(w *Workspace, x, y []byte, rows int) {
	a := &w.quantisedPlane
	*a = asm.QuantisedPlaneArgs{
		XRow: c.pitchLine(), YStride: c.pixel, YLine: c.line(), Zero: c.result.Zero, Lo: c.lo, Hi: c.hi,
	}
	most := max(1, planeWindows/c.out[1])
	for p := range c.Count() {
		a.B = (*int8)(unsafe.Pointer(&c.rowsFrom(c.panel(c.weights, p), 0)[0]))
		a.Bias, a.SignedBias, a.Scale, a.N = &c.bias[p*NR], &c.signed[p*NR], &c.scale[p*NR], c.Columns(p)
		for from := 0; from < rows; from += most {
			a.Lines = min(most, rows-from)
			for done := 0; done < c.out[1]; done += planeWindows {
				a.Windows = min(planeWindows, c.out[1]-done)
				a.X, a.Y = &x[2*(from*a.XRow+done)], &y[from*a.YLine+done*a.YStride+p*NR]
				c.kernel(a)
			}
		}
	}
}
