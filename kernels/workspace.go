package kernels

import (
	"errors"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// A Workspace is the memory in which Ops compute: one for each goroutine that
// runs them. It must be on the heap: micro-kernels are called through
// variables, so that their arguments would escape at every call.
type Workspace struct {
	// Scratch holds at least Op.Scratch bytes, with any contents, and begins
	// aligned to tensor.Align.
	Scratch []byte

	// Fault is set by an Op whose operands' elements have no result: ErrIndex,
	// ErrDivision or ErrNaN. The results are then meaningless. Whoever runs Ops
	// clears it before and checks it afterwards.
	Fault error

	gemm       asm.GemmArgs
	product    asm.ProductArgs
	convPool   asm.ConvPoolArgs
	winograd   asm.WinogradArgs
	largest    asm.LargestArgs
	magnitude  float32 // what largest finds
	fully      asm.FullyArgs
	im2col     asm.Im2colArgs
	activate   asm.ActivateArgs
	binary     asm.BinaryArgs
	compare    asm.CompareArgs
	selection  asm.SelectArgs
	taps       asm.TapsArgs
	blend      asm.BlendArgs
	samples    [parts + 1]asm.Sample
	piece      [maxBlock]float32 // what a kernel makes of a piece of a window
	widen      asm.WidenArgs
	widenBytes asm.WidenBytesArgs
	interleave asm.InterleaveArgs
	reduce     asm.ReduceArgs
	normalise  asm.NormaliseArgs
	softmax    asm.SoftmaxArgs
	transpose  asm.TransposeArgs

	quantise        asm.QuantiseArgs
	quantisePlanes  asm.QuantisePlanesArgs
	dequantise      asm.DequantiseArgs
	table           asm.TableArgs
	rescale         asm.RescaleArgs
	quantisedGemm   asm.QuantisedGemmArgs
	quantisedPlane  asm.QuantisedPlaneArgs
	quantisedTaps   asm.QuantisedTapsArgs
	quantisedBinary asm.QuantisedBinaryArgs

	quantisedPatch   asm.QuantisedPatchArgs
	quantisedProduct asm.QuantisedProductArgs
	quantisedTile    asm.QuantisedTileArgs
}

// Faults of runs, which have no result.
var (
	ErrIndex    = errors.New("an index is out of range")
	ErrDivision = errors.New("an integer is divided by zero")
	ErrNaN      = errors.New("a NaN cannot be quantised")
)

// floats is the scratch as float32.
func (w *Workspace) floats() []float32 { return tensor.Slice[float32](w.Scratch) }

// floats looks at an operand, or a result, as float32.
func floats(b []byte) []float32 { return tensor.Slice[float32](b) }
