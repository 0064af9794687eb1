package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// A Workspace is the memory in which Ops compute: one for each goroutine that
// runs them. It must be on the heap: the micro-kernels are called through
// variables, and what they take would escape at every call.
type Workspace struct {
	// Scratch holds at least Op.Scratch bytes, of any content. Its first is
	// aligned to tensor.Align.
	Scratch []byte

	// NaN: an Op was given a NaN that its result cannot hold. Whoever runs Ops sets
	// it back.
	NaN bool

	gemm       asm.GemmArgs
	product    asm.ProductArgs
	convPool   asm.ConvPoolArgs
	winograd   asm.WinogradArgs
	fully      asm.FullyArgs
	im2col     asm.Im2colArgs
	activate   asm.ActivateArgs
	binary     asm.BinaryArgs
	taps       asm.TapsArgs
	piece      [maxBlock]float32 // what a kernel makes of a piece of a window
	widen      asm.WidenArgs
	interleave asm.InterleaveArgs

	quantise        asm.QuantiseArgs
	quantisedGemm   asm.QuantisedGemmArgs
	quantisedTaps   asm.QuantisedTapsArgs
	quantisedBinary asm.QuantisedBinaryArgs
}

// floats is the scratch as float32.
func (w *Workspace) floats() []float32 { return tensor.Slice[float32](w.Scratch) }

// floats looks at an operand, or a result, as float32.
func floats(b []byte) []float32 { return tensor.Slice[float32](b) }
