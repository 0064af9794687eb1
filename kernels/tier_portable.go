package kernels

import (
	"math"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// portable is the tier without assembly: the oracle of all others. Its
// micro-kernels are the formulas of package asm's blocks of arguments, loop by
// loop. Products are rounded before they are added, on every processor, so
// that its results are the same everywhere.
var portable = newTier(asm.Tier{
	Name: "portable", Rows: portableRows, Panels: 1, QuantisedRows: quantisedRows, QuantisedPanels: 1, Kernels: portableKernels(),
}, true)

// portableRows is the largest number of rows of the portable tier's tiles.
const portableRows = 4

func portableKernels() (entries []asm.Entry) {
	add := func(k asm.Kernel, run any) {
		entries = append(entries, asm.Entry{Kernel: k, From: "portable", Run: run})
	}
	for rows := 1; rows <= portableRows; rows++ {
		add(asm.Kernel{Op: "gemm", Rows: rows, Panels: 1}, gemmPortable(rows))
		add(asm.Kernel{Op: "product", Rows: rows, Panels: 1}, productPortable(rows))
	}
	add(asm.Kernel{Op: "convpool", Rows: 4, Panels: 1}, convPoolPortable)
	for _, alg := range []*winograd{&f2, &f4} {
		add(alg.kernel("in"), alg.inPortable)
		add(alg.kernel("out"), alg.outPortable)
		add(alg.kernel("outpool"), alg.outPoolPortable)
	}
	winogradQuantisedPortable(add)
	add(asm.Kernel{Op: "largest"}, largestPortable)
	for _, width := range []int{1, wide} {
		for _, weights := range []tensor.Elem{tensor.F32, tensor.F16} {
			add(fullyKernel(weights, width), fullyPortable(fullyKernel(weights, width)))
		}
	}
	for kind, k := range activationKernels {
		if k.Op != "" {
			add(k, activatePortable(Activation(kind)))
		}
	}
	for i := range unaryFunctions {
		if f := &unaryFunctions[i]; f.of != nil {
			add(f.kernel(), unaryPortable(f.of))
		}
	}
	for kind, k := range binaryKernels {
		add(k, binaryPortable(BinaryKind(kind)))
	}
	for rows := 1; rows <= 2; rows++ {
		add(stridedKernel(rows), fullyPortable(stridedKernel(rows)))
	}
	portableRowKernels(add)
	add(asm.Kernel{Op: "im2col"}, im2colPortable)
	add(asm.Kernel{Op: "interleave"}, interleavePortable)
	add(asm.Kernel{Op: "transpose"}, transposePortable)
	for _, kind := range []BinaryKind{Equal, Less, LessOrEqual} {
		add(compareKernel(kind), comparePortable(kind))
	}
	add(selectKernel, selectPortable)
	add(asm.Kernel{Op: "maxpool"}, maxPoolPortable)
	add(asm.Kernel{Op: "avgpool"}, averagePoolPortable)
	add(narrowKernel, averagePoolNarrowPortable)
	add(asm.Kernel{Op: "depthwise"}, depthwisePortable)
	add(blendKernel, blendPortable)
	for _, depth := range groupedDepths {
		add(groupedKernel(depth), groupedPortable(depth))
	}
	add(asm.Kernel{Op: "widen", Operand: asm.F16, Weight: asm.F16}, widenPortable)
	add(idctKernel(8), idctPortable(8, idct8))
	add(idctKernel(4), idctPortable(4, idct4))
	add(weighKernel, weighPortable)
	add(resampleKernel, resamplePortable)
	add(planesKernel, planesPortable)
	add(ycbcrKernel(1), ycbcrPortable(1))
	add(ycbcrKernel(2), ycbcrPortable(2))
	for k, run := range quantisedPortable() {
		add(k, run)
	}
	return entries
}

// at returns the n elements that stand off bytes after p.
func at[T any](p *T, off, n int) []T {
	return unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(p), off)), n)
}

// multiplyAdd adds a·b[j] to each sum. Without the conversion a compiler may
// fuse the two operations.
func multiplyAdd(sums *[NR]float32, a float32, b []float32) {
	b = b[:NR]
	for j := range sums {
		sums[j] += float32(a * b[j])
	}
}

// rowPortable is one row of a gemm: the bias plus the segments' products.
func rowPortable(sums *[NR]float32, a *float32, seg *int, segs, segLen int, b, bias *float32) {
	copy(sums[:], at(bias, 0, NR))
	k := 0
	for _, off := range at(seg, 0, segs) {
		for _, x := range at(a, off, segLen) {
			multiplyAdd(sums, x, at(b, 4*NR*k, NR))
			k++
		}
	}
}

