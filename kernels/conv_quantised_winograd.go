package kernels

import (
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// quantisedWinograd computes a convolution of quantised operands by Winograd's
// F(4×4, 3×3) in int16, as winogradConv does that of float32: a task is a block of
// panels for a block of tile rows.
type quantisedWinograd struct {
	quantisedMap
	Panels
	weights *wordParam
	kernels wordKernels

	result Elements
	lo, hi float32
	dZero  int32 // of the residual, if there is one
	dScale float32

	step  int    // rows and columns of the result in a tile
	tiles [2]int // rows and columns of tiles
	rows  int    // tile rows in a task

	// Strides in bytes.
	vTile int // from tile to tile of the transformed input
	vFreq int // and from frequency to frequency
	mFreq int // the same of the products
}

// wordKernels are the kernels of the algorithm.
type wordKernels struct {
	in      func(*asm.QuantisedPatchArgs)
	product []func(*asm.QuantisedProductArgs) // by rows of a tile
	out     func(*asm.QuantisedTileArgs)
}

func (t *Tier) wordKernels(result tensor.Elem, pool bool) wordKernels {
	k := wordKernels{
		in:      find[asm.QuantisedPatchArgs](t, patchKernel),
		product: make([]func(*asm.QuantisedProductArgs), t.MR+1),
		out:     find[asm.QuantisedTileArgs](t, tileKernel(asm.Elem(result), pool)),
	}
	for rows := 1; rows <= t.MR; rows++ {
		k.product[rows] = find[asm.QuantisedProductArgs](t, wordProductKernel(rows))
	}
	return k
}

func newQuantisedWinograd(m quantisedMap, in []tensor.Type, p Param) (*quantisedWinograd, error) {
	c := &quantisedWinograd{quantisedMap: m, Panels: p.Panels(), kernels: m.wordKernels(m.Result.Elem, m.Pool), result: m.Result}
	c.lo, c.hi = m.Result.limits(m.Act)
	c.copied = true
	c.step = f4.m / m.pooled()
	for i := range c.tiles {
		c.tiles[i] = ceilDiv(m.out[i], c.step)
	}
	c.strip = strip{left: m.Pad[1], pixels: c.tiles[1]*f4.m + 2, pitch: ceilDiv(m.cin, NR) * NR, every: 1}
	c.vTile = 4 * unaliased(c.pitch/2)

	// No other region of scratch is larger than the transformed input.
	if _, ok := tensor.Product(scratchSpare, frequencies, c.tiles[1], c.vTile); !ok {
		return nil, errScratch(m.Conv, m.out[1])
	}
	perRow := frequencies * c.tiles[1] * c.vTile
	weights := frequencies * 2 * m.cin * m.Channels
	c.rows = min(max(1, min(max(weights/4, nearTiles), farTiles)/perRow), c.tiles[0])
	c.rows = ceilDiv(c.tiles[0], ceilDiv(c.tiles[0], c.rows))
	c.vFreq = 4 * unaliased(c.rows*c.tiles[1]*c.vTile/4)
	c.mFreq = 4 * unaliased(c.rows*c.tiles[1]*NR)

	type form struct{ x, result Elements }
	type made struct {
		*wordParam
		err error
	}
	ready := remember(m.Tier, p, form{ElementsOf(in[0]), c.result}, func() made {
		w, err := newWordParam(m.Conv, ElementsOf(in[0]), c.result, p, m.cin)
		return made{w, err}
	})
	if ready.err != nil {
		return nil, ready.err
	}
	c.weights = ready.wordParam
	if len(in) > 1 {
		var err error
		c.dZero = in[1].Zero
		if c.dScale, err = c.result.multiplier(m.Conv, ElementsOf(in[1]).step(), 1); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Place makes c a Placer.
func (c *quantisedWinograd) Place(first, channels int) Op {
	if c.residual {
		return nil
	}
	placed := *c
	placed.offset, placed.pixel = first, channels
	return &placed
}

// regions cuts scratch into what a task needs.
func (c *quantisedWinograd) regions(scratch []byte) (s struct{ strip, v, m, tile, residual, temp []byte }, total int) {
	for _, r := range []struct {
		to *[]byte
		n  int
	}{
		{&s.strip, (c.rows*f4.m + 2) * c.pitchLine()},
		{&s.v, frequencies * c.vFreq},
		{&s.m, frequencies * c.mFreq},
		{&s.tile, c.step * c.step * NR * c.size},
		{&s.residual, c.step * c.step * NR},
		{&s.temp, max(patchTemp, tileTemp)},
	} {
		n := tensor.AlignUp(r.n)
		if scratch != nil {
			*r.to = scratch[total : total+n]
		}
		total += n
	}
	return s, total
}

func (c *quantisedWinograd) Scratch() int {
	_, n := c.regions(nil)
	return n
}

func (c *quantisedWinograd) perItem() int { return ceilDiv(c.tiles[0], c.rows) }

func (c *quantisedWinograd) shares() int {
	return tileShares(c.perItem(), c.Count())
}

func (c *quantisedWinograd) Tasks(n int) int { return n * c.maps * c.perItem() * c.shares() }

func (c *quantisedWinograd) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	s, _ := c.regions(w.Scratch)
	w.quantisedPatch.Temp, w.quantisedTile.Temp = &s.temp[0], &s.temp[0]
	shares := c.shares()
	for lo < hi {
		// The shares of the same tiles are done together.
		task := lo / shares
		end := min(hi, (task+1)*shares)
		from, to := (lo-task*shares)*c.Count()/shares, (end-task*shares)*c.Count()/shares
		lo = end
		x, residual, y := c.operands(in, out, task/c.perItem())
		first := task % c.perItem() * c.rows
		rows := min(c.rows, c.tiles[0]-first)
		fillStrip(&c.strip, s.strip, x, &c.convMap, first*f4.m-c.Pad[0], rows*f4.m+2, c.zero)
		c.forward(w, s.v, s.strip, rows)
		for j := from; j < to; j++ {
			c.multiply(w, s.m, s.v, j, rows*c.tiles[1])
			for r := range rows {
				c.backward(w, y, residual, s.m[r*c.tiles[1]*4*NR:], s.tile, s.residual, j, first+r)
			}
		}
	}
}

// What one call takes, so that it ends in time with NEON, which takes longest: of
// the input transform so many blocks of 16 channels, of all its tiles, each of
// some 400 cycles; of the output transforms so many tiles, of 2,000; of the products
// so many of two elements of a row and a panel, of 8.
const (
	wordBlocks   = callCycles / 400
	wordTiles    = callCycles / 2000
	wordProducts = callCycles / 8
)

// forward transforms the patches of rows rows of tiles.
func (c *quantisedWinograd) forward(w *Workspace, v, strip []byte, rows int) {
	a := &w.quantisedPatch
	line, all := c.pitchLine(), c.pitch/NR
	a.XTile, a.XRow, a.XPixel = f4.m*c.pitch, line, c.pitch
	a.YFreq, a.YTile, a.Zero = c.vFreq, c.vTile, int32(c.zero)
	blocks := min(all, wordBlocks)
	most := wordBlocks / blocks
	for r := range rows {
		for t := 0; t < c.tiles[1]; t += most {
			a.Tiles = min(most, c.tiles[1]-t)
			for b := 0; b < all; b += blocks {
				a.X = &strip[r*f4.m*line+t*f4.m*c.pitch+b*NR]
				a.Y = (*int16)(unsafe.Pointer(&v[(r*c.tiles[1]+t)*c.vTile+b*2*NR]))
				a.Blocks = min(blocks, all-b)
				c.kernels.in(a)
			}
		}
	}
}

// multiply computes the products of all frequencies of tiles tiles with panel j's
// weights.
func (c *quantisedWinograd) multiply(w *Workspace, m, v []byte, j, tiles int) {
	p := &w.quantisedProduct
	pairs := ceilDiv(c.cin, 2)
	words := 2 * NR * pairs // of a frequency
	p.AFreq, p.AStride = c.vFreq, c.vTile
	p.BFreq, p.Pairs = 2*words, pairs
	p.CFreq, p.CStride = c.mFreq, 4*NR
	weights := c.weights.words[j*frequencies*words:]
	groups := ceilDiv(tiles, c.MR)
	mr, larger := tiles/groups, tiles%groups
	for done := 0; done < tiles; larger-- {
		n := mr
		if larger > 0 {
			n++
		}
		// The next panel's weights come from afar while the last tiles are computed.
		p.Ahead = nearAhead
		if done+n == tiles {
			p.Ahead = 2 * frequencies * words
		}
		most := max(1, wordProducts/(n*pairs))
		for f := 0; f < frequencies; f += most {
			p.A = (*int16)(unsafe.Pointer(&v[f*c.vFreq+done*c.vTile]))
			p.B = &weights[f*words]
			p.C = (*int32)(unsafe.Pointer(&m[f*c.mFreq+done*4*NR]))
			p.Freqs = min(most, frequencies-f)
			c.kernels.product[n](p)
		}
		done += n
	}
}

// backward transforms one row of tiles of panel j into the result. Tiles and
// panels that stand out of it go through tile, and so does their residual.
func (c *quantisedWinograd) backward(w *Workspace, y, residual, m, tile, tileResidual []byte, j, row int) {
	a := &w.quantisedTile
	a.XTile, a.XFreq = 4*NR, c.mFreq
	a.Factor, a.Bias = &c.weights.factor[j*frequencies*NR], &c.weights.bias[j*NR]
	a.Zero, a.DZero, a.DScale, a.Lo, a.Hi = c.result.Zero, c.dZero, c.dScale, c.lo, c.hi
	line := c.line()
	n := c.Columns(j)
	high := min(c.step, c.out[0]-row*c.step)
	at := row*c.step*line + c.offset + j*NR

	whole := c.out[1] / c.step
	if high < c.step || n < NR {
		whole = 0
	}
	a.D = nil
	next := c.step * c.pixel // from tile to tile of the result
	a.YTile, a.YRow, a.YPixel = next*c.size, line*c.size, c.pixel*c.size
	a.DTile, a.DRow, a.DPixel = next, line, c.pixel
	for t := 0; t < whole; t += wordTiles {
		a.X, a.Y = (*int32)(unsafe.Pointer(&m[t*4*NR])), &y[(at+t*next)*c.size]
		if residual != nil {
			a.D = &residual[at+t*next]
		}
		a.Tiles = min(wordTiles, whole-t)
		c.kernels.out(a)
	}
	a.Y, a.D = &tile[0], nil
	a.YRow, a.YPixel = c.step*NR*c.size, NR*c.size
	a.DRow, a.DPixel = c.step*NR, NR
	a.Tiles = 1
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
		}
		a.X = (*int32)(unsafe.Pointer(&m[t*4*NR]))
		c.kernels.out(a)
		for r := range high {
			for p := range broad {
				dst := (at + r*line + p*c.pixel) * c.size
				copy(y[dst:dst+n*c.size], tile[(r*c.step+p)*NR*c.size:])
			}
		}
	}
}

// nearAhead is how many bytes ahead of their use weights are prefetched that are
// not far away.
const nearAhead = 2048
