package onnx

import (
	"fmt"
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// An attentionCase is an Attention of queries [2, 4, 3, 5] by head.
type attentionCase struct {
	name             string
	keyHeads, past   int
	few              bool // keys
	flat             bool // heads are not a dimension
	attrs            []attr
	mask             string // none, added or Boolean; blind, computed and infinite ones let query 0 see nothing
	left, right      int    // the reach of a window, where one is not 0
	scale, softcap   float64
	causal           bool
	batch, heads     int
	queries, keys    int
	size, valuesSize int
}

// TestAttention compares with the formula in float64.
func TestAttention(t *testing.T) {
	for _, c := range []attentionCase{
		{name: "plain", keyHeads: 4},
		{name: "flat, with keys that heads share", keyHeads: 2, flat: true},
		{name: "causal", keyHeads: 4, causal: true, attrs: []attr{{"is_causal", 1}}},
		{name: "causal, behind a past", keyHeads: 4, past: 2, causal: true, attrs: []attr{{"is_causal", 1}}},
		{name: "a mask that is added", keyHeads: 1, mask: "added"},
		{name: "a mask of Booleans", keyHeads: 4, mask: "Boolean"},
		{name: "a mask that hides everything", keyHeads: 4, mask: "blind"},
		{name: "a mask of computed Booleans", keyHeads: 4, mask: "computed"},
		{name: "a mask of computed Booleans, causal", keyHeads: 4, mask: "computed", causal: true, attrs: []attr{{"is_causal", 1}}},
		{name: "a mask of computed infinities", keyHeads: 4, mask: "infinite", causal: true, attrs: []attr{{"is_causal", 1}}},
		{name: "a window", keyHeads: 4, past: 2, left: 1, right: 2, attrs: []attr{{"left_window_size", 1}, {"right_window_size", 2}}},
		{name: "a window that is causal", keyHeads: 4, past: 2, left: 1, causal: true, attrs: []attr{{"left_window_size", 1}, {"is_causal", 1}}},
		{name: "a window behind all keys", keyHeads: 4, left: 1, right: 1, few: true, attrs: []attr{{"left_window_size", 1}, {"right_window_size", 1}}},
		{name: "scale and softcap", keyHeads: 4, scale: 0.5, softcap: 2, attrs: []attr{{"scale", float32(0.5)}, {"softcap", float32(2)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.batch, c.heads, c.queries, c.keys, c.size, c.valuesSize = 2, 4, 3, 6, 5, 7
			if c.few {
				c.keys = 1
			}
			testAttention(t, c)
		})
	}
}

func testAttention(t *testing.T, c attentionCase) {
	m := newModel(25)
	var in [][]float32
	random := func(name string, dims ...int) []float32 {
		m.input(name, dims...)
		x := make([]float32, tensor.Shape(dims).Volume())
		for i := range x {
			x[i] = 2*m.rand.Float32() - 1
		}
		in = append(in, x)
		return x
	}
	// byHead is an operand, and how to find element d of place i of a head in it.
	byHead := func(name string, heads, length, size int, flat bool) func(n, h, i, d int) float64 {
		if flat {
			x := random(name, c.batch, length, heads*size)
			return func(n, h, i, d int) float64 { return float64(x[(n*length+i)*heads*size+h*size+d]) }
		}
		x := random(name, c.batch, heads, length, size)
		return func(n, h, i, d int) float64 { return float64(x[((n*heads+h)*length+i)*size+d]) }
	}
	q := byHead("q", c.heads, c.queries, c.size, c.flat)
	k := byHead("k", c.keyHeads, c.keys, c.size, c.flat)
	v := byHead("v", c.keyHeads, c.keys, c.valuesSize, c.flat)
	operands, mask := "q k v", func(i, j int) float64 { return 0 }
	all := c.past + c.keys
	switch c.mask {
	case "added":
		x := random("m", c.queries, all)
		operands, mask = "q k v m", func(i, j int) float64 { return float64(x[i*all+j]) }
	case "computed", "infinite":
		x := random("m", c.queries, all)
		for i := range all {
			x[i] -= 2
		}
		m.floats("zero", nil, 0)
		if c.mask == "computed" {
			m.node("Greater", "m zero", "seen")
		} else {
			m.node("Relu", "m", "positive")
			m.node("Log", "positive", "seen")
		}
		operands, mask = "q k v seen", func(i, j int) float64 {
			switch {
			case x[i*all+j] <= 0:
				return math.Inf(-1)
			case c.mask == "computed":
				return 0
			}
			return math.Log(float64(x[i*all+j]))
		}
	case "Boolean", "blind":
		flags := make([]byte, c.queries*all)
		for i := range flags {
			if flags[i] = byte((i + i/all) % 2); c.mask == "blind" && i < all {
				flags[i] = 0
			}
		}
		m.tensors = append(m.tensors, testTensor{"m", typeBool, []int{c.queries, all}, flags})
		operands, mask = "q k v m", func(i, j int) float64 { return math.Log(float64(flags[i*all+j])) }
	}
	key, value := k, v
	if c.past > 0 {
		pastKeys := byHead("pk", c.keyHeads, c.past, c.size, false)
		pastValues := byHead("pv", c.keyHeads, c.past, c.valuesSize, false)
		joined := func(past, now func(n, h, i, d int) float64) func(n, h, i, d int) float64 {
			return func(n, h, i, d int) float64 {
				if i < c.past {
					return past(n, h, i, d)
				}
				return now(n, h, i-c.past, d)
			}
		}
		key, value = joined(pastKeys, k), joined(pastValues, v)
		operands = "q k v _ pk pv"
	}
	attrs := c.attrs
	if c.flat {
		attrs = append(attrs, attr{"q_num_heads", c.heads}, attr{"kv_num_heads", c.keyHeads})
	}
	m.node("Attention", operands, "y", attrs...)
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, net, 1, in...)[0]
	scale := c.scale
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(c.size))
	}
	for at, y := range got {
		n, h, i, d := 0, 0, 0, 0
		if c.flat {
			d, h, i, n = at%c.valuesSize, at/c.valuesSize%c.heads, at/c.valuesSize/c.heads%c.queries, at/c.valuesSize/c.heads/c.queries
		} else {
			d, i, h, n = at%c.valuesSize, at/c.valuesSize%c.queries, at/c.valuesSize/c.queries%c.heads, at/c.valuesSize/c.queries/c.heads
		}
		of := h / (c.heads / c.keyHeads)
		sum, total := 0.0, 0.0
		for j := range all {
			s := 0.0
			for e := range c.size {
				s += q(n, h, i, e) * key(n, of, j, e)
			}
			s *= scale
			if c.softcap > 0 {
				s = c.softcap * math.Tanh(s/c.softcap)
			}
			s += mask(i, j)
			if c.causal && j > i+c.past || c.left > 0 && j < i+c.past-c.left || c.right > 0 && j > i+c.past+c.right {
				continue
			}
			sum += math.Exp(s) * value(n, of, j, d)
			total += math.Exp(s)
		}
		want := 0.0 // of a query that sees nothing
		if total > 0 {
			want = sum / total
		}
		if !(math.Abs(float64(y)-want) <= 1e-5) {
			t.Fatalf("element %d is %v, want %v", at, y, want)
		}
	}
}

// TestRMSNormalization compares with the formula, over one axis and two.
func TestRMSNormalization(t *testing.T) {
	for _, axis := range []int{-1, 1} {
		t.Run(fmt.Sprint(axis), func(t *testing.T) {
			m := newModel(23)
			m.input("x", 2, 3, 4)
			dims := []int{4}
			if axis == 1 {
				dims = []int{3, 4}
			}
			m.weight("scale", -1, 1, dims...)
			m.node("RMSNormalization", "x scale", "y", attr{"axis", axis}, attr{"epsilon", float32(0.01)})
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, 24)
			for i := range x {
				x[i] = 2*m.rand.Float32() - 1
			}
			scale := tensor.Slice[float32](m.tensors[0].raw)
			size := len(scale)
			for i, got := range run(t, net, 1, x)[0] {
				squares := 0.0
				for _, v := range x[i/size*size:][:size] {
					squares += float64(v) * float64(v)
				}
				want := float64(x[i]) / math.Sqrt(squares/float64(size)+0.01) * float64(scale[i%size])
				if !(math.Abs(float64(got)-want) <= 1e-5) {
					t.Fatalf("element %d is %v, want %v", i, got, want)
				}
			}
		})
	}
}
