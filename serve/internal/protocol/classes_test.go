package protocol

import (
	"fmt"
	"math"
	"testing"
)

// Of equal scores the first comes first, and NaN last.
func TestClassify(t *testing.T) {
	list, n := classify([]float32{1, float32(math.NaN()), 3, 3}, 1, 9, []string{"a", "b"})
	if got := fmt.Sprintf("%s", list); n != 4 || got != "[3.000000:2 3.000000:3 1.000000:0:a NaN:1:b]" {
		t.Errorf("%s", got)
	}
}
