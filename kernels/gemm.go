package kernels

import (
	"math"
	"unsafe"
)

// callCycles bounds one call of a micro-kernel, in multiply-adds of one row by
// one panel, each a cycle: about 20 µs at 3 GHz. Go cannot preempt assembly,
// and a long call would stall the collector and all behind it. The sums of a
// tile are not cut: those of more than 10,000 products, where ResNets have half
// as many, take longer, in proportion.
const callCycles = 60_000

// gemm runs the gemm family on rows rows, in tiles of sizes that differ by one
// at most: 14 rows are 5+5+4, not 6+6+2, since a tile of few rows waits for
// its own sums. w.gemm is set, but for Tiles, and has the first row's
// addresses, which gemm changes.
func (t *Tier) gemm(w *Workspace, rows int) {
	g := &w.gemm
	tiles := ceilDiv(rows, t.MR)
	small, larger := rows/tiles, rows%tiles // so many tiles have one row more
	a, c, d := g.A, g.C, g.D
	for done := 0; done < rows; {
		mr, n := small+1, larger
		if larger == 0 {
			mr, n = small, tiles
		}
		n = min(n, max(1, callCycles/(mr*g.Segs*g.SegLen)))
		g.Tiles = n
		// No address past the end is ever stored: the collector would find it.
		g.A, g.C = step(a, done*g.AStride), step(c, done*g.CStride)
		if d != nil {
			g.D = step(d, done*g.DStride)
		}
		t.gemmKernels[mr](g)
		done, tiles = done+n*mr, tiles-n
		if larger > 0 {
			larger -= n
		}
	}
}

// step is the address n bytes after p.
func step(p *float32, n int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), n))
}

// limits are the bounds between which a micro-kernel clamps; an activation
// that is no clamp is applied after it.
func (a Act) limits() (lo, hi float32) {
	if a.Kind == Clamp {
		return a.Lo, a.Hi
	}
	return float32(math.Inf(-1)), float32(math.Inf(1))
}

// isClamp says whether the micro-kernels' epilogue is all of the activation.
func (a Act) isClamp() bool { return a.Kind == NoActivation || a.Kind == Clamp }

// aliases says whether rows that stand so many elements apart fall into so
// few sets of the first-level cache that a tile's rows evict one another: on
// AMD's Zen 4, six rows 2 KiB apart run at 70 % of the speed of others, 4 KiB
// apart at 43 %. Those 1 KiB apart are as fast as any.
func aliases(stride int) bool { return stride%512 == 0 }

// unaliased is the least stride of at least n, in whole cache lines, that does
// not alias, nor does twice as much: what has it is read and written beside much
// else.
func unaliased(n int) int {
	n = ceilDiv(n, NR) * NR
	if aliases(2 * n) {
		n += NR
	}
	return n
}
