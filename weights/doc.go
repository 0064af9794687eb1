// Package weights reads and writes model files. A model file holds a frozen
// network and its weights, on disk in the same form as in memory. FORMAT.md
// describes it byte by byte.
//
// [Open] maps a file into memory, and [Parse] reads one that is already
// there. Both check everything before they return a Net: structure,
// checksums, shapes and weights. For any input whatsoever they return either
// a Net that is safe to run or an error that names the place of the fault,
// and they allocate no more than a small multiple of the input's size.
// [Save] and [Marshal] write a Net, after the same checks.
//
// Weights are used in place, not copied. A frozen net can be read only on
// little-endian processors; it can be written on any.
package weights
