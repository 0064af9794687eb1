//go:build race

package kernels

// raced says that the race detector makes Go code ten times slower.
const raced = true
