package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// TestPlaceConcats runs concatenations of convolutions of every kind and
// compares them, to the bit, with a net whose steps have their own memory.
func TestPlaceConcats(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tier := range kernels.Tiers() {
		if !tier.Supported {
			continue
		}
		t.Run(tier.Name, func(t *testing.T) {
			b := newNet(t, true)
			x := b.input(1, 12, 10, 19)
			conv := func(c kernels.Conv, k, stride, channels int, in int) int {
				c.Window = kernels.Window{Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{k / 2, k / 2, k / 2, k / 2}}
				c.Channels = channels
				if c.Groups == 0 {
					c.Groups = 1
				}
				cin := b.net.Values[in].Shape[3] / c.Groups
				p := kernels.PanelsParam(kernels.Panels{Elem: tensor.F32, Groups: c.Groups, K: k * k * cin, N: channels / c.Groups},
					func(_, _, _ int) float32 { return rng.Float32() - 0.5 }, func(_, _ int) float32 { return rng.Float32() })
				return b.steps(&c, []kernels.Param{p}, in)[0]
			}
			relu, silu := kernels.Act{Kind: kernels.Clamp, Hi: 6}, kernels.Act{Kind: kernels.ActSiLU}
			inner := b.steps(&kernels.Concat{Axis: 3}, nil,
				conv(kernels.Conv{Act: relu}, 1, 1, 13, x),
				conv(kernels.Conv{Act: silu}, 3, 1, 24, x),
				conv(kernels.Conv{Act: relu, Winograd: kernels.WinogradF2}, 3, 1, 21, x),
				conv(kernels.Conv{Act: silu, Winograd: kernels.WinogradF4}, 3, 1, 40, x))[0]
			pooled := b.steps(&kernels.Concat{Axis: 3}, nil,
				conv(kernels.Conv{Act: relu, Pool: true}, 3, 1, 7, inner),
				conv(kernels.Conv{Act: relu, Pool: true, Winograd: kernels.WinogradF4}, 3, 1, 33, inner),
				conv(kernels.Conv{Groups: 2}, 3, 2, 18, inner))[0]
			// A view of another shape is copied, although its memory is the result's.
			tall := b.steps(&kernels.Reshape{Shape: []int{1, 12, 5, 38}}, nil, conv(kernels.Conv{Act: relu}, 1, 1, 19, x))[0]
			wide := b.steps(&kernels.Reshape{Shape: []int{1, 12, 5, 8}}, nil, conv(kernels.Conv{Act: relu}, 1, 1, 4, x))[0]
			viewed := b.steps(&kernels.Concat{Axis: 3}, nil, tall, wide)[0]
			// A value that is read twice, or is an output, stays where it is.
			shared := conv(kernels.Conv{}, 1, 1, 5, pooled)
			// Elements in pairs, a pool and a resized map; what cannot be placed is
			// copied into the same map.
			concat := func(in ...int) int { return b.steps(&kernels.Concat{Axis: 3}, nil, in...)[0] }
			add := func(act kernels.Act, channels int) int {
				x, y := conv(kernels.Conv{}, 1, 1, channels, x), conv(kernels.Conv{}, 3, 1, channels, x)
				return b.steps(&kernels.Binary{Kind: kernels.Add, Act: act}, nil, x, y)[0]
			}
			added := concat(add(relu, 9), conv(kernels.Conv{Act: silu}, 1, 1, 6, x))
			some := concat(add(silu, 5), add(kernels.Act{}, 18), x)
			pool := func(k, in int) int {
				w := kernels.Window{Kernel: [2]int{k, k}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{k / 2, k / 2, k / 2, k / 2}}
				return b.steps(&kernels.Pool{Window: w, Kind: kernels.MaxPool}, nil, in)[0]
			}
			pyramid := concat(shared, pool(3, shared), pool(5, shared))
			larger := func(mode kernels.ResizeMode) int {
				r := &kernels.Resize{Mode: mode, Scale: [2]float32{4, 10. / 3}, Size: [2]int{12, 10}}
				return b.steps(r, nil, conv(kernels.Conv{}, 1, 1, 11, conv(kernels.Conv{}, 5, 4, 4, x)))[0]
			}
			resized := concat(larger(kernels.Nearest), added, larger(kernels.Linear))
			b.output(viewed, b.steps(&kernels.Concat{Axis: 3}, nil, shared, shared)[0], conv(kernels.Conv{}, 1, 1, 3, pooled),
				some, pyramid, resized)

			m := newTestModel(t, b.net, tier)
			steps, views := m.Steps(), 0
			for _, s := range steps {
				if s.Op == "Concat" && s.View {
					views++
				}
			}
			if views != 3 {
				t.Errorf("%d concatenations are written in place, want 3", views)
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

// TestPlaceTables does the same with functions of bytes, beside convolutions: one
// overwrites its operand where it is not placed, one has an operand that is an
// output, and one a result that is read twice.
func TestPlaceTables(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tier := range kernels.Tiers() {
		if !tier.Supported {
			continue
		}
		t.Run(tier.Name, func(t *testing.T) {
			const height, width = 23, 19
			narrow := kernels.Elements{Elem: tensor.U8, Scale: 0.01, Zero: 3}
			wide := kernels.Elements{Elem: tensor.U8, Scale: 0.02, Zero: 100}
			b := newNet(t, true)
			x := b.step(&kernels.Convert{Result: narrow}, b.input(1, height, width, 6))
			conv := func(channels int, e kernels.Elements) int {
				c := &kernels.Conv{Window: kernels.Window{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}, Groups: 1, Channels: channels, Result: e}
				return b.steps(c, []kernels.Param{newRandomWeights(rng, 6, channels).param()}, x)[0]
			}
			tableTo := func(to kernels.Elements, in int) int {
				u := &kernels.Unary{Act: kernels.Act{Kind: kernels.ActTanh}, Result: to}
				return b.steps(u, []kernels.Param{kernels.TableParam(narrow, to, u.Of)}, in)[0]
			}
			table := func(in int) int { return tableTo(wide, in) }
			concat := func(in ...int) int {
				return b.step(&kernels.Convert{}, b.step(&kernels.Concat{Axis: 3}, in...))
			}
			overwritten := conv(33, narrow)
			shared := conv(7, narrow)
			twice := table(conv(5, narrow))
			b.output(
				concat(conv(4, wide), table(overwritten)),
				concat(table(shared), conv(9, wide)), b.step(&kernels.Convert{}, shared),
				concat(table(conv(3, narrow)), twice), concat(twice, conv(2, wide)),
				// Linear functions, of whole vectors and of parts.
				concat(conv(5, wide), b.step(&kernels.Convert{Result: wide}, conv(64, narrow)), conv(3, wide)),
				concat(b.step(&kernels.Convert{Result: wide}, conv(40, narrow)), conv(3, wide)),
				// What overwrites a concatenation is placed, and the memory of that
				// one stays.
				concat(conv(1, narrow), tableTo(narrow, b.step(&kernels.Concat{Axis: 3}, conv(11, narrow), conv(6, narrow)))))

			m := newTestModel(t, b.net, tier)
			views := 0
			for _, s := range m.Steps() {
				if s.Op == "Concat" && s.View {
					views++
				}
			}
			if views != 6 {
				t.Errorf("%d concatenations are written in place, want 6", views)
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
