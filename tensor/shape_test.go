package tensor

import (
	"math"
	"slices"
	"testing"
)

func TestShape(t *testing.T) {
	for _, c := range []struct {
		shape    Shape
		words    string
		elements int
		ok       bool
		fault    string // of Check
	}{
		{nil, "scalar", 1, true, ""},
		{Shape{-1, 28, 28, 1}, "N×28×28×1", 0, false, "has size -1 in dimension 0, where 1 to 2147483647 are possible"},
		{Shape{2, 3}, "2×3", 6, true, ""},
		{Shape{2, 0, 3}, "2×0×3", 0, true, "of 2×0×3 elements is empty"},
		{Shape{math.MaxInt32, 0, math.MaxInt32, math.MaxInt32}, "2147483647×0×2147483647×2147483647", 0, false, "of 2147483647×0×2147483647×2147483647 elements is empty"},
		{Shape{1 << 16, 1 << 15}, "65536×32768", 0, false, "of 65536×32768 elements is too large"},
		{Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}, "1×1×1×1×1×1×1×1×1", 1, true, "has 9 dimensions, more than 8"},
	} {
		if got := c.shape.String(); got != c.words {
			t.Errorf("%v in words: %s, want %s", []int(c.shape), got, c.words)
		}
		if n, ok := c.shape.Elements(); n != c.elements || ok != c.ok {
			t.Errorf("%s: %d elements, %v; want %d, %v", c.words, n, ok, c.elements, c.ok)
		}
		fault := ""
		if err := c.shape.Check(); err != nil {
			fault = err.Error()
		}
		if fault != c.fault {
			t.Errorf("%s: %q, want %q", c.words, fault, c.fault)
		}
	}
}

func TestStrides(t *testing.T) {
	if got := (Shape{2, 3, 4}).Strides(); !slices.Equal(got, []int{12, 4, 1}) {
		t.Errorf("strides %v", got)
	}
	if got := (Shape{3, 1, 4}).BroadcastStrides(5); !slices.Equal(got, []int{0, 0, 4, 0, 1}) {
		t.Errorf("strides of a broadcast %v", got)
	}
}

func TestBroadcast(t *testing.T) {
	for _, c := range []struct {
		a, b, want Shape
		ok         bool
	}{
		{Shape{2, 3}, Shape{3}, Shape{2, 3}, true},
		{Shape{1}, Shape{4, 1, 5}, Shape{4, 1, 5}, true},
		{Shape{2, 1}, Shape{1, 3}, Shape{2, 3}, true},
		{nil, Shape{7}, Shape{7}, true},
		{Shape{2, 3}, Shape{2}, nil, false},
	} {
		if got, ok := Broadcast(c.a, c.b); !got.Equal(c.want) || ok != c.ok {
			t.Errorf("%s and %s: %s, %v", c.a, c.b, got, ok)
		}
	}
}

func TestProduct(t *testing.T) {
	if n, ok := Product(4, 3, 5); n != 60 || !ok {
		t.Errorf("4·3·5 is %d, %v", n, ok)
	}
	if _, ok := Product(2, math.MaxInt/2, 2); ok {
		t.Error("an overflow is not seen")
	}
	if n := Saturated(math.MaxInt, math.MaxInt); n != math.MaxInt64 {
		t.Errorf("saturated at %d", n)
	}
}
