package engine

import (
	"testing"

	"github.com/infer-go/infer/kernels"
)

// TestTables has a few steps whose tables are the largest that one may have:
// together they are refused, before they are made.
func TestTables(t *testing.T) {
	b := newNet(t, true)
	x := b.input(1, 1, 1, 1)
	for range entryLimit/kernels.MaxResized + 1 {
		b.output(b.step(&kernels.Resize{Scale: [2]float32{kernels.MaxResized, 1}, Size: [2]int{kernels.MaxResized, 1}}, x))
	}
	tooLarge(t, b.net, "tables")
}
