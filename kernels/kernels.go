// Package kernels contains what can be computed: each operation of a ConvNet as
// a Spec that says what it means, a portable Go implementation against which
// all others are tested, and a table of micro-kernels for every tier.
//
// An operation has three stages. When a model is frozen, a Spec is checked
// and the Types of its results are inferred. When a model is opened,
// Spec.Bind turns it into an Op for one tier, with its geometry computed and
// its weights in the order in which the micro-kernels read them. When it
// runs, Op.Run computes, and neither allocates nor locks.
//
// Values are float32 unless an operation says otherwise, or quantised uint8,
// whose arithmetic [Elements] defines. Feature maps are NHWC, and weights are
// panels of NR columns.
//
// # Rounding
//
// An element of a convolution, a fully connected layer or a matrix product
// over K products aᵢ·bᵢ, computed directly, differs from the exact result by
// at most (K+16)·2⁻²⁴·Σ|aᵢ·bᵢ|, on every tier.
//
// Winograd's algorithm F(m×m, 3×3) computes tiles of m×m elements of a
// convolution, each from a patch of (m+2)×(m+2) pixels. The error of an
// element is bounded in terms of the whole patch. It is at most
//
//	C·2⁻²⁴·Σ over input channels of (max over the patch |x|)·(Σ|w|)
//	C = 17·(K+16) for F(2×2, 3×3), 900·(K+32) for F(4×4, 3×3)
//
// with K the number of input channels and Σ|w| over a channel's nine weights.
// Bias b and residual r add 3·2⁻²⁴·(|b|+|r|) to it. Numbers below 2⁻¹²⁶, which
// have fewer digits, add 2⁻¹³²·Σ over input channels of (max over the patch
// |x|) + K·2⁻¹⁴¹. The numbers 16 and 88²/9 = 860.4 say how much a weight counts
// after the transforms, with their coefficients in absolute values; K+12 and
// K+26 count the roundings on the way. C is a little larger, to allow for
// products of roundings. These bounds always hold; for normally distributed
// numbers the difference stays below 4·2⁻²⁴·Σ|aᵢ·bᵢ| for F(2×2, 3×3) and
// 64·2⁻²⁴·Σ|aᵢ·bᵢ| for F(4×4, 3×3).
//
// A tile whose patch contains an element that is not finite, or is larger than
// 2¹⁶ in magnitude, is computed directly. So NaN and infinities reach only
// elements whose windows contain them, and a huge number costs the others no
// precision. A convolution with a weight larger than 2⁶⁴ in magnitude, or with
// more than 2¹⁹ input channels, is computed directly as a whole. Thus nothing
// overflows in Winograd's algorithm.
//
// For quantised operands, Winograd's algorithm rounds the transformed weights
// to int16, so that no sum can overflow. The root-mean-square error that this
// adds is a twentieth of that of int8 weights with 64 input channels, and half
// of it with 512. QuantisedWinograd does not use the algorithm where it
// estimates more than half.
//
// Weights of half precision have been rounded beforehand, by up to 2⁻¹¹ of
// their values.
//
// On one tier the bits of an element depend only on its operands, not on the
// number of items or on how the work is divided. For quantised operands they
// are the same on all tiers.
//
// # Who may use it
//
// The package exists for packages engine, picture, weights and onnx, and
// changes with them: nothing in it is stable from one release to the next.
// Giving an Op wrong lengths corrupts memory, since kernels take addresses.
// Services should use package engine.
package kernels

import "github.com/infer-go/infer/tensor"

//go:generate go -C ../gen run .

// A Spec says what an operation computes: the same function of real numbers,
// whatever the element types of its operands. It is pure data: the file holds
// it, the importer makes it, inspect prints it.
type Spec interface {
	// Op is the operation's name in messages and listings.
	Op() string

	// Infer returns the Types of the results, given those of the operands, and
	// checks that operands, params and the Spec itself fit together: the params'
	// count, form and shape too. It never panics, whatever it is given.
	Infer(in []tensor.Type, params []Param) ([]tensor.Type, error)

	// Order says in which orders its operands and results can be stored.
	Order() Order

	// Traits describes the operation on operands that Infer accepts.
	Traits(in []tensor.Type, params []Param) Traits

	// Bind prepares the operation for a tier. It rejects what Infer rejects, so
	// that no Op computes with unchecked geometry or data. It may keep the
	// params' data and read them in place.
	Bind(t *Tier, in []tensor.Type, params []Param) (Op, error)
}

// An Op is a Spec bound to Types, weights and a tier. It is immutable and safe
// for concurrent use; what changes is in the Workspace and in the results.
type Op interface {
	// Scratch is the number of bytes of scratch that Run needs in its
	// Workspace.
	Scratch() int

	// Tasks is the number of independent tasks into which the work on n items
	// is divided. Tasks write disjoint elements, and how they are grouped or
	// ordered changes no bit of the result.
	Tasks(n int) int

	// Run does the tasks lo, …, hi−1 of the work on n items. Each slice holds n
	// consecutive items, aligned to their elements. No result overlaps an
	// operand, except that the result of an operation that works in place may
	// be the memory of an operand of the same Type.
	Run(w *Workspace, in, out [][]byte, n, lo, hi int)
}

// A Placer is an Op that can write its only result into a larger feature map,
// so that concatenating channels need not copy it.
type Placer interface {
	Op

	// Place returns the same Op, except that it writes its result's channels
	// from channel first on into pixels with the given number of channels, and
	// leaves the other channels unchanged. It returns nil if it cannot.
	Place(first, channels int) Op
}

// An Interleaver is an Op that can read the elements of its only operand as planes,
// so that they need not be interleaved for it.
type Interleaver interface {
	Op

	// Interleave returns the same Op, except that its operand is what an operation
	// that Interleaves so many planes would have read. It returns nil if it cannot.
	Interleave(planes int) Op
}

// A Joiner is the Op of an operation that JoinsChannels.
type Joiner interface {
	Op

	// Without returns the same Op, except that it has only those operands for
	// which placed is false, and leaves the channels of the others unchanged.
	Without(placed []bool) Op
}
