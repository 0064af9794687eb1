package kernels

import (
	"unsafe"

	"github.com/infer-go/infer/asm"
)

// The kernels of Winograd's F(4×4, 3×3) on quantised operands.
var patchKernel = asm.Kernel{Op: "winograd", Operand: asm.U8, Weight: asm.U8, Result: asm.I16, Variant: "in4"}

func wordProductKernel(rows int) asm.Kernel {
	return asm.Kernel{Op: "product", Operand: asm.I16, Weight: asm.I16, Result: asm.I32, Rows: rows, Panels: 1}
}

func tileKernel(result asm.Elem, pool bool) asm.Kernel {
	k := asm.Kernel{Op: "winograd", Operand: asm.I32, Weight: asm.I32, Result: result, Variant: "out4"}
	if pool {
		k.Variant = "outpool4"
	}
	return k
}

// patchPortable computes V = Bᵀ (X − Zero) B as it is written.
func patchPortable(p *asm.QuantisedPatchArgs) {
	for tile := range p.Tiles {
		for c := range NR * p.Blocks {
			var half [6][6]int32 // Bᵀ (X − Zero)
			for k := range 6 {
				for x := range 6 {
					d := int32(at(p.X, tile*p.XTile+k*p.XRow+x*p.XPixel+c, 1)[0]) - p.Zero
					for u := range half {
						half[u][x] += patchMatrix[u][k] * d
					}
				}
			}
			for f := range frequencies {
				v := int32(0)
				for x, h := range half[f/6] {
					v += patchMatrix[f%6][x] * h
				}
				at(p.Y, f*p.YFreq+tile*p.YTile+2*c, 1)[0] = int16(v)
			}
		}
	}
}

// patchMatrix is f4's Bᵀ.
var patchMatrix = [6][6]int32{
	{4, 0, -5, 0, 1, 0},
	{0, -4, -4, 1, 1, 0},
	{0, 4, -4, -1, 1, 0},
	{0, -2, -1, 2, 1, 0},
	{0, 2, -1, -2, 1, 0},
	{0, 4, 0, -5, 0, 1},
}

func wordProductPortable(rows int) func(*asm.QuantisedProductArgs) {
	return func(p *asm.QuantisedProductArgs) {
		for f := range p.Freqs {
			for i := range rows {
				var sums [NR]int32
				a := at(p.A, f*p.AFreq+i*p.AStride, 2*p.Pairs)
				for k := range p.Pairs {
					b := (*[2 * NR]int16)(unsafe.Pointer(&at(p.B, f*p.BFreq+4*NR*k, 2*NR)[0]))
					x0, x1 := int32(a[2*k]), int32(a[2*k+1])
					for j := range sums {
						sums[j] += x0*int32(b[2*j]) + x1*int32(b[2*j+1])
					}
				}
				copy(at(p.C, f*p.CFreq+i*p.CStride, NR), sums[:])
			}
		}
	}
}

// tileLine is Aᵀ m of F(4×4). What is multiplied by a power of two is exact.
func tileLine(m [6]float32) [4]float32 {
	s, d, p, q := m[1]+m[2], m[1]-m[2], m[3]+m[4], m[3]-m[4]
	return [4]float32{m[0] + s + p, d + 2*q, s + 4*p, d + m[5] + 8*q}
}

// tileOf is Aᵀ M A of channel c of a tile.
func tileOf(p *asm.QuantisedTileArgs, tile, c int) (y [4][4]float32) {
	var half [4][6]float32
	for v := range 6 {
		var m [6]float32
		for u := range m {
			f := 6*u + v
			m[u] = float32(float32(at(p.X, f*p.XFreq+tile*p.XTile+4*c, 1)[0]) * at(p.Factor, 4*NR*f, NR)[c])
		}
		for i, h := range tileLine(m) {
			half[i][v] = h
		}
	}
	for i := range half {
		y[i] = tileLine(half[i])
	}
	return y
}

func tilePortable(result asm.Elem) func(*asm.QuantisedTileArgs) {
	return func(p *asm.QuantisedTileArgs) {
		o := output{result, p.Zero, p.Lo, p.Hi}
		for tile := range p.Tiles {
			for c, bias := range at(p.Bias, 0, NR) {
				for y, row := range tileOf(p, tile, c) {
					for x, v := range row {
						v += bias
						if p.D != nil {
							d := int32(at(p.D, tile*p.DTile+y*p.DRow+x*p.DPixel+c, 1)[0])
							v += float32(float32(d-p.DZero) * p.DScale)
						}
						o.put(p.Y, tile*p.YTile+y*p.YRow+x*p.YPixel, c, v)
					}
				}
			}
		}
	}
}

func tilePoolPortable(result asm.Elem) func(*asm.QuantisedTileArgs) {
	return func(p *asm.QuantisedTileArgs) {
		o := output{result, p.Zero, p.Lo, p.Hi}
		for tile := range p.Tiles {
			for c, bias := range at(p.Bias, 0, NR) {
				t := tileOf(p, tile, c)
				for y := range 2 {
					for x := range 2 {
						v := max(t[2*y][2*x], t[2*y][2*x+1], t[2*y+1][2*x], t[2*y+1][2*x+1])
						o.put(p.Y, tile*p.YTile+y*p.YRow+x*p.YPixel, c, v+bias)
					}
				}
			}
		}
	}
}

// winogradQuantisedPortable are the portable kernels of the algorithm.
func winogradQuantisedPortable(add func(k asm.Kernel, run any)) {
	for rows := 1; rows <= portableRows; rows++ {
		add(wordProductKernel(rows), wordProductPortable(rows))
	}
	add(patchKernel, patchPortable)
	for _, result := range []asm.Elem{asm.U8, asm.F32} {
		add(tileKernel(result, false), tilePortable(result))
		add(tileKernel(result, true), tilePoolPortable(result))
	}
}
