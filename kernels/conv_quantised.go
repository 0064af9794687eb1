package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// bindQuantised is Bind for quantised operands.
func (c *Conv) bindQuantised(t *Tier, in []tensor.Type, out tensor.Type, p Param) (Op, error) {
	x, y := in[0].Shape, out.Shape
	m := quantisedMap{
		convMap: convMap{Conv: c, Tier: t, maps: x[0], height: x[1], width: x[2], cin: x[3], out: [2]int{y[1], y[2]}, pixel: c.Channels, residual: len(in) > 1},
		zero:    byte(in[0].Zero), size: out.Elem.Size(),
	}
	m.pools = newQuantisedPools(t, out.Elem, c.Pool)
	if p.Form == FormTaps {
		return newQuantisedDepthwise(m, in, p)
	}
	if c.Winograd != NoWinograd {
		return newQuantisedWinograd(m, in, p)
	}
	if m.planar() {
		return newQuantisedPlane(m, in, p)
	}
	return newQuantisedConv(m, in, p)
}

// A quantisedMap is what all ways to compute a convolution of quantised operands
// know of it: its operand is bytes.
type quantisedMap struct {
	convMap
	strip
	zero   byte // what padding is
	size   int  // bytes of an element of the result
	copied bool // the strip is copied, else it is the input itself
	words  bool // its elements are widened to int16
	rows   int  // rows of the result in a strip
	strips int  // of an item

	down, right int // bytes of the strip between the convolution's pixels

	pools quantisedPools
	widen func(*asm.WidenBytesArgs) // of words
}

// cutStrips cuts a map into strips of a good size, of at least so many rows.
func (m *quantisedMap) cutStrips(least int) {
	fit := stripBytes / (m.step() * m.pitchLine())
	m.rows = max(least, (fit-m.inRows(1))/(m.inRows(2)-m.inRows(1))+1)
	m.strips = ceilDiv(m.out[0], m.rows)
	m.rows = ceilDiv(m.out[0], m.strips)
}

// inRows is how many rows of the strip that many rows of the result need.
func (m *quantisedMap) inRows(rows int) int {
	return (rows*m.pooled()-1)*m.Stride[0]/m.every + int(m.Extent(0))
}

// stripSlack is what kernels that take quad elements at a time may read behind
// the last.
const stripSlack = quad

// step is the bytes of an element of the strip.
func (m *quantisedMap) step() int {
	if m.words {
		return 2
	}
	return 1
}

// copiedBytes is the size of the copied strip: of bytes, then of words.
func (m *quantisedMap) copiedBytes() (n int) {
	size := m.inRows(m.rows)*m.pitchLine() + stripSlack
	if m.copied {
		n += tensor.AlignUp(size)
	}
	if m.words {
		n += tensor.AlignUp(2 * size)
	}
	return n
}

// read is what the kernels read for some rows of the result from first on:
// the operand itself, or a copy of it in scratch.
func (m *quantisedMap) read(w *Workspace, x []byte, first, rows int) []byte {
	top := first * m.pooled() * m.Stride[0]
	from, n := x[top*m.pitchLine():], m.inRows(rows)*m.pitchLine()
	scratch := w.Scratch
	if m.copied {
		fillStrip(&m.strip, scratch, x, &m.convMap, top-m.Pad[0], m.inRows(rows), m.zero)
		from, n = scratch, n+stripSlack
		scratch = scratch[tensor.AlignUp(m.inRows(m.rows)*m.pitchLine()+stripSlack):]
	}
	if !m.words {
		return from
	}
	widenBytes(w, m.widen, tensor.Slice[int16](scratch[:2*n]), from)
	return scratch
}

// widenBytes converts the first bytes of x, as many as y has words.
func widenBytes(w *Workspace, kernel func(*asm.WidenBytesArgs), y []int16, x []byte) {
	const most = 4 * callCycles
	for i := 0; i < len(y); i += most {
		w.widenBytes = asm.WidenBytesArgs{X: &x[i], Y: &y[i], N: min(most, len(y)-i)}
		kernel(&w.widenBytes)
	}
}

var widenBytesKernel = asm.Kernel{Op: "widen", Operand: asm.U8, Weight: asm.U8, Result: asm.I16}

// operands are those of item i, as bytes, and its result.
func (m *quantisedMap) operands(in, out [][]byte, i int) (x, residual, y []byte) {
	nx, ny := m.height*m.width*m.cin, m.out[0]*m.line()
	if len(in) > 1 {
		residual = in[1][i*ny : (i+1)*ny]
	}
	return in[0][i*nx : (i+1)*nx], residual, out[0][i*ny*m.size : (i+1)*ny*m.size]
}

// convolved is the pixels of a row of the convolution that are used.
func (m *quantisedMap) convolved() int { return m.out[1] * m.pooled() }

