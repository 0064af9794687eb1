package main

import (
	"errors"
	"testing"
)

// TestReason checks that errors of one kind are counted as one.
func TestReason(t *testing.T) {
	for _, c := range [][2]string{
		{`onnx: Sign "v7.node" (opset 21): operand 0 is i32 4×7`, `onnx: Sign "Sign.node3" (opset 9): operand 0 is i64 16`},
		{`sizes do not fit: "dim2" is 16: only multiples of 3 are possible`, `sizes do not fit: "dim3" is 8: only multiples of 5 are possible`},
		{"shapes 3×1×7 and 12 do not broadcast\nand more", "shapes 4 and 5×6 do not broadcast\nand less"},
	} {
		if a, b := reason(errors.New(c[0])), reason(errors.New(c[1])); a != b {
			t.Errorf("%q and %q", a, b)
		}
	}
	if a, b := reason(errors.New("a is too large")), reason(errors.New("a is too small")); a == b {
		t.Errorf("two reasons are one: %q", a)
	}
}
