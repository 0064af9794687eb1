package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// An extreme is an element of the input that is not finite, or of a larger
// magnitude than largestElement. It would disturb the whole of each Winograd tile
// in whose patch it is, so these tiles are computed directly. Which they are
// depends on their own patches alone, not on what is computed along with them.
//
// For all others the bound of the package's documentation holds as long as
// nothing overflows. What the transforms add up is at most the product of
//
//	2¹⁹·9        channels and taps of a kernel
//	2¹⁶·2⁶⁴      an element and a weight
//	10²·19²      the absolute sums of a row of Bᵀ, and of Aᵀ, twice each
//
// where those of G are no larger than 1, and so below 2¹¹⁸. That has room for
// larger elements; but what one may add to its tile's errors is in proportion
// to it, and nets that can be computed in half precision have none beyond 65504.
const (
	largestElement = 1 << 16
	largestWeight  = 1 << 64
	mostChannels   = 1 << 19
)

// largestKernel finds extremes.
var largestKernel = asm.Kernel{Op: "largest"}

// bounded says whether Winograd's algorithms compute a convolution by these
// weights within their bound.
func (m *convMap) bounded(p Param) bool {
	if m.cin > mostChannels || p.Elem == tensor.F16 {
		return m.cin <= mostChannels
	}
	return remember(m.Tier, p, largestKernel, func() float32 { return newScanner(m.Tier).weights(p) }) <= largestWeight
}

// A scanner looks at magnitudes.
type scanner struct{ kernel func(*asm.LargestArgs) }

func newScanner(t *Tier) scanner { return scanner{find[asm.LargestArgs](t, largestKernel)} }

// largest is the largest magnitude, NaN if there is one.
func (s scanner) largest(w *Workspace, x []float32) (most float32) {
	const block = 2 * callCycles // elements of a call: sixteen a cycle if they are near, two from afar
	a := &w.largest
	a.Y = &w.magnitude
	for len(x) > 0 {
		a.X, a.N = &x[0], min(len(x), block)
		s.kernel(a)
		most, x = max(most, w.magnitude), x[a.N:]
	}
	return most
}

// weights is the largest magnitude of the weights of a Param of float32 panels.
func (s scanner) weights(p Param) (most float32) {
	w, panels := new(Workspace), p.Panels()
	for j := range panels.Count() {
		most = max(most, s.largest(w, floats(panels.rowsFrom(panels.panel(p.Data, j), 0))))
	}
	return most
}

// extreme says whether there is an extreme.
func (s scanner) extreme(w *Workspace, x []float32) bool { return !(s.largest(w, x) <= largestElement) }

// nearElements is how many elements are looked at right after they were copied,
// while they are in the first-level cache.
const nearElements = 4 << 10

// load copies rows rows of the input, from first on, to the strip, and says
// whether there is an extreme in them.
func (c *winogradConv) load(w *Workspace, strip, x []float32, first, rows int) (extreme bool) {
	row := c.width * c.cin
	near := max(1, nearElements/row)
	for r := 0; r < rows; r += near {
		n := min(near, rows-r)
		c.fill(strip[r*c.down:], x, &c.convMap, first+r, n)
		if from, to := max(first+r, 0), min(first+r+n, c.height); from < to && !extreme {
			extreme = c.extreme(w, x[from*row:to*row])
		}
	}
	return extreme
}

// measure finds the largest magnitude in the patch of each tile of rows rows of
// them, and counts those that are extremes.
func (c *winogradConv) measure(w *Workspace, largest, strip []float32, rows int) (extremes int) {
	for t := range rows * c.tiles[1] {
		patch := strip[t/c.tiles[1]*c.m*c.down+t%c.tiles[1]*c.m*c.right:]
		largest[t] = 0
		for r := range c.t() {
			largest[t] = max(largest[t], c.largest(w, patch[r*c.down:][:c.t()*c.right]))
		}
		if !(largest[t] <= largestElement) {
			extremes++
		}
	}
	return extremes
}

// sumTiles computes directly the tiles of a row in whose patches there is an
// extreme, by panel j. Their largest magnitudes are in largest, and strip begins
// with the row's first patch.
func (c *winogradConv) sumTiles(w *Workspace, y, residual, largest, strip []float32, p widePanel, j, row int) {
	n := c.Columns(j)
	high := min(c.step, c.out[0]-row*c.step)
	at := row*c.step*c.line() + c.offset + j*NR
	for t := range c.tiles[1] {
		if largest[t] <= largestElement {
			continue
		}
		at, patch := at+t*c.step*c.pixel, strip[t*c.m*c.right:]
		broad := min(c.step, c.out[1]-t*c.step)
		if c.Pool {
			c.poolRows(w, p, patch, y[at:], high, broad, n)
			continue
		}
		s := c.stretchOf(p, residual, at, n)
		s.pixels = broad
		for r := range high {
			c.gemmRows(w, patch[r*c.down:], y, s)
			s.at += c.line()
		}
	}
}