// A quantisedConv is a convolution as a gemm whose rows are read through
// segments of the operand, as in direct. A task is a block of panels for a strip
// of rows.
type quantisedConv struct {
	quantisedMap
	*quantisedPanels
	flat   bool // the strip's pixels are the rows of one matrix
	seg    []int
	segLen int // a multiple of quad
	block  int // panels in a task

	// convPools are the kernels that pool sums, by panels and windows; nil where the
	// tier has none, and rows of results are pooled.
	convPools [][]func(*asm.QuantisedGemmArgs)
}

func newQuantisedConv(m quantisedMap, in []tensor.Type, p Param) (*quantisedConv, error) {
	c := &quantisedConv{quantisedMap: m}
	one := c.Kernel == [2]int{1, 1} && c.Pad == [4]int{} && !c.Pool
	skips := one && c.Stride[0] == c.Stride[1] && c.Stride[0] > 1
	c.flat = skips || one && c.Stride == [2]int{1, 1}
	c.strip = strip{left: c.Pad[1], pixels: c.Pad[1] + c.width + c.Pad[3], pitch: c.cin, every: 1}
	stride := c.Stride
	if skips {
		stride = [2]int{1, 1}
		c.every, c.pixels = c.Stride[0], c.out[1]
	}
	segLen, kw := c.cin/c.Conv.Groups, c.Kernel[1]
	whole := c.Conv.Groups == 1 && (c.Dilation[1] == 1 || kw == 1)
	c.copied = skips || c.Pad != [4]int{}
	c.words = !c.Pool && c.Costs.Words > 0 && p.Panels().PerGroup() >= c.Costs.Words
	// Rows that evict one another are a float32 each of aliases' stride.
	if right := stride[1] * c.pitch * c.step(); whole && kw == 1 && aliases(right/4) && right%4 == 0 && p.Shape[2] > NR {
		c.copied = true
		c.pitch += tensor.Align
	}
	if whole {
		segLen, kw = kw*c.cin, 1
	}
	// What kernels read behind the last element must be there.
	c.copied = c.copied || segLen%quad != 0
	c.down, c.right = stride[0]*c.pitchLine()*c.step(), stride[1]*c.pitch*c.step()
	for ky := range c.Kernel[0] {
		for kx := range kw {
			c.seg = append(c.seg, (ky*c.Dilation[0]*c.pitchLine()+kx*c.Dilation[1]*c.pitch)*c.step())
		}
	}
	c.segLen = ceilDiv(segLen, quad) * quad

	var err error
	if c.quantisedPanels, err = newQuantisedPanels(c.Conv, c.Tier, ElementsOf(in[0]), c.Result, c.Act, p, segLen, c.words); err != nil {
		return nil, err
	}
	if c.words {
		c.widen = find[asm.WidenBytesArgs](c.Tier, widenBytesKernel)
	}
	if c.Pool {
		c.convPools = c.quantisedConvPools(asm.Elem(c.Result.Elem))
	}
	if len(in) > 1 {
		if err := c.setResidual(c.Conv, ElementsOf(in[1])); err != nil {
			return nil, err
		}
	}
	least := 1
	if c.flat {
		least = ceilDiv(flatRows, c.out[1])
	}
	c.cutStrips(least)
	c.block = max(taskPanels, ceilDiv(c.Count()*c.strips, fewTasks))
	if _, ok := tensor.Product(scratchSpare, 2*c.pooled(), c.convolved(), c.width16()); !ok {
		return nil, errScratch(c.Conv, c.out[1])
	}
	return c, nil
}

// Place makes c a Placer.
func (c *quantisedConv) Place(first, channels int) Op {
	if c.residual {
		return nil
	}
	placed := *c
	placed.offset, placed.pixel = first, channels
	return &placed
}

// width16 is the columns of the panels of a tile.
func (c *quantisedConv) width16() int { return c.kernels.panels() * NR }

// channel is the first channel of panel p.
func (c *quantisedConv) channel(p int) int {
	return p/c.PerGroup()*c.N + p%c.PerGroup()*NR
}

func (c *quantisedConv) Scratch() int {
	n := c.copiedBytes()
	if c.Pool && c.convPools == nil {
		n += 2 * c.convolved() * c.width16() * c.size
	}
	return n
}

func (c *quantisedConv) blocks() int { return ceilDiv(c.Count(), c.block) }

func (c *quantisedConv) Tasks(n int) int { return n * c.maps * c.strips * c.blocks() }

func (c *quantisedConv) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	blocks := c.blocks()
	for lo < hi {
		// The tasks of one strip are done together: it is copied once.
		s := lo / blocks
		end := min(hi, (s+1)*blocks)
		from, to := (lo-s*blocks)*c.block, min((end-s*blocks)*c.block, c.Count())
		x, residual, y := c.operands(in, out, s/c.strips)
		first := s % c.strips * c.rows
		c.runStrip(w, x, residual, y, first, min(c.rows, c.out[0]-first), from, to)
		lo = end
	}
}