func gemmPortable(rows int) func(*asm.GemmArgs) {
	return func(g *asm.GemmArgs) {
		var sums [NR]float32
		for i := range g.Tiles * rows {
			rowPortable(&sums, &at(g.A, i*g.AStride, 1)[0], g.Seg, g.Segs, g.SegLen, g.B, g.Bias)
			c := at(g.C, i*g.CStride, g.N)
			for j := range c {
				if g.D != nil {
					sums[j] += at(g.D, i*g.DStride, g.N)[j]
				}
				c[j] = clamp(sums[j], g.Lo, g.Hi)
			}
		}
	}
}

func productPortable(rows int) func(*asm.ProductArgs) {
	return func(p *asm.ProductArgs) {
		for f := range p.Freqs {
			for i := range rows {
				var sums [NR]float32
				for k, x := range at(p.A, f*p.AFreq+i*p.AStride, p.K) {
					multiplyAdd(&sums, x, at(p.B, f*p.BFreq+4*NR*k, NR))
				}
				copy(at(p.C, f*p.CFreq+i*p.CStride, NR), sums[:])
			}
		}
	}
}

func convPoolPortable(p *asm.ConvPoolArgs) {
	for w := range p.Windows {
		var best [NR]float32
		for pixel := range 4 {
			var sums [NR]float32
			a := (pixel/2)*p.ARow + (2*w+pixel%2)*p.AStride
			rowPortable(&sums, &at(p.A, a, 1)[0], p.Seg, p.Segs, p.SegLen, p.B, p.Bias)
			for j, x := range sums {
				if pixel == 0 {
					best[j] = x
				} else {
					best[j] = max(best[j], x)
				}
			}
		}
		c := at(p.C, w*p.CStride, p.N)
		for j := range c {
			c[j] = clamp(best[j], p.Lo, p.Hi)
		}
	}
}

func largestPortable(p *asm.LargestArgs) {
	*p.Y = 0
	for _, x := range at(p.X, 0, p.N) {
		*p.Y = max(*p.Y, float32(math.Abs(float64(x))))
	}
}

func fullyPortable(kernel asm.Kernel) func(*asm.FullyArgs) {
	half := kernel.Weight == asm.F16
	return func(f *asm.FullyArgs) {
		row := NR * tensor.Elem(kernel.Weight).Size()
		if kernel.Variant == "strided" {
			row = f.BRow
		}
		for i := range f.Groups * kernel.Panels * kernel.Rows {
			p, r := i/kernel.Rows, i%kernel.Rows
			sums := [NR]float32(at(f.Bias, r*f.BiasRow+p*f.BiasStride, NR))
			panel := &at(f.B, p*f.BStride, 1)[0]
			var wide [NR]float32
			for k, x := range at(f.A, r*f.AStride, f.K) {
				if !half {
					multiplyAdd(&sums, x, at((*float32)(unsafe.Pointer(panel)), k*row, NR))
					continue
				}
				for j, h := range at((*uint16)(unsafe.Pointer(panel)), k*row, NR) {
					wide[j] = tensor.Float32(h)
				}
				multiplyAdd(&sums, x, wide[:])
			}
			for j := range sums {
				sums[j] = clamp(sums[j], f.Lo, f.Hi)
			}
			copy(at(f.C, r*f.CStride+4*NR*p, NR), sums[:])
		}
	}
}

func im2colPortable(p *asm.Im2colArgs) {
	for i := range p.Rows {
		for s, off := range at(p.Seg, 0, p.Segs) {
			copy(at(p.C, i*p.CStride+4*s*p.SegLen, p.SegLen), at(p.A, i*p.AStride+off, p.SegLen))
		}
	}
}

func activatePortable(kind Activation) func(*asm.ActivateArgs) {
	return func(p *asm.ActivateArgs) {
		act, y := Act{kind, p.Lo, p.Hi}, at(p.Y, 0, p.N)
		for i, x := range at(p.X, 0, p.N) {
			y[i] = act.apply(x)
		}
	}
}

func unaryPortable(f func(float64) float64) func(*asm.ActivateArgs) {
	return func(p *asm.ActivateArgs) {
		y := at(p.Y, 0, p.N)
		for i, x := range at(p.X, 0, p.N) {
			y[i] = float32(f(float64(x)))
		}
	}
}

func binaryPortable(kind BinaryKind) func(*asm.BinaryArgs) {
	return func(p *asm.BinaryArgs) {
		for r := range p.Rows {
			xStep, yStep := p.XStep/4, p.YStep/4
			x, y := at(p.X, r*p.XRow, (p.N-1)*xStep+1), at(p.Y, r*p.YRow, (p.N-1)*yStep+1)
			z := at(p.Z, r*p.ZRow, p.N)
			for i := range z {
				z[i] = clamp(kind.apply(x[i*xStep], y[i*yStep]), p.Lo, p.Hi)
			}
		}
	}
}

func comparePortable(kind BinaryKind) func(*asm.CompareArgs) {
	return func(p *asm.CompareArgs) {
		compareElements(kind, unsafe.Slice(p.Z, p.N), unsafe.Slice(p.X, p.N), unsafe.Slice(p.Y, p.N))
	}
}

