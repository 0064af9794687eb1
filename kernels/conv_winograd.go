package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// winogradConv computes a 3×3 convolution of stride 1 by Winograd's algorithm.
// A task is a block of panels for a block of tile rows: its patches are
// transformed, each frequency is a product with a panel's transformed weights,
// and the products are transformed back, with bias, residual, activation and
// pooling, before the next panel's. Tiles in whose patches there is an extreme
// are computed by their sums instead.
type winogradConv struct {
	windowSums
	*winograd
	scanner
	kernels transforms

	winogradWeights

	step  int    // rows and columns of the result in a tile
	tiles [2]int // rows and columns of tiles
	rows  int    // tile rows in a task

	blocks int // of channels of the input
	vTile  int // elements from tile to tile of the transformed input
	vFreq  int // and from frequency to frequency
	mFreq  int // the same of the products
}

// winogradWeights are a convolution's weights, transformed.
type winogradWeights struct {
	bias  []float32 // [panel][NR]
	freqs []float32 // [panel][frequency][cin][NR]
}

// A task's transformed input should stay in the second-level cache while every
// panel passes over it, so it has nearTiles bytes. But every task reads all of
// the transformed weights, which with many channels come from afar: then a task
// has a quarter of their size, up to farTiles.
const (
	nearTiles = 256 << 10
	farTiles  = 2 << 20
)

// transforms are the kernels at both ends of an algorithm.
type transforms struct{ in, out func(*asm.WinogradArgs) }

// transforms of an algorithm; with pool, the maximum of 2×2 windows is kept.
func (t *Tier) transforms(w *winograd, pool bool) transforms {
	out := "out"
	if pool {
		out = "outpool"
	}
	return transforms{find[asm.WinogradArgs](t, w.kernel("in")), find[asm.WinogradArgs](t, w.kernel(out))}
}

func newWinograd(m convMap, w Winograd, p Param) (*winogradConv, error) {
	c := &winogradConv{
		windowSums: newWindowSums(m, p.Panels(), p.Data),
		winograd:   winograds[w], kernels: m.transforms(winograds[w], m.Pool),
		scanner: newScanner(m.Tier),
	}
	c.step = c.m / m.pooled()
	for i := range c.tiles {
		c.tiles[i] = ceilDiv(m.out[i], c.step)
	}
	c.blocks = ceilDiv(m.cin, blockLanes)
	c.strip = strip{left: m.Pad[1], pixels: c.tiles[1]*c.m + 2, pitch: c.blocks * blockLanes, every: 1}
	c.down, c.right = c.pitchLine(), c.pitch
	c.laySegments(true)
	c.vTile = unaliased(c.pitch)

	// No other region of scratch is larger than the transformed input.
	if _, ok := tensor.Product(2*scratchSpare, c.frequencies(), c.tiles[1], c.vTile); !ok {
		return nil, errScratch(m.Conv, m.out[1])
	}
	perRow := c.frequencies() * c.tiles[1] * c.vTile * 4
	weights := c.frequencies() * m.cin * m.Channels * 4
	c.rows = min(max(1, min(max(weights/4, nearTiles), farTiles)/perRow), c.tiles[0])
	c.rows = ceilDiv(c.tiles[0], ceilDiv(c.tiles[0], c.rows))
	c.vFreq = unaliased(c.rows * c.tiles[1] * c.vTile)
	c.mFreq = unaliased(c.rows * c.tiles[1] * NR)
	c.winogradWeights = remember(m.Tier, p, w, c.transformWeights)
	return c, nil
}

// Place makes c a Placer.
func (c *winogradConv) Place(first, channels int) Op {
	if c.residual {
		return nil
	}
	placed := *c
	placed.offset, placed.pixel = first, channels
	return &placed
}

func (c *winogradConv) frequencies() int { return c.t() * c.t() }

// transformWeights computes G g Gᵀ for every kernel of 3×3.
func (c *winogradConv) transformWeights() winogradWeights {
	w, temp := new(Workspace), make([]float32, c.wideRows())
	t := winogradWeights{
		bias:  tensor.Aligned[float32](c.Count() * NR),
		freqs: tensor.Aligned[float32](c.Count() * c.frequencies() * c.cin * NR),
	}
	for j := range c.Count() {
		panel := c.wide(w, j, temp)
		copy(t.bias[j*NR:], panel.bias)
		dst := t.freqs[j*c.frequencies()*c.cin*NR:]
		for i := range c.cin {
			c.transformKernel(dst[i*NR:], panel.rows[i*NR:], c.cin*NR)
		}
	}
	return t
}