// runStrip computes the panels from, …, to−1 of rows rows of the result.
func (c *quantisedConv) runStrip(w *Workspace, x, residual, y []byte, first, rows, from, to int) {
	src := c.read(w, x, first, rows)
	pair := w.Scratch[c.copiedBytes():]
	g := &w.quantisedGemm
	for p := from; p < to; {
		n := c.tile(p, to)
		a := src[p/c.PerGroup()*(c.cin/c.Conv.Groups)*c.step():]
		at := first*c.line() + c.offset + c.channel(p)
		c.args(g, p, n)
		g.Seg, g.Segs, g.SegLen, g.AStride = &c.seg[0], len(c.seg), c.segLen, c.right
		switch {
		case c.convPools != nil:
			for r := range rows {
				c.windows(w, a[2*r*c.down:], y[(at+r*c.line())*c.size:], n)
			}
		case c.Pool:
			for r := range rows {
				c.poolRow(w, a[2*r*c.down:], pair, y[(at+r*c.line())*c.size:], n)
			}
		case c.flat:
			c.row(w, a, residual, y, at, rows*c.out[1], n)
		default:
			for r := range rows {
				c.row(w, a[r*c.down:], residual, y, at+r*c.line(), c.out[1], n)
			}
		}
		p += n
	}
}

// row computes n panels of pixels pixels, whose first element is number at.
func (c *quantisedConv) row(w *Workspace, a, residual, y []byte, at, pixels, n int) {
	g := &w.quantisedGemm
	g.A, g.C, g.CStride = &a[0], &y[at*c.size], c.pixel*c.size
	if residual != nil {
		g.D, g.DStride = &residual[at], c.pixel
	}
	c.gemm(w, pixels, n)
}

// windows computes n panels of a row of pool windows, whose sums are pooled, in
// tiles of sizes that differ by one at most.
func (c *quantisedConv) windows(w *Workspace, a, y []byte, n int) {
	g := &w.quantisedGemm
	g.ARow, g.CStride = c.down, c.pixel*c.size
	tiles := ceilDiv(c.out[1], len(c.convPools[n])-1)
	small, larger := c.out[1]/tiles, c.out[1]%tiles // so many tiles have one window more
	for done := 0; done < c.out[1]; {
		windows, some := small+1, larger
		if larger == 0 {
			windows, some = small, tiles
		}
		some = min(some, max(1, quantisedCalls/(4*windows*n*g.Segs*g.SegLen)))
		g.Tiles, g.A, g.C = some, &a[2*done*c.right], &y[done*g.CStride]
		c.convPools[n][windows](g)
		done, tiles = done+some*windows, tiles-some
		if larger > 0 {
			larger -= some
		}
	}
}

// poolRow computes n panels of a row of pool windows. A quantised maximum is
// that of the sums, as all that follows them keeps their order.
func (c *quantisedConv) poolRow(w *Workspace, a, pair, y []byte, n int) {
	g := &w.quantisedGemm
	pixel := g.N * c.size
	for r := range 2 {
		g.A, g.C, g.CStride = &a[r*c.down], &pair[r*c.convolved()*pixel], pixel
		c.gemm(w, c.convolved(), n)
	}
	c.pools.pair(w, y, pair, c.out[1], g.N, c.pixel)
}

// quantisedPools are the kernels that pool two rows by 2×2.
type quantisedPools struct {
	quantised func(*asm.QuantisedTapsArgs)
	floats    func(*asm.TapsArgs)
}

func newQuantisedPools(t *Tier, result tensor.Elem, pool bool) (q quantisedPools) {
	switch {
	case !pool:
	case result == tensor.F32:
		q.floats = find[asm.TapsArgs](t, asm.Kernel{Op: "maxpool"})
	default:
		q.quantised = findQuantised[asm.QuantisedTapsArgs](t, maxPoolKernel)
	}
	return q
}

// pair pools two rows, of 2·windows pixels of n elements each, into pixels that
// stand pixel elements apart.
func (q *quantisedPools) pair(w *Workspace, y, pair []byte, windows, n, pixel int) {
	most := max(1, callCycles/(4*n))
	for done := 0; done < windows; done += most {
		some := min(most, windows-done)
		if q.floats != nil {
			a := &w.taps
			*a = asm.TapsArgs{
				X: &floats(pair)[2*done*n], XRow: 4 * 2 * windows * n, XCol: 4 * n, XStride: 4 * 2 * n,
				Y: &floats(y)[done*pixel], YStride: 4 * pixel, Rows: 2, Cols: 2, C: n, Pixels: some,
			}
			a.Lo, a.Hi = Act{}.limits()
			q.floats(a)
			continue
		}
		w.quantisedTaps = asm.QuantisedTapsArgs{
			X: &pair[2*done*n], XRow: 2 * windows * n, XCol: n, XStride: 2 * n,
			Y: &y[done*pixel], YStride: pixel, Rows: 2, Cols: 2, C: n, Pixels: some,
		}
		q.quantised(&w.quantisedTaps)
	}
}

var maxPoolKernel = asm.Kernel{Op: "maxpool", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}
