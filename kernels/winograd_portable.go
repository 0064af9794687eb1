package kernels

import (
	"strconv"

	"github.com/infer-go/infer/asm"
)

// A winograd is one of Winograd's algorithms F(m×m, 3×3) by its matrices, as
// Lavin and Gray give them in "Fast Algorithms for Convolutional Neural
// Networks" (2015): a tile of m×m outputs is Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A, with g
// the 3×3 kernel and d the t×t patch of the input, t = m+2.
type winograd struct {
	m  int
	bt [][]float32 // t×t
	at [][]float32 // m×t
}

// winograds are the algorithms that there are.
var winograds = [...]*winograd{WinogradF2: &f2, WinogradF4: &f4}

func (w *winograd) t() int { return w.m + 2 }

// kernel is one of the algorithm's transforms: "in", "out" or "outpool".
func (w *winograd) kernel(transform string) asm.Kernel {
	return asm.Kernel{Op: "winograd", Variant: transform + strconv.Itoa(w.m)}
}

var f2 = winograd{
	m: 2,
	bt: [][]float32{
		{1, 0, -1, 0},
		{0, 1, 1, 0},
		{0, -1, 1, 0},
		{0, 1, 0, -1},
	},
	at: [][]float32{
		{1, 1, 1, 0},
		{0, 1, -1, -1},
	},
}

var f4 = winograd{
	m: 4,
	bt: [][]float32{
		{4, 0, -5, 0, 1, 0},
		{0, -4, -4, 1, 1, 0},
		{0, 4, -4, -1, 1, 0},
		{0, -2, -1, 2, 1, 0},
		{0, 2, -1, -2, 1, 0},
		{0, 4, 0, -5, 0, 1},
	},
	at: [][]float32{
		{1, 1, 1, 1, 1, 0},
		{0, 1, -1, 2, -2, 0},
		{0, 1, 1, 4, 4, 0},
		{0, 1, -1, 8, -8, 1},
	},
}

// kernel2 is G g of F(2×2) for one column g. G is 1 0 0, ½ ½ ½, ½ −½ ½, 0 0 1.
//
// Products are rounded before they are added, here and in kernel4, so that a
// compiler fuses no two operations and the weights are the same on every
// processor.
func kernel2(g0, g1, g2 float32) (t0, t1, t2, t3 float32) {
	s, h := float32((g0+g2)*(1./2)), float32(g1*(1./2))
	return g0, s + h, s - h, g2
}

// kernel4 is G g of F(4×4). G is ¼ 0 0, −⅙ −⅙ −⅙, −⅙ ⅙ −⅙, 1⁄24 1⁄12 ⅙,
// 1⁄24 −1⁄12 ⅙, 0 0 1.
func kernel4(g0, g1, g2 float32) (t0, t1, t2, t3, t4, t5 float32) {
	s, h := float32((g0+g2)*(-1./6)), float32(g1*(1./6))
	u, v := float32(g0*(1./24))+float32(g2*(1./6)), float32(g1*(1./12))
	return g0 * (1. / 4), s - h, s + h, u + v, u - v, g2
}

// transformKernel transforms one input channel of a panel, G g Gᵀ: tap i of the 3×3
// kernel is the NR elements at src[i·step], frequency f those at dst[f·step].
func (w *winograd) transformKernel(dst, src []float32, step int) {
	var g [9]*[NR]float32
	for i := range g {
		g[i] = (*[NR]float32)(src[i*step:])
	}
	var half [6][3][NR]float32 // G g
	var out [36]*[NR]float32
	for f := range w.t() * w.t() {
		out[f] = (*[NR]float32)(dst[f*step:])
	}
	for x := range 3 {
		a, b, c := g[x], g[3+x], g[6+x]
		for i := range NR {
			if w.m == 2 {
				half[0][x][i], half[1][x][i], half[2][x][i], half[3][x][i] = kernel2(a[i], b[i], c[i])
			} else {
				half[0][x][i], half[1][x][i], half[2][x][i], half[3][x][i], half[4][x][i], half[5][x][i] = kernel4(a[i], b[i], c[i])
			}
		}
	}
	for u := range w.t() {
		a, b, c := &half[u][0], &half[u][1], &half[u][2]
		if w.m == 2 {
			o := out[4*u : 4*u+4]
			for i := range NR {
				o[0][i], o[1][i], o[2][i], o[3][i] = kernel2(a[i], b[i], c[i])
			}
		} else {
			o := out[6*u : 6*u+6]
			for i := range NR {
				o[0][i], o[1][i], o[2][i], o[3][i], o[4][i], o[5][i] = kernel4(a[i], b[i], c[i])
			}
		}
	}
}