// regions cuts scratch into what a task needs.
func (c *winogradConv) regions(scratch []float32) (s struct{ strip, v, m, tile, residual, temp, largest, panel []float32 }, total int) {
	for _, r := range []struct {
		to *[]float32
		n  int
	}{
		{&s.strip, (c.rows*c.m + 2) * c.pitchLine()},
		{&s.v, c.frequencies() * c.vFreq},
		{&s.m, c.frequencies() * c.mFreq},
		{&s.tile, c.step * c.step * NR},
		{&s.residual, c.step * c.step * NR},
		{&s.temp, 36 * blockLanes},
		{&s.largest, c.rows * c.tiles[1]},
		{&s.panel, c.wideRows()},
	} {
		n := ceilDiv(r.n, NR) * NR
		if scratch != nil {
			*r.to = scratch[total : total+n]
		}
		total += n
	}
	return s, total
}

func (c *winogradConv) Scratch() int {
	_, n := c.regions(nil)
	return 4 * n
}

func (c *winogradConv) perItem() int { return ceilDiv(c.tiles[0], c.rows) }

// tileShares is into how many parts the panels of a task's tiles are cut, so that
// two threads can share a map of few tiles; each transforms the input anew.
func tileShares(perItem, panels int) int {
	if perItem > 1 || panels < 2 {
		return 1
	}
	return 2
}

func (c *winogradConv) shares() int {
	return tileShares(c.perItem(), c.Count())
}

func (c *winogradConv) Tasks(n int) int { return n * c.maps * c.perItem() * c.shares() }

func (c *winogradConv) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	s, _ := c.regions(w.floats())
	of := newMapOperands(in, out)
	w.winograd.Temp = &s.temp[0]
	shares := c.shares()
	for lo < hi {
		// The shares of the same tiles are done together.
		task := lo / shares
		end := min(hi, (task+1)*shares)
		from, to := (lo-task*shares)*c.Count()/shares, (end-task*shares)*c.Count()/shares
		lo = end
		item, first := task/c.perItem(), task%c.perItem()*c.rows
		rows := min(c.rows, c.tiles[0]-first)
		x, residual, y := c.item(of, item)
		direct := 0
		if c.load(w, s.strip, x, first*c.m-c.Pad[0], rows*c.m+2) {
			direct = c.measure(w, s.largest, s.strip, rows)
		}
		byWinograd := direct < rows*c.tiles[1]
		if byWinograd {
			c.forward(w, s.v, s.strip, rows)
		}
		for j := from; j < to; j++ {
			if byWinograd {
				c.multiply(w, s.m, s.v, j, rows*c.tiles[1])
				for r := range rows {
					c.backward(w, y, residual, s.m[r*c.tiles[1]*NR:], s.tile, s.residual, j, first+r)
				}
			}
			if direct > 0 {
				panel := c.wide(w, j, s.panel)
				for r := range rows {
					c.sumTiles(w, y, residual, s.largest[r*c.tiles[1]:], s.strip[r*c.m*c.down:], panel, j, first+r)
				}
			}
		}
		part := y[first*c.step*c.line() : min((first+rows)*c.step, c.out[0])*c.line()]
		c.activateChannels(w, part, from*NR, min(to*NR, c.Channels))
	}
}

// forward transforms the patches of rows rows of tiles.
func (c *winogradConv) forward(w *Workspace, v, strip []float32, rows int) {
	a := &w.winograd
	line := c.pitchLine()
	a.XTile, a.XRow, a.XPixel = 4*c.m*c.pitch, 4*line, 4*c.pitch
	a.YFreq, a.YTile = 4*c.vFreq, 4*c.vTile
	blocks := min(c.blocks, c.mostBlocks())
	most := c.mostBlocks() / blocks
	for r := range rows {
		for t := 0; t < c.tiles[1]; t += most {
			a.Tiles = min(most, c.tiles[1]-t)
			for b := 0; b < c.blocks; b += blocks {
				a.X = &strip[r*c.m*line+t*c.m*c.pitch+b*blockLanes]
				a.Y = &v[(r*c.tiles[1]+t)*c.vTile+b*blockLanes]
				a.Blocks = min(blocks, c.blocks-b)
				c.kernels.in(a)
			}
		}
	}
}

