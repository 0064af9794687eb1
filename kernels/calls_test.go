package kernels

import (
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// calls counts the calls of a convolution's other kernels than its products,
// and what the longest one takes: blocks of channels times frequencies that are
// transformed.
type calls struct{ in, out, longest int }

// countCalls binds a convolution of one map to the portable tier, runs it and
// counts.
func countCalls(t *testing.T, c *Conv, x []int) (n calls) {
	t.Helper()
	elements := func(count *int, e int) {
		*count++
		n.longest = max(n.longest, e)
	}
	tier := wrapped(portable, func(k asm.Kernel, run any) any {
		switch run := run.(type) {
		case func(*asm.WinogradArgs):
			count, alg := &n.out, &f4
			if k == f2.kernel("in") || k == f4.kernel("in") {
				count = &n.in
			}
			if k == f2.kernel("in") || k == f2.kernel("out") {
				alg = &f2
			}
			return func(a *asm.WinogradArgs) {
				elements(count, a.Tiles*a.Blocks*alg.t()*alg.t())
				run(a)
			}
		}
		return run
	})
	params := []Param{PanelsParam(Panels{tensor.F32, 1, c.Kernel[0] * c.Kernel[1] * x[3], c.Channels},
		func(int, int, int) float32 { return 0 }, func(int, int) float32 { return 0 })}
	out, err := infer(c, [][]int{x}, params)
	if err != nil {
		t.Fatal(err)
	}
	op, err := bind(c, tier, [][]int{x}, params)
	if err != nil {
		t.Fatal(err)
	}
	runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{tensor.Aligned[float32](tensor.Shape(x).Volume())}, [][]float32{tensor.Aligned[float32](tensor.Shape(out[0]).Volume())}, 1, 0, op.Tasks(1))
	return n
}

// TestCallsAreShort looks at how much one call takes of a long row, and that a
// short row, like the digit net's, is one call.
func TestCallsAreShort(t *testing.T) {
	for _, c := range []struct {
		name  string
		conv  Conv
		x     []int
		calls calls // longest: at most
	}{
		{"F(4×4) of a digit", Conv{Pool: true, Winograd: WinogradF4}, []int{1, 14, 14, 32},
			// Three rows are three whole tiles and, apart, one that stands out of
			// the result; the last is four of those.
			calls{in: 4, out: 3*2 + 4, longest: 4 * 4 * 36}},
		{"F(4×4) of a long row", Conv{Winograd: WinogradF4}, []int{1, 4, 4000, 8}, calls{longest: callCycles / 4}},
		{"F(2×2) of a long row", Conv{Winograd: WinogradF2}, []int{1, 2, 4000, 16}, calls{longest: callCycles / 4}},
		{"F(4×4) of many channels", Conv{Winograd: WinogradF4}, []int{1, 4, 4, 5400}, calls{longest: callCycles / 4}},
	} {
		c.conv.Window, c.conv.Groups, c.conv.Channels = square(3, 1, 1), 1, NR
		got := countCalls(t, &c.conv, c.x)
		t.Logf("%s: %+v", c.name, got)
		if got.longest == 0 || got.longest > c.calls.longest {
			t.Errorf("%s: the longest call takes %d, more than %d", c.name, got.longest, c.calls.longest)
		}
		got.longest = c.calls.longest
		if c.calls.in > 0 && got != c.calls {
			t.Errorf("%s: %+v, not %+v", c.name, got, c.calls)
		}
	}
}

// TestRowCallsAreShort looks at the elements that one call takes of a long row.
func TestRowCallsAreShort(t *testing.T) {
	longest := 0
	tier := wrapped(portable, func(_ asm.Kernel, run any) any {
		switch run := run.(type) {
		case func(*asm.CompareArgs):
			return func(a *asm.CompareArgs) {
				longest = max(longest, a.N)
				run(a)
			}
		case func(*asm.SelectArgs):
			return func(a *asm.SelectArgs) {
				longest = max(longest, a.N)
				run(a)
			}
		}
		return run
	})
	const n = 10*taskSize + 3
	x, c := tensor.AlignedBytes(4*n), tensor.AlignedBytes(n)
	for _, tt := range []struct {
		spec Spec
		in   []tensor.Type
		data [][]byte
	}{
		{&Binary{Kind: Less}, []tensor.Type{tensor.Floats(n), tensor.Floats(n)}, [][]byte{x, x}},
		{&Select{}, []tensor.Type{{Elem: tensor.Bool, Shape: tensor.Shape{n}}, tensor.Floats(n), tensor.Floats(n)}, [][]byte{c, x, x}},
	} {
		op, err := tt.spec.Bind(tier, tt.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		longest = 0
		op.Run(&Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, tt.data, [][]byte{tensor.AlignedBytes(4 * n)}, 1, 0, op.Tasks(1))
		if longest == 0 || longest > taskSize {
			t.Errorf("%s: the longest call takes %d elements, more than %d", tt.spec.Op(), longest, taskSize)
		}
	}
}
