package kernels

import (
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// quantisedRows is the largest number of rows of the portable tier's tiles of
// quantised operands.
const quantisedRows = 2

// quantisedPortable are the portable kernels that compute in integers: the
// oracle of all others, and what a tier has that lacks one.
func quantisedPortable() map[asm.Kernel]any {
	all := map[asm.Kernel]any{asm.Kernel{Op: "maxpool", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}: maxPoolQuantised}
	all[quantiseKernel] = quantisePortable
	all[dequantiseKernel] = dequantisePortable
	all[planeKernel] = planePortable
	all[widenBytesKernel] = widenBytesPortable
	all[tableKernel] = tablePortable
	all[rescaleKernel] = rescalePortable
	for planes := 3; planes <= 4; planes++ {
		all[quantisePlanesKernel(planes)] = quantisePlanesPortable(planes)
	}
	for stride := range threesStrides {
		all[threesKernel(stride+1)] = depthwiseThrees(stride + 1)
	}
	for _, result := range []asm.Elem{asm.U8, asm.F32} {
		for rows := 1; rows <= quantisedRows; rows++ {
			all[quantisedKernel("gemm", result, rows, 1)] = gemmQuantised(result, rows, quantisedRow)
		}
		for rows := 1; rows <= asm.WordRows; rows++ {
			all[wordKernel(result, rows)] = gemmQuantised(result, rows, wordRow)
		}
		all[quantisedKernel("convpool", result, 4, 1)] = convPoolQuantised(result)
		all[quantisedKernel("fully", result, 1, wide)] = fullyQuantised(result)
		all[asm.Kernel{Op: "avgpool", Operand: asm.U8, Weight: asm.U8, Result: result}] = averagePoolQuantised(result)
		all[asm.Kernel{Op: "depthwise", Operand: asm.U8, Weight: asm.I8, Result: result}] = depthwiseQuantised(result)
		for kind := range quantisedBinaryKernels {
			all[quantisedBinaryKernel(BinaryKind(kind), result)] = binaryQuantised(BinaryKind(kind), result)
		}
	}
	return all
}

// An output stores what becomes of values: quantised elements, or float32.
type output struct {
	result asm.Elem
	zero   int32
	lo, hi float32
}

// put stores element i of the row that stands off bytes after y.
func (o output) put(y *uint8, off, i int, v float32) {
	v = clamp(v, o.lo, o.hi)
	if o.result == asm.F32 {
		at((*float32)(unsafe.Pointer(y)), off+4*i, 1)[0] = v
		return
	}
	at(y, off+i, 1)[0] = uint8(int32(roundEven(v)) + o.zero)
}

// quantisedRow is the sums of the row that stands off bytes after A.
func quantisedRow(g *asm.QuantisedGemmArgs, off int) [NR]int32 {
	sums := [NR]int32(at(g.Bias, 0, NR))
	k := 0
	for _, seg := range at(g.Seg, 0, g.Segs) {
		a := at(g.A, off+seg, g.SegLen)
		for ; len(a) > 0; a = a[quad:] {
			b := (*[NR * quad]int8)(unsafe.Pointer(&at(g.B, NR*quad*k, NR*quad)[0]))
			x0, x1, x2, x3 := int32(a[0]), int32(a[1]), int32(a[2]), int32(a[3])
			for j := range sums {
				w := b[quad*j:][:quad]
				sums[j] += x0*int32(w[0]) + x1*int32(w[1]) + x2*int32(w[2]) + x3*int32(w[3])
			}
			k++
		}
	}
	return sums
}

// wordRow is quantisedRow of words.
func wordRow(g *asm.QuantisedGemmArgs, off int) [NR]int32 {
	sums := [NR]int32(at(g.Bias, 0, NR))
	k := 0
	for _, seg := range at(g.Seg, 0, g.Segs) {
		for i, x := range at((*int16)(unsafe.Pointer(g.A)), off+seg, g.SegLen) {
			row := at(g.B, NR*quad*((k+i)/quad), NR*quad)
			for j := range sums {
				sums[j] += int32(x) * int32(row[quad*j+wordOrder[i%quad]])
			}
		}
		k += g.SegLen
	}
	return sums
}

func widenBytesPortable(g *asm.WidenBytesArgs) {
	y := at(g.Y, 0, g.N)
	for i, v := range at(g.X, 0, g.N) {
		y[i] = int16(v)
	}
}

// convPoolQuantised takes one window at a time.
func convPoolQuantised(result asm.Elem) func(*asm.QuantisedGemmArgs) {
	return func(g *asm.QuantisedGemmArgs) {
		o := output{result, g.Zero, g.Lo, g.Hi}
		scale := at(g.Scale, 0, NR)
		for w := range g.Tiles {
			sums := quantisedRow(g, 2*w*g.AStride)
			for _, pixel := range []int{(2*w + 1) * g.AStride, g.ARow + 2*w*g.AStride, g.ARow + (2*w+1)*g.AStride} {
				for j, s := range quantisedRow(g, pixel) {
					sums[j] = max(sums[j], s)
				}
			}
			for j := range g.N {
				o.put(g.C, w*g.CStride, j, float32(float32(sums[j])*scale[j]))
			}
		}
	}
}

func planePortable(g *asm.QuantisedPlaneArgs) {
	o := output{asm.U8, g.Zero, g.Lo, g.Hi}
	bias, scale, weights := at(g.Bias, 0, NR), at(g.Scale, 0, NR), at(g.B, 0, 3*quad*NR)
	for i := range g.Lines * g.Windows {
		line, window := i/g.Windows, i%g.Windows
		var most [NR]int32
		for pixel := range 4 {
			sums := [NR]int32(bias)
			for r := range 3 {
				x := at(g.X, (2*line+pixel/2+r)*g.XRow+2*window+pixel%2, 3)
				x0, x1, x2 := int32(x[0]), int32(x[1]), int32(x[2])
				for j := range sums {
					b := weights[quad*(r*NR+j):][:3]
					sums[j] += x0*int32(b[0]) + x1*int32(b[1]) + x2*int32(b[2])
				}
			}
			for j, s := range sums {
				if pixel == 0 || s > most[j] {
					most[j] = s
				}
			}
		}
		for j := range g.N {
			o.put(g.Y, line*g.YLine+window*g.YStride, j, float32(float32(most[j])*scale[j]))
		}
	}
}

// fullyQuantised takes one panel after the other, as one tile of a product each.
func fullyQuantised(result asm.Elem) func(*asm.QuantisedGemmArgs) {
	gemm := gemmQuantised(result, 1, quantisedRow)
	return func(g *asm.QuantisedGemmArgs) {
		for p := range wide {
			one := *g
			one.Seg, one.Segs, one.Tiles, one.N = &zeroOffset[0], 1, 1, min(NR, g.N-p*NR)
			one.B = &at(g.B, p*g.BStride, 1)[0]
			one.Bias, one.Scale = &at(g.Bias, 4*p*NR, 1)[0], &at(g.Scale, 4*p*NR, 1)[0]
			one.C = &at(g.C, p*NR*tensor.Elem(result).Size(), 1)[0]
			gemm(&one)
		}
	}
}

func gemmQuantised(result asm.Elem, rows int, row func(g *asm.QuantisedGemmArgs, off int) [NR]int32) func(*asm.QuantisedGemmArgs) {
	return func(g *asm.QuantisedGemmArgs) {
		o := output{result, g.Zero, g.Lo, g.Hi}
		scale := at(g.Scale, 0, NR)
		for i := range g.Tiles * rows {
			sums := row(g, i*g.AStride)
			for j := range g.N {
				v := float32(float32(sums[j]) * scale[j])
				if g.D != nil {
					d := int32(at(g.D, i*g.DStride+j, 1)[0])
					v += float32(float32(d-g.DZero) * g.DScale)
				}
				o.put(g.C, i*g.CStride, j, v)
			}
		}
	}
}

// eachQuantisedTap calls f with the C elements of each tap of pixel i, and with
// those of its weights.
func eachQuantisedTap(p *asm.QuantisedTapsArgs, i int, f func(x []uint8, w []int8)) {
	for r := range p.Rows {
		for k := range p.Cols {
			var w []int8
			if p.W != nil {
				w = at(p.W, r*p.WRow+k*p.WCol, p.C)
			}
			f(at(p.X, i*p.XStride+r*p.XRow+k*p.XCol, p.C), w)
		}
	}
}

func maxPoolQuantised(p *asm.QuantisedTapsArgs) {
	for i := range p.Pixels {
		y := at(p.Y, i*p.YStride, p.C)
		clear(y)
		eachQuantisedTap(p, i, func(x []uint8, _ []int8) {
			for c, v := range x {
				y[c] = max(y[c], v)
			}
		})
	}
}

func averagePoolQuantised(result asm.Elem) func(*asm.QuantisedTapsArgs) {
	return func(p *asm.QuantisedTapsArgs) {
		o := output{result, p.Zero, p.Lo, p.Hi}
		for i := range p.Pixels {
			for from := 0; from < p.C; from += lanes {
				var sums [lanes]int32
				n := min(lanes, p.C-from)
				eachQuantisedTap(p, i, func(x []uint8, _ []int8) {
					for c, v := range x[from : from+n] {
						sums[c] += int32(v)
					}
				})
				for c, s := range sums[:n] {
					o.put(p.Y, i*p.YStride, from+c, float32(float32(p.Offset+s)*p.Factor))
				}
			}
		}
	}
}

func depthwiseQuantised(result asm.Elem) func(*asm.QuantisedTapsArgs) {
	return func(p *asm.QuantisedTapsArgs) {
		o := output{result, p.Zero, p.Lo, p.Hi}
		bias, scale, size := at(p.Bias, 0, p.C), at(p.Scale, 0, p.C), 1
		if result == asm.F32 {
			size = 4
		}
		for i := range p.Pixels {
			for from := 0; from < p.C; from += lanes {
				var sums [lanes]int32
				n := copy(sums[:], bias[from:])
				eachQuantisedTap(p, i, func(x []uint8, w []int8) {
					w = w[from : from+n]
					for c, v := range x[from : from+n] {
						sums[c] += int32(v) * int32(w[c])
					}
				})
				for c, s := range sums[:n] {
					v := float32(float32(s) * scale[from+c])
					o.put(p.Y, i*p.YStride, from+c, addResidual(p, i*p.YStride/size+from+c, v))
				}
			}
		}
	}
}

// addResidual is the value of element i of Y, of which v is all but the residual.
func addResidual(p *asm.QuantisedTapsArgs, i int, v float32) float32 {
	if p.D == nil {
		return v
	}
	return v + float32(float32(int32(at(p.D, i, 1)[0])-p.DZero)*p.DScale)
}

func depthwiseThrees(stride int) func(*asm.QuantisedTapsArgs) {
	return func(p *asm.QuantisedTapsArgs) {
		o := output{asm.U8, p.Zero, p.Lo, p.Hi}
		n := ceilDiv(p.C, threesBlock) * threesBlock
		bias, scale, weights := at(p.Bias, 0, n), at(p.Scale, 0, n), at(p.W, 0, 3*quad*n)
		for i := range p.Lines * p.Pixels {
			line, pixel := i/p.Pixels, i%p.Pixels
			for c := range p.C {
				place := threesPlace(c)
				sum := bias[place]
				for tap := range 9 {
					x := at(p.X, line*p.XLine+tap/3*p.XRow+(pixel*stride+tap%3)*p.XCol+c, 1)[0]
					sum += int32(x) * int32(weights[threesWeight(tap/3, tap%3, c)])
				}
				off := line*p.YLine + pixel*p.YStride
				o.put(p.Y, off, c, addResidual(p, off+c, float32(float32(sum)*scale[place])))
			}
		}
	}
}

func binaryQuantised(kind BinaryKind, result asm.Elem) func(*asm.QuantisedBinaryArgs) {
	return func(p *asm.QuantisedBinaryArgs) {
		o := output{result, p.Zero, p.Lo, p.Hi}
		for i := range p.N {
			x := int32(at(p.X, i*p.XStep, 1)[0]) - p.XZero
			y := int32(at(p.Y, i*p.YStep, 1)[0]) - p.YZero
			var v float32
			switch kind {
			case Mul:
				v = float32(float32(x*y) * p.XScale)
			case Sub:
				v = float32(float32(x)*p.XScale) - float32(float32(y)*p.YScale)
			default:
				v = float32(float32(x)*p.XScale) + float32(float32(y)*p.YScale)
			}
			o.put(p.Z, 0, i, v)
		}
	}
}

func quantisePortable(p *asm.QuantiseArgs) {
	y := at(p.Y, 0, p.N)
	for i, x := range at(p.X, 0, p.N) {
		if x != x {
			p.NaN, x = 1, 0
		}
		y[i] = uint8(int32(roundEven(clamp(x/p.Scale, p.Lo, p.Hi))) + p.Zero)
	}
}

func quantisePlanesPortable(planes int) func(*asm.QuantisePlanesArgs) {
	return func(p *asm.QuantisePlanesArgs) {
		y := at(p.Y, 0, planes*p.N)
		for c := range planes {
			for i, x := range at(p.X, c*p.XPlane, p.N) {
				if x != x {
					p.NaN, x = 1, 0
				}
				y[planes*i+c] = uint8(int32(roundEven(clamp(x/p.Scale, p.Lo, p.Hi))) + p.Zero)
			}
		}
	}
}

func dequantisePortable(p *asm.DequantiseArgs) {
	y, flip, zero, scale := at(p.Y, 0, p.N), p.Flip, p.Zero, p.Scale
	for i, x := range at(p.X, 0, p.N) {
		y[i] = float32(float32(int32(x)^flip-zero) * scale)
	}
}

func tablePortable(p *asm.TableArgs) {
	y, table := at(p.Y, 0, p.N), (*[256]uint8)(unsafe.Pointer(p.Table))
	for i, x := range at(p.X, 0, p.N) {
		y[i] = table[x]
	}
}
