package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// windowSums are a convolution's sums over its windows, as a gemm whose rows are
// read through segments of a strip, so that im2col is never stored.
type windowSums struct {
	convMap
	strip
	Panels
	weights  []byte
	firstRow int // of the panels' rows that are this convolution's weights

	seg         []int // the segments of a pixel, in bytes from it
	segLen      int
	down, right int // elements of the strip between the convolution's pixels

	convPoolKernel func(*asm.ConvPoolArgs)
}

// newWindowSums are sums of which the strip and what follows from it are not
// known yet.
func newWindowSums(m convMap, p Panels, weights []byte) windowSums {
	return windowSums{
		convMap: m, Panels: p, weights: weights,
		convPoolKernel: find[asm.ConvPoolArgs](m.Tier, asm.Kernel{Op: "convpool", Rows: 4, Panels: 1}),
	}
}

// laySegments lays the segments of a pixel in the strip, whole rows of a kernel
// where they can be.
func (s *windowSums) laySegments(whole bool) {
	line, kh, kw := s.pitchLine(), s.Kernel[0], s.Kernel[1]
	if s.Groups == 1 && s.pitch == s.cin && (s.Dilation[1] == 1 || kw == 1) && whole {
		// The taps of a kernel's row stand side by side.
		s.segLen, kw = kw*s.cin, 1
	} else {
		s.segLen = s.cin / s.Groups
	}
	for ky := range kh {
		for kx := range kw {
			s.seg = append(s.seg, 4*(ky*s.Dilation[0]*line+kx*s.Dilation[1]*s.pitch))
		}
	}
}

// channel is the first channel of panel p.
func (s *windowSums) channel(p int) int {
	return p/s.PerGroup()*s.N + p%s.PerGroup()*NR
}

// k is the length of the sums.
func (s *windowSums) k() int { return len(s.seg) * s.segLen }

// A widePanel is a panel as float32.
type widePanel struct {
	bias, rows []float32
	ahead      int // bytes to the panel that is multiplied by next, or 0
}

// wideRows is the elements of a panel's rows that wide makes float32, if it
// ever does.
func (s *windowSums) wideRows() int {
	if s.Elem == tensor.F32 {
		return 0
	}
	return s.K * NR
}

// wide is panel p, in place if its elements are float32. Else temp is for its
// rows, wideRows elements.
func (s *windowSums) wide(w *Workspace, p int, temp []float32) widePanel {
	panel := s.panel(s.weights, p)
	if s.Elem == tensor.F32 {
		temp = floats(s.rowsFrom(panel, 0))
	} else {
		s.widenRows(s.Tier, w, temp[:s.wideRows()], panel)
	}
	return widePanel{bias: s.bias(panel), rows: temp}
}

// A stretch is neighbouring pixels of the result, of which one panel computes
// the channels, by some of the segments.
type stretch struct {
	panel      widePanel
	k, segs    int // the first row of the panel, and so many segments from there on
	at, pixels int // where the first pixel's channels begin
	n          int // channels
	bias       *float32
	add        []float32 // nil, or what is added, as the result lies
	lo, hi     float32
}

// stretchOf is the stretch of a panel of n columns by all segments, from y[at]
// on, without the number of pixels.
func (s *windowSums) stretchOf(p widePanel, residual []float32, at, n int) stretch {
	t := stretch{panel: p, segs: len(s.seg), at: at, n: n, bias: &p.bias[0], add: residual}
	t.lo, t.hi = s.Act.limits()
	return t
}

// gemmRows computes a stretch. Its first pixel's first segment begins a.
func (s *windowSums) gemmRows(w *Workspace, a, y []float32, t stretch) {
	w.gemm = asm.GemmArgs{
		A: &a[0], AStride: 4 * s.right,
		Seg: &s.seg[0], Segs: t.segs, SegLen: s.segLen,
		B: &t.panel.rows[(s.firstRow+t.k)*NR], Bias: t.bias, Ahead: t.panel.ahead,
		C: &y[t.at], CStride: 4 * s.pixel, N: t.n,
		Lo: t.lo, Hi: t.hi,
	}
	if t.add != nil {
		w.gemm.D, w.gemm.DStride = &t.add[t.at], 4*s.pixel
	}
	s.gemm(w, t.pixels)
}

// poolRows computes one panel of rows rows of windows pool windows each.
func (s *windowSums) poolRows(w *Workspace, p widePanel, a, y []float32, rows, windows, n int) {
	c := &w.convPool
	c.Seg, c.Segs, c.SegLen = &s.seg[0], len(s.seg), s.segLen
	c.Bias, c.B = &p.bias[0], &p.rows[s.firstRow*NR]
	c.AStride, c.ARow, c.CStride, c.N = 4*s.right, 4*s.down, 4*s.pixel, n
	c.Lo, c.Hi = s.Act.limits()
	most := max(1, callCycles/(4*s.k()))
	for r := range rows {
		for done := 0; done < windows; done += most {
			c.Windows = min(most, windows-done)
			c.A = &a[2*r*s.down+2*done*s.right]
			c.C = &y[r*s.line()+done*s.pixel]
			s.convPoolKernel(c)
		}
	}
}
