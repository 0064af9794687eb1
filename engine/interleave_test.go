package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// TestReadPlanes quantises maps that are interleaved for it, of an input and of
// what steps compute, and compares them, to the bit, with a net whose steps run one
// by one.
func TestReadPlanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	unsigned := kernels.Elements{Elem: tensor.U8, Scale: 0.01, Zero: 90}
	signed := kernels.Elements{Elem: tensor.I8, Scale: 0.008, Zero: -7}
	for _, tier := range kernels.Tiers() {
		if !tier.Supported {
			continue
		}
		t.Run(tier.Name, func(t *testing.T) {
			b := newNet(t, true)
			quantised := func(e kernels.Elements, x int) int {
				return b.step(&kernels.Convert{}, b.step(&kernels.Convert{Result: e}, x))
			}
			nhwc := func(x int) int { return b.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, x) }
			abs := func(x int) int { return b.step(&kernels.Unary{Kind: kernels.Abs}, x) }
			three, four, two := b.input(1, 3, 67, 71), b.input(1, 4, 11, 13), b.input(1, 2, 9, 5)
			b.output(
				quantised(unsigned, nhwc(three)), quantised(signed, nhwc(abs(three))), // read by nothing else
				quantised(signed, nhwc(four)), quantised(unsigned, nhwc(abs(four))),
				quantised(unsigned, nhwc(two))) // no kernel
			twice, seen := nhwc(abs(four)), nhwc(three)
			b.output(quantised(unsigned, twice), abs(twice), quantised(unsigned, seen), seen)
			viewed := b.step(&kernels.Reshape{Shape: []int{1, 11 * 13, 4}}, nhwc(four))
			b.output(quantised(signed, viewed))

			m := newTestModel(t, b.net, tier)
			left := 0
			for _, s := range m.Steps() {
				if s.Op == "Transpose" && !s.View {
					left++
				}
			}
			if left != 3 {
				t.Errorf("%d maps are interleaved by steps of their own, want 3", left)
			}
			items := randomItems(b.net, rng, 5)
			var want [][][]float32
			for _, in := range items {
				want = append(want, naive(t, b.net, tier, in))
			}
			for _, threads := range []int{1, 2} {
				s := newTestSession(t, m, SessionOptions{Batch: 5, Threads: threads})
				check(t, s, items, want)
				check(t, s, items[:1], want[:1])
			}
		})
	}
}
