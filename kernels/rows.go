package kernels

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/asm"
)

// Rows computes with rows of a picture: what packages that prepare pictures need
// of a tier. Its methods take as long as they must; a kernel is never called for
// more than some tens of microseconds.
type Rows struct {
	weigh    func(*asm.WeighArgs)
	resample func(*asm.ResampleArgs)
	planes   func(*asm.ColourArgs)
	ycbcr    [3]func(*asm.ColourArgs) // by columns to a sample of chroma
}

var (
	weighKernel    = asm.Kernel{Op: "weigh", Operand: asm.U8}
	resampleKernel = asm.Kernel{Op: "resample"}
	planesKernel   = asm.Kernel{Op: "planes", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}
)

func ycbcrKernel(columns int) asm.Kernel {
	return asm.Kernel{Op: "ycbcr", Operand: asm.U8, Weight: asm.U8, Result: asm.U8, Variant: fmt.Sprint(columns)}
}

// Rows are the tier's.
func (t *Tier) Rows() *Rows {
	r := &Rows{
		weigh:    find[asm.WeighArgs](t, weighKernel),
		resample: find[asm.ResampleArgs](t, resampleKernel),
		planes:   find[asm.ColourArgs](t, planesKernel),
	}
	for _, columns := range []int{1, 2} {
		r.ycbcr[columns] = find[asm.ColourArgs](t, ycbcrKernel(columns))
	}
	return r
}

// enough is how many multiply-adds a kernel is called for at most, if that is
// possible.
const enough = 1 << 17

// Weigh writes the weighted sum of rows to dst: row k begins at element row[k] of
// x, and is as long as dst, a multiple of 32.
func (r *Rows) Weigh(dst []float32, x []byte, row []int, weights []float32) {
	n, k := len(dst), len(row)
	if n == 0 || n%32 != 0 || k == 0 {
		panic("kernels: rows of no elements, or of no multiple of 32")
	}
	_, _, _ = weights[k-1], x[slices.Min(row)], x[slices.Max(row)+n-1]
	step := max(32, enough/k/32*32)
	for i := 0; i < n; i += step {
		r.weigh(&asm.WeighArgs{X: &x[i], Row: &row[0], W: &weights[0], Y: &dst[i], K: k, N: min(step, n-i)})
	}
}

// Resample writes weighted sums of taps elements of x, a multiple of 8: those of
// dst[i] begin at byte at[i] of it.
func (r *Rows) Resample(dst, x []float32, at []int, weights []float32, taps int) {
	n := len(dst)
	if n == 0 || taps == 0 || taps%8 != 0 {
		panic("kernels: no sums, or of no multiple of 8 elements")
	}
	_, _, _ = weights[n*taps-1], x[slices.Min(at[:n])/4], x[slices.Max(at[:n])/4+taps-1]
	step := max(1, enough/taps)
	for i := 0; i < n; i += step {
		r.resample(&asm.ResampleArgs{X: &x[0], At: &at[i], W: &weights[i*taps], Y: &dst[i], K: taps, N: min(step, n-i)})
	}
}

// Planes lays pixels of premultiplied red, green, blue and opacity, 4 bytes each,
// on white, and writes each colour to a row.
func (r *Rows) Planes(red, green, blue, pixels []byte) {
	n := len(red)
	_, _, _ = green[:n], blue[:n], pixels[:4*n]
	colours(r.planes, planesPortable, n, func(i int) asm.ColourArgs {
		return asm.ColourArgs{X: &pixels[4*i], R: &red[i], G: &green[i], B: &blue[i]}
	})
}

// YCbCr writes the colours of luma and chroma of 1 or 2 columns to a sample. They
// are within 1 of those of color.YCbCrToRGB.
func (r *Rows) YCbCr(red, green, blue, y, cb, cr []byte, columns int) {
	n := len(red)
	_, _, _ = green[:n], blue[:n], y[:n]
	_, _ = cb[:(n+columns-1)/columns], cr[:(n+columns-1)/columns]
	colours(r.ycbcr[columns], ycbcrPortable(columns), n, func(i int) asm.ColourArgs {
		return asm.ColourArgs{X: &y[i], Cb: &cb[i/columns], Cr: &cr[i/columns], R: &red[i], G: &green[i], B: &blue[i]}
	})
}

// colours calls a kernel for as many of n pixels as it takes, and the oracle for
// the rest.
func colours(kernel, oracle func(*asm.ColourArgs), n int, from func(i int) asm.ColourArgs) {
	const step = 1 << 16
	whole := n &^ 15
	for i := 0; i < whole; i += step {
		args := from(i)
		args.N = min(step, whole-i)
		kernel(&args)
	}
	if whole < n {
		args := from(whole)
		args.N = n - whole
		oracle(&args)
	}
}