func selectPortable(p *asm.SelectArgs) {
	z := tensor.Slice[uint32](tensor.Bytes(unsafe.Slice(p.Z, p.N)))
	x := tensor.Slice[uint32](tensor.Bytes(unsafe.Slice(p.X, p.N)))
	y := tensor.Slice[uint32](tensor.Bytes(unsafe.Slice(p.Y, p.N)))
	selectElements(z, unsafe.Slice(p.C, p.N), x, y)
}

func interleavePortable(p *asm.InterleaveArgs) {
	y := at(p.Y, 0, 3*p.N)
	for c := range 3 {
		for i, x := range at(p.X, c*p.XPlane, p.N) {
			y[3*i+c] = x
		}
	}
}

// eachTap calls f with the C elements of each tap of pixel i, in order, and
// with those of its weights.
func eachTap(p *asm.TapsArgs, i int, f func(x, w []float32)) {
	for r := range p.Rows {
		for k := range p.Cols {
			var w []float32
			if p.W != nil {
				w = at(p.W, r*p.WRow+k*p.WCol, p.C)
			}
			f(at(p.X, i*p.XStride+r*p.XRow+k*p.XCol, p.C), w)
		}
	}
}

func maxPoolPortable(p *asm.TapsArgs) {
	for i := range p.Pixels {
		y := at(p.Y, i*p.YStride, p.C)
		for c := range y {
			y[c] = float32(math.Inf(-1))
		}
		eachTap(p, i, func(x, _ []float32) {
			for c := range y {
				y[c] = max(y[c], x[c])
			}
		})
		for c := range y {
			y[c] = clamp(y[c], p.Lo, p.Hi)
		}
	}
}

func averagePoolPortable(p *asm.TapsArgs) {
	for i := range p.Pixels {
		y := at(p.Y, i*p.YStride, p.C)
		for from := 0; from < p.C; from += lanes {
			y := y[from:min(from+lanes, p.C)]
			var sum [lanes]float64
			eachTap(p, i, func(x, _ []float32) {
				for c, v := range x[from:][:len(y)] {
					sum[c] += float64(v)
				}
			})
			for c := range y {
				y[c] = float32(sum[c] / p.Count)
			}
		}
	}
}

func averagePoolNarrowPortable(p *asm.TapsArgs) {
	for i := range p.Pixels {
		for c, y := 0, at(p.Y, i*p.YStride, p.C); c < p.C; c++ {
			var sum float32
			for k := range p.Cols {
				var column float32
				for r := range p.Rows {
					column += at(p.X, i*p.XStride+r*p.XRow+k*p.XCol, p.C)[c]
				}
				sum += column
			}
			y[c] = sum / float32(p.Count)
		}
	}
}

func blendPortable(p *asm.BlendArgs) {
	for i, s := range at(p.Samples, 0, p.Pixels) {
		y := at(p.Y, i*p.YStride, p.C)
		for c := range y {
			y[c] = negativeZero
		}
		for t, off := range s.At[:s.Taps] {
			for c, x := range at(p.X, off, p.C) {
				y[c] += float32(s.Weight[t] * x)
			}
		}
	}
}

// negativeZero is what a sum begins with that leaves zeros their sign.
var negativeZero = float32(math.Copysign(0, -1))

func widenPortable(p *asm.WidenArgs) {
	y := at(p.Y, 0, p.N)
	for i, h := range at(p.X, 0, p.N) {
		y[i] = tensor.Float32(h)
	}
}

func depthwisePortable(p *asm.TapsArgs) {
	for i := range p.Pixels {
		y := at(p.Y, i*p.YStride, p.C)
		copy(y, at(p.Bias, 0, p.C))
		eachTap(p, i, func(x, w []float32) {
			for c := range y {
				y[c] += float32(x[c] * w[c])
			}
		})
		for c := range y {
			y[c] = clamp(y[c], p.Lo, p.Hi)
		}
	}
}

func groupedPortable(depth int) func(*asm.TapsArgs) {
	return func(p *asm.TapsArgs) {
		for i := range p.Pixels {
			y := at(p.Y, i*p.YStride, p.C)
			copy(y, at(p.Bias, 0, p.C))
			for four := 0; four < depth; four += 4 {
				for r := range p.Rows {
					for k := range p.Cols {
						x := at(p.X, i*p.XStride+r*p.XRow+k*p.XCol, p.C)
						for in := four; in < four+4; in++ {
							w := at(p.W, r*p.WRow+k*p.WCol+in*p.WIn, p.C)
							for c := range y {
								y[c] += float32(x[c/depth*depth+in] * w[c])
							}
						}
					}
				}
			}
			for c := range y {
				y[c] = clamp(y[c], p.Lo, p.Hi)
			}
		}
	}
}

func transposePortable(p *asm.TransposeArgs) {
	for i := range p.Rows {
		for j, v := range at(p.X, i*p.XRow, p.Cols) {
			at(p.Y, j*p.YRow+4*i, 1)[0] = v
		}
	}
}
