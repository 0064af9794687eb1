package kernels

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/asm"
)

// Rows computes on rows of a picture, for packages that prepare pictures. It
// holds the kernels' blocks of arguments, so it serves one caller at a time. A
// method may take long, but no kernel that it calls takes more than some tens of
// microseconds.
type Rows struct {
	weigh    func(*asm.WeighArgs)
	resample func(*asm.ResampleArgs)
	planes   func(*asm.ColourArgs)
	ycbcr    [3]func(*asm.ColourArgs) // by columns to a sample of chroma
	oracle   [3]func(*asm.ColourArgs)

	weighing   asm.WeighArgs
	resampling asm.ResampleArgs
	colours    asm.ColourArgs
}

var (
	weighKernel    = asm.Kernel{Op: "weigh", Operand: asm.U8}
	resampleKernel = asm.Kernel{Op: "resample"}
	planesKernel   = asm.Kernel{Op: "planes", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}
)

func ycbcrKernel(columns int) asm.Kernel {
	return asm.Kernel{Op: "ycbcr", Operand: asm.U8, Weight: asm.U8, Result: asm.U8, Variant: fmt.Sprint(columns)}
}

// Rows returns new Rows with the tier's kernels.
func (t *Tier) Rows() *Rows {
	r := &Rows{
		weigh:    find[asm.WeighArgs](t, weighKernel),
		resample: find[asm.ResampleArgs](t, resampleKernel),
		planes:   find[asm.ColourArgs](t, planesKernel),
	}
	for _, columns := range []int{1, 2} {
		r.ycbcr[columns], r.oracle[columns] = find[asm.ColourArgs](t, ycbcrKernel(columns)), ycbcrPortable(columns)
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
		r.weighing = asm.WeighArgs{X: &x[i], Row: &row[0], W: &weights[0], Y: &dst[i], K: k, N: min(step, n-i)}
		r.weigh(&r.weighing)
	}
	r.weighing = asm.WeighArgs{}
}

// Resample writes to each dst[i] the weighted sum of taps elements of x, from
// byte at[i] of it on; taps is a multiple of 8.
func (r *Rows) Resample(dst, x []float32, at []int, weights []float32, taps int) {
	n := len(dst)
	if n == 0 || taps == 0 || taps%8 != 0 {
		panic("kernels: no sums, or of no multiple of 8 elements")
	}
	_, _, _ = weights[n*taps-1], x[slices.Min(at[:n])/4], x[slices.Max(at[:n])/4+taps-1]
	step := max(1, enough/taps)
	for i := 0; i < n; i += step {
		r.resampling = asm.ResampleArgs{X: &x[0], At: &at[i], W: &weights[i*taps], Y: &dst[i], K: taps, N: min(step, n-i)}
		r.resample(&r.resampling)
	}
	r.resampling = asm.ResampleArgs{}
}

// Planes lays pixels of premultiplied red, green, blue and opacity, 4 bytes each,
// on white, and writes each colour to a row.
func (r *Rows) Planes(red, green, blue, pixels []byte) {
	n := len(red)
	_, _, _ = green[:n], blue[:n], pixels[:4*n]
	for i := 0; i < n; {
		r.colours = asm.ColourArgs{X: &pixels[4*i], R: &red[i], G: &green[i], B: &blue[i]}
		i += r.some(r.planes, planesPortable, n-i)
	}
	r.colours = asm.ColourArgs{}
}

// YCbCr writes the colours of luma and chroma of 1 or 2 columns to a sample. They
// are within 1 of those of color.YCbCrToRGB.
func (r *Rows) YCbCr(red, green, blue, y, cb, cr []byte, columns int) {
	n := len(red)
	_, _, _ = green[:n], blue[:n], y[:n]
	_, _ = cb[:(n+columns-1)/columns], cr[:(n+columns-1)/columns]
	for i := 0; i < n; {
		c := i / columns
		r.colours = asm.ColourArgs{X: &y[i], Cb: &cb[c], Cr: &cr[c], R: &red[i], G: &green[i], B: &blue[i]}
		i += r.some(r.ycbcr[columns], r.oracle[columns], n-i)
	}
	r.colours = asm.ColourArgs{}
}

// some calls a kernel for as many of n pixels as it takes at a time, or the
// oracle for those that are left. It returns how many these are.
func (r *Rows) some(kernel, oracle func(*asm.ColourArgs), n int) int {
	if n < 16 {
		r.colours.N = n
		oracle(&r.colours)
		return n
	}
	r.colours.N = min(n&^15, 1<<15)
	kernel(&r.colours)
	return r.colours.N
}
