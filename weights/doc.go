// Package weights is the file: a frozen network and its weights, as they lie
// on disk and in memory.
package weights
