//go:build !purego

package kernels

import "testing"

func TestTierNEON(t *testing.T) {
	if _, err := ByName("neon"); err != nil {
		t.Error(err)
	}
}