// mostBlocks is how many blocks of channels, of all its tiles, one call of a
// transform takes. On AVX2 a block takes two to six cycles for each frequency,
// in the nearest cache and afar.
func (c *winogradConv) mostBlocks() int { return callCycles / (4 * c.frequencies()) }

// multiply computes the products of all frequencies of tiles tiles with panel
// j's weights.
//
// The weights of some frequencies at a time are multiplied by all tiles: they come
// from afar while those of the frequencies before are multiplied, evenly spread
// over that time, and then stay near.
func (c *winogradConv) multiply(w *Workspace, m, v []float32, j, tiles int) {
	p := &w.product
	p.AFreq, p.AStride = 4*c.vFreq, 4*c.vTile
	p.BFreq, p.K = 4*c.cin*NR, c.cin
	p.CFreq, p.CStride = 4*c.mFreq, 4*NR
	freqs := c.frequencies()
	weights := c.freqs[j*freqs*c.cin*NR:]
	groups := ceilDiv(tiles, c.MR)
	mr, larger := tiles/groups, tiles%groups
	together := min(max(1, nearFreqs/p.BFreq), max(1, callCycles/(c.MR*c.cin)))
	for f := 0; f < freqs; f += together {
		p.B, p.Freqs = &weights[f*c.cin*NR], min(together, freqs-f)
		size := p.Freqs * p.BFreq // of these weights, and of the next ones
		p.Ahead, p.AheadStep = size, ceilDiv(size, groups*p.Freqs*c.cin)
		if len(weights) == (f+p.Freqs)*c.cin*NR {
			p.Ahead, p.AheadStep = 0, 0 // there are no more
		}
		for g, done := 0, 0; g < groups; g++ {
			n := mr
			if g < larger {
				n++
			}
			p.A, p.C = &v[f*c.vFreq+done*c.vTile], &m[f*c.mFreq+done*NR]
			c.productKernels[n](p)
			p.Ahead += p.AheadStep * p.Freqs * c.cin
			done += n
		}
	}
}

// nearFreqs is the bytes of weights that all tiles are multiplied by before the
// next ones, of whole frequencies. While they are near, so are as many to come.
const nearFreqs = 32 << 10

// backward transforms one row of tiles of panel j into the result. Tiles and
// blocks of channels that stand out of it go through tile, and so does their
// residual.
func (c *winogradConv) backward(w *Workspace, y, residual, m, tile, tileResidual []float32, j, row int) {
	a := &w.winograd
	a.XTile, a.XFreq = 4*NR, 4*c.mFreq
	a.Bias = &c.bias[j*NR]
	a.Lo, a.Hi = c.Act.limits()
	line := c.line()
	n := min(NR, c.Channels-j*NR)
	high := min(c.step, c.out[0]-row*c.step)
	at := row*c.step*line + c.offset + j*NR

	whole := c.out[1] / c.step
	if high < c.step || n%blockLanes != 0 {
		whole = 0
	}
	a.D = nil
	next := c.step * c.pixel // from tile to tile of the result
	a.YTile, a.YRow, a.YPixel = 4*next, 4*line, 4*c.pixel
	a.DTile, a.DRow, a.DPixel = a.YTile, a.YRow, 4*c.Channels
	a.Blocks = n / blockLanes
	most := c.mostBlocks() / (NR / blockLanes)
	for t := 0; t < whole; t += most {
		a.X, a.Y = &m[t*NR], &y[at+t*next]
		if residual != nil {
			a.D = &residual[at+t*next]
		}
		a.Tiles = min(most, whole-t)
		c.kernels.out(a)
	}
	a.Y, a.D = &tile[0], nil
	a.YRow, a.YPixel = 4*c.step*NR, 4*NR
	a.Tiles, a.Blocks = 1, NR/blockLanes
	for t := whole; t < c.tiles[1]; t++ {
		at := at + t*next
		broad := min(c.step, c.out[1]-t*c.step)
		if residual != nil {
			for r := range high {
				for p := range broad {
					src := at + r*line + p*c.pixel
					copy(tileResidual[(r*c.step+p)*NR:], residual[src:src+n])
				}
			}
			a.D = &tileResidual[0]
			a.DRow, a.DPixel = a.YRow, a.YPixel
		}
		a.X = &m[t*NR]
		c.kernels.out(a)
		for r := range high {
			for p := range broad {
				dst := at + r*line + p*c.pixel
				copy(y[dst:dst+n], tile[(r*c.step+p)*NR:])
			}
		}
	}
}
