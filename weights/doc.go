// Package weights is the file: a frozen network and its weights, as they lie
// on disk and in memory. FORMAT.md describes it byte by byte.
//
// [Open] maps a file and [Parse] reads one that is in memory already. Both
// check everything before they return a Net: structure, checksums, shapes,
// weights. They answer any input, whatever it is, with a Net that is safe to
// run or with an error that names the place, and they allocate no more than a
// small multiple of the input's size. [Save] and [Marshal] write a Net, after
// the same checks.
//
// Weights are used where they lie, not copied. A frozen net can be read on
// little-endian processors only; it can be written on any.
package weights