// sandwich computes M x Mᵀ for a matrix M of at most 6×6 and a square x. Zeros
// of M are left out, as they are in the other tiers: they would make a NaN of
// an infinity in x.
func sandwich(m [][]float32, x *[6][6]float32) (y [6][6]float32) {
	var half [6][6]float32 // M x
	n := len(m[0])
	for i, row := range m {
		for j := range n {
			for k, v := range row {
				if v != 0 {
					half[i][j] += float32(v * x[k][j])
				}
			}
		}
	}
	for i := range m {
		for j, row := range m {
			for k, v := range row {
				if v != 0 {
					y[i][j] += float32(v * half[i][k])
				}
			}
		}
	}
	return y
}

// blockLanes is the number of channels in a block of the transforms.
const blockLanes = 8

func (w *winograd) inPortable(p *asm.WinogradArgs) {
	t := w.t()
	for tile := range p.Tiles {
		for c := range blockLanes * p.Blocks {
			var d [6][6]float32
			for y := range t {
				for x := range t {
					d[y][x] = at(p.X, tile*p.XTile+y*p.XRow+x*p.XPixel+4*c, 1)[0]
				}
			}
			v := sandwich(w.bt, &d)
			for f := range t * t {
				at(p.Y, f*p.YFreq+tile*p.YTile+4*c, 1)[0] = v[f/t][f%t]
			}
		}
	}
}

// result is the m×m outputs of channel c of a tile, without bias.
func (w *winograd) result(p *asm.WinogradArgs, tile, c int) [6][6]float32 {
	var m [6][6]float32
	t := w.t()
	for f := range t * t {
		m[f/t][f%t] = at(p.X, f*p.XFreq+tile*p.XTile+4*c, 1)[0]
	}
	return sandwich(w.at, &m)
}

func (w *winograd) outPortable(p *asm.WinogradArgs) {
	for tile := range p.Tiles {
		for c, bias := range at(p.Bias, 0, blockLanes*p.Blocks) {
			out := w.result(p, tile, c)
			for y := range w.m {
				for x := range w.m {
					v := out[y][x]
					if p.D != nil {
						v += at(p.D, tile*p.DTile+y*p.DRow+x*p.DPixel+4*c, 1)[0]
					}
					at(p.Y, tile*p.YTile+y*p.YRow+x*p.YPixel+4*c, 1)[0] = clamp(v+bias, p.Lo, p.Hi)
				}
			}
		}
	}
}

func (w *winograd) outPoolPortable(p *asm.WinogradArgs) {
	for tile := range p.Tiles {
		for c, bias := range at(p.Bias, 0, blockLanes*p.Blocks) {
			out := w.result(p, tile, c)
			for y := range w.m / 2 {
				for x := range w.m / 2 {
					v := max(out[2*y][2*x], out[2*y][2*x+1], out[2*y+1][2*x], out[2*y+1][2*x+1])
					at(p.Y, tile*p.YTile+y*p.YRow+x*p.YPixel+4*c, 1)[0] = clamp(v+bias, p.Lo, p.Hi)
				}
			}
		}
	}
}
