package kernels

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/asm"
)

// An InverseDCT computes samples from JPEG's coefficients. It computes with
// integers, so its results have the same bits on every tier. It holds the
// kernel's block of arguments, so it serves one caller at a time.
type InverseDCT struct {
	side int // of a block, in samples
	run  func(*asm.IDCTArgs)
	args asm.IDCTArgs
	peak int
}

// InverseDCT returns a new one with the tier's kernel, for blocks of 8×8 or 4×4
// samples.
func (t *Tier) InverseDCT(side int) *InverseDCT {
	return &InverseDCT{side: side, run: find[asm.IDCTArgs](t, idctKernel(side))}
}

func idctKernel(side int) asm.Kernel {
	return asm.Kernel{Op: "idct", Operand: asm.I16, Weight: asm.I16, Result: asm.U8, Variant: fmt.Sprint(side)}
}

// Run writes len(at) blocks of samples to dst, block i from element at[i] on, in
// rows stride bytes apart. Coefficients are those of asm.IDCTArgs, none of more
// than 8192, and are cleared. The result is the largest absolute value of a
// sample, before it was limited to 0…255 and counted from 128, or more than 16383
// if the samples are undefined.
//
// A call of 16 blocks takes less than a microsecond.
func (d *InverseDCT) Run(dst []byte, stride int, at []int, coefficients []int16) int {
	if len(at) == 0 {
		return 0
	}
	rows := (len(at)*d.side + 15) / 16 * d.side
	_, _ = coefficients[16*rows-1], dst[slices.Max(at)+(d.side-1)*stride+d.side-1]
	_ = dst[slices.Min(at)]
	d.peak = 0
	d.args = asm.IDCTArgs{X: &coefficients[0], Y: &dst[0], At: &at[0], Peak: &d.peak, YStride: stride, N: len(at)}
	d.run(&d.args)
	d.args = asm.IDCTArgs{}
	return d.peak
}
