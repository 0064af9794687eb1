// Package tensor is what the other packages build on: element types, shapes,
// the types of values, and aligned memory. It contains no operations.
//
// Tensors themselves are bytes, in the order of a little-endian processor.
// Code that computes with them views them as elements, by Slice.
package tensor
