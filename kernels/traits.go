package kernels

import "github.com/infer-go/infer/tensor"

// Traits are what other packages need to know about an operation on given
// operands. The zero value describes an operation that computes something new
// from each item, in separate memory.
type Traits struct {
	// MACs is the number of multiply-adds of the plain sums, whatever the
	// algorithm, including taps on padding.
	MACs int64

	// Extra is the approximate cost of everything else that is computed, in
	// multiply-adds: for a Pool, one for each element of each window. Loading
	// operands and storing results is not included.
	Extra int64

	// TableEntries bounds the tables that Bind makes from the geometry, in
	// entries of less than 100 bytes, if they can be out of proportion to the
	// file.
	TableEntries int

	// MixesItems says that, if items lie along dimension 0 of operands and
	// results, one item's result depends on another item. This does not concern
	// running an Op for n items: these are never mixed, whatever their shape.
	MixesItems bool

	// NumbersItems says that operands or results hold numbers of items along
	// dimension 0, so that the operation must be given all items as one.
	NumbersItems bool

	// Rearranges says that the only result has exactly the elements of the only
	// operand, in any order; View says that the order is the same, so that both
	// can share memory.
	Rearranges, View bool

	// Interleaves is the number of planes whose elements the only result
	// interleaves: the channels, if an NCHW map becomes NHWC. It is 0 if the
	// operation does something else.
	Interleaves int

	// InPlace says that the only result may be the memory of an operand of the
	// same Type: each element is read before it is written.
	InPlace bool

	// JoinsChannels says that the only result is a feature map with the
	// channels of all operands, one operand's after another's.
	JoinsChannels bool

	// Counted says that not all rows of the only result are valid: the first row
	// that begins with a negative number, and all rows after it, only fill it up
	// to its fixed size.
	Counted bool

	// Probabilities says that results are probabilities, from 0 to 1: those of
	// a softmax, which sum to one along an axis, or of a sigmoid, each of which
	// stands for itself.
	Probabilities bool
}

// Work is the approximate cost of the operation, in multiply-adds.
func (t Traits) Work() int64 { return t.MACs + min(t.Extra, 1<<63-1-t.MACs) }

// Order says in which orders of their dimensions an operation's operands and
// results can be stored.
type Order uint8

const (
	RowMajor Order = iota // the one that the Spec's axes say
	Maps                  // operands and results are feature maps, NHWC
	AnyOrder              // any, the same in operands and results
	ByAxis                // any: Permute renames the axes
)

// An Axial Spec, whose Order is ByAxis, treats the dimensions of its only
// operand differently.
type Axial interface {
	Spec

	// Permute returns the same operation on an operand whose dimension i is
	// dimension order[i] of this one's. Its results have as many dimensions as
	// the operand, in the same order.
	Permute(order []int) Spec
}

// A Carrying Spec has one operand and one result, and keeps items apart that do
// not lie along dimension 0.
type Carrying interface {
	Spec

	// Carries says whether items that lie along dimension from of an operand x,
	// each as many places of it as any other, lie along dimension to of the
	// result y, and none depends on another.
	Carries(x, y tensor.Shape, from, to int) bool
}

// An Activating Spec applies an activation to its results.
type Activating interface {
	Spec

	// Activation points to the activation within the Spec.
	Activation() *Act
}

// A Moving Spec may be one that computes nothing: every element of its results
// is an element of an operand or of a constant, unchanged. So elements may be
// converted before or after it with the same result, if the conversion
// preserves their order.
type Moving interface {
	Spec

	// Moves reports whether the Spec computes nothing.
	Moves() bool
}

// Moves reports whether a Spec only moves elements: it is Moving, and its Moves
// is true.
func Moves(s Spec) bool {
	m, ok := s.(Moving)
	return ok && m.Moves()
}

// A Filling Spec may be one that writes a number where no element of an operand
// goes.
type Filling interface {
	Spec

	// Fill is the number, and whether the Spec writes it.
	Fill() (float32, bool)
}

// A Converting Spec may be one that only converts each element to another type.
type Converting interface {
	Spec

	// Converts reports whether the Spec only converts.
	Converts() bool
}

// Converts reports whether a Spec only converts elements: it is Converting, and
// its Converts is true.
func Converts(s Spec) bool {
	c, ok := s.(Converting)
	return ok && c.Converts()
}

// Computes reports whether a Spec does more than move or convert elements. What
// it computes in float32 has the same bits on one tier only; everything else has
// the same bits on every tier.
func Computes(s Spec) bool { return !Moves(s) && !Converts(s) }

// A Deciding Spec has a choice that changes the bits of its results. It is made
// when a net is frozen, from what is known then.
type Deciding interface {
	Spec

	// Decide makes the choice for operands and params, such that it slows down
	// none of the tiers named.
	Decide(in []tensor.Type, params []Param, tiers []string)
}

// A Sized Spec repeats sizes that the shapes of its operands contain.
type Sized interface {
	Spec

	// Sizeless returns the Spec without these sizes, which is the same for any
	// batch.
	Sizeless() Spec
}

// An Elastic Spec has numbers that may depend on the sizes of its operands, if
// these differ between runs of a net: the size of a result, the start of a
// slice, a window as large as the map.
type Elastic interface {
	Spec

	// Extents returns those numbers.
	Extents() []int

	// WithExtents returns the Spec with other numbers, as many as Extents
	// returns. Any are allowed: Infer rejects what does not fit.
	WithExtents(extents []int) Spec
}

// A Multiple Spec may have any number of results, not only one.
type Multiple interface {
	Spec

	// Results returns how many.
	Results() int
}

// Results returns the number of results of a Spec.
func Results(s Spec) int {
	if m, ok := s.(Multiple); ok {
		return m.Results()
	}
	return 1
}

// permuted is a list of one entry for each dimension, in another order.
func permuted(x, order []int) []int {
	y := make([]int, len(order))
	for i, d := range order {
		y[i] = x[d]
	}
	return y
}

// macs is the product of an operand's elements and further numbers.
func macs(t tensor.Type, more ...int) int64 {
	return tensor.Saturated(append(append([]int{}, t.Shape...), more...)...)
}
