// Package tensor is the ground on which the others stand: element types,
// shapes, what a value's type is, and aligned memory. It knows no operation.
//
// Tensors themselves are bytes, in the order of a little-endian processor; who
// computes with them looks at them as elements by [Slice].
package tensor
