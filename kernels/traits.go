package kernels

import "github.com/infer-go/infer/tensor"

// Traits are what others than the kernels need to know of an operation on
// given operands. The zero value is that of an operation which computes
// something new of each item, in memory of its own.
type Traits struct {
	// MACs is the number of multiply-adds: those of the plain sums, whatever the
	// algorithm, with taps on padding counted.
	MACs int64

	// Extra is about how many multiply-adds take as long as whatever else is
	// computed: one for each element of each window of a Pool, say. To load and
	// store operands and results comes on top.
	Extra int64

	// TableEntries bounds the tables that Bind makes of the geometry, in entries
	// of less than 100 bytes, where they need not be in proportion to the file.
	TableEntries int

	// MixesItems says that, where items lie along dimension 0 of operands and
	// results, one item's result depends on another item. To run an Op for n
	// items is something else: they are never mixed, whatever their shape.
	MixesItems bool

	// NumbersItems says that operands or results hold the numbers of items, along
	// dimension 0: the operation has to be given all of them as one.
	NumbersItems bool

	// Rearranges says that the only result has exactly the elements of the only
	// operand, in any order; View, that it has them in the same order, so that
	// both can be the same memory.
	Rearranges, View bool

	// Interleaves is the number of planes of which the only result has the
	// elements side by side: the channels of a map NCHW that becomes NHWC. It is 0
	// if the operation does something else.
	Interleaves int

	// InPlace says that the only result may be the memory of an operand of the
	// same Type: each element is read before it is written.
	InPlace bool

	// JoinsChannels says that the only result is a feature map of the channels
	// of the operands, one operand's behind the other's.
	JoinsChannels bool

	// Counted says that the only result has more rows than count: from the first
	// on that begins with a negative number, they are there for the sake of its
	// size alone.
	Counted bool

	// SumsToOne says that results are probabilities: they sum to one along an
	// axis.
	SumsToOne bool
}

// Work is about how many multiply-adds take as long as the operation.
func (t Traits) Work() int64 { return t.MACs + min(t.Extra, 1<<63-1-t.MACs) }

// Order is in which order of its dimensions a tensor can lie that an operation
// reads or writes.
type Order uint8

const (
	RowMajor Order = iota // the one that the Spec's axes say
	Maps                  // operands and results are feature maps, NHWC
	AnyOrder              // any, the same in operands and results
	ByAxis                // any: Permute renames the axes
)

// An Axial Spec, of the order ByAxis, treats each dimension of its only operand
// in a way of its own.
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

	// Activation is where the Spec keeps it.
	Activation() *Act
}

// A Moving Spec can be one that computes nothing: every element of its results
// is one of its operands', or a constant's, as it is. So it makes no difference
// whether elements are converted before it or behind it, by what keeps their
// order.
type Moving interface {
	Spec

	// Moves says whether it is one.
	Moves() bool
}

// Moves says whether a Spec is Moving, and moves.
func Moves(s Spec) bool {
	m, ok := s.(Moving)
	return ok && m.Moves()
}

// A Converting Spec can be one that does nothing but give each element another
// type.
type Converting interface {
	Spec

	// Converts says whether it is one.
	Converts() bool
}

// Converts says whether a Spec is Converting, and converts.
func Converts(s Spec) bool {
	c, ok := s.(Converting)
	return ok && c.Converts()
}

// Computes says whether a Spec does more than to move or to convert elements. Of
// float32 that has the same bits on one tier, all else on every tier.
func Computes(s Spec) bool { return !Moves(s) && !Converts(s) }

// A Deciding Spec has a choice that changes the bits of its results, and that is
// made when a net is frozen, by what is known then.
type Deciding interface {
	Spec

	// Decide makes it, for operands and params, so that no tier of those named is
	// slower by it.
	Decide(in []tensor.Type, params []Param, tiers []string)
}

// A Sized Spec repeats what the shapes of its operands say.
type Sized interface {
	Spec

	// Sizeless returns the Spec without that: it is the same for any batch.
	Sizeless() Spec
}

// An Elastic Spec has numbers that may follow the sizes of its operands, where
// these are not the same in every run of a net: the size of a result, where a
// slice begins, a window as large as the map.
type Elastic interface {
	Spec

	// Extents are those numbers.
	Extents() []int

	// WithExtents returns the Spec with other numbers, as many as Extents has.
	// They may be any: Infer refuses what does not fit.
	WithExtents(extents []int) Spec
}

// A Multiple Spec has another number of results than one.
type Multiple interface {
	Spec

	// Results is how many.
	Results() int
}

// Results is the number of results of a Spec.
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
