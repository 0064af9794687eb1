package kernels

import "github.com/infer-go/infer/asm"

// A Workspace is the memory in which Ops compute: one for each goroutine that
// runs them. It must be on the heap: the micro-kernels are called through
// variables, and what they take would escape at every call.
type Workspace struct {
	// Scratch holds at least Op.Scratch float32, of any content. Its first is
	// aligned to Align.
	Scratch []float32

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
}
