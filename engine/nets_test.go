package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

var relu = kernels.Act{Kind: kernels.Clamp, Hi: float32(math.Inf(1))}

// layers adds layers with random weights to a net.
type layers struct {
	*netBuilder
	rng  *rand.Rand
	elem tensor.Elem
}

func newLayers(t testing.TB, elem tensor.Elem) *layers {
	return &layers{netBuilder: newNet(t, true), rng: rand.New(rand.NewPCG(8, 9)), elem: elem}
}

// weight is a random weight of a sum of k products.
func (l *layers) weight(k int) float32 {
	return float32(l.rng.NormFloat64() / math.Sqrt(float64(k)))
}

func (l *layers) conv(c kernels.Conv, k, stride int, in ...int) int {
	c.Window = kernels.Window{Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{k / 2, k / 2, k / 2, k / 2}}
	channels := l.net.Values[in[0]].Shape[3]
	bias := func(int) float32 { return l.weight(10) }
	var p kernels.Param
	if c.Groups == channels && c.Groups == c.Channels {
		p = kernels.TapsParam(k*k, channels, func(int, int) float32 { return l.weight(k * k) }, bias)
	} else {
		depth := k * k * channels
		p = kernels.PanelsParam(kernels.Panels{Elem: l.elem, Groups: 1, K: depth, N: c.Channels}, func(int, int, int) float32 { return l.weight(depth) }, func(_, n int) float32 { return bias(n) })
	}
	return l.steps(&c, []kernels.Param{p}, in...)[0]
}

func (l *layers) fully(n int, act kernels.Act, in int) int {
	s := l.net.Values[in].Shape
	k := s[len(s)-1]
	p := kernels.PanelsParam(kernels.Panels{Elem: l.elem, Groups: 1, K: k, N: n}, func(int, int, int) float32 { return l.weight(k) }, func(int, int) float32 { return l.weight(10) })
	return l.steps(&kernels.FullyConnected{Channels: n, Act: act}, []kernels.Param{p}, in)[0]
}

// digitNet has the form of the digit net: two convolutions with their pools,
// and two fully connected layers, the first of which is heavy.
func digitNet(t testing.TB, elem tensor.Elem) *weights.Net {
	l := newLayers(t, elem)
	x := l.step(&kernels.Reshape{Shape: []int{1, 28, 28, 1}}, l.input(1, 1, 28, 28))
	x = l.conv(kernels.Conv{Groups: 1, Channels: 32, Act: relu, Pool: true}, 3, 1, x)
	x = l.conv(kernels.Conv{Groups: 1, Channels: 32, Act: relu, Pool: true, Winograd: kernels.WinogradF4}, 3, 1, x)
	x = l.step(&kernels.Reshape{Shape: []int{1, 7 * 7 * 32}}, x)
	l.output(l.fully(10, kernels.Act{}, l.fully(128, relu, x)))
	return l.net
}

// mobileNet has the pieces of modern nets: a strided convolution, inverted
// residual blocks with squeeze and excitation, a concatenation, a global pool.
func mobileNet(t testing.TB, elem tensor.Elem) *weights.Net {
	l := newLayers(t, elem)
	x := l.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, l.input(1, 3, 16, 16))
	x = l.conv(kernels.Conv{Groups: 1, Channels: 24, Act: kernels.Act{Kind: kernels.ActHardSwish}}, 3, 2, x)
	for range 2 {
		y := l.conv(kernels.Conv{Groups: 1, Channels: 72, Act: relu}, 1, 1, x)
		y = l.conv(kernels.Conv{Groups: 72, Channels: 72, Act: relu}, 5, 1, y)
		side := l.net.Values[y].Shape[1:3]
		z := l.step(&kernels.Pool{Kind: kernels.AveragePool, Window: kernels.Window{Kernel: [2]int(side), Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}}, y)
		z = l.conv(kernels.Conv{Groups: 1, Channels: 72, Act: kernels.Act{Kind: kernels.ActHardSigmoid, Lo: 1. / 6, Hi: 0.5}}, 1, 1, z)
		y = l.step(&kernels.Binary{Kind: kernels.Mul}, y, z)
		x = l.conv(kernels.Conv{Groups: 1, Channels: 24}, 1, 1, y, x)
	}
	a := l.conv(kernels.Conv{Groups: 1, Channels: 40, Act: relu, Winograd: kernels.WinogradF2}, 3, 1, x)
	b := l.step(&kernels.Unary{Act: kernels.Act{Kind: kernels.ActElu, Lo: 1, Hi: 1}}, l.conv(kernels.Conv{Groups: 1, Channels: 30}, 1, 1, x))
	x = l.step(&kernels.Concat{Axis: 3}, a, b)
	x = l.conv(kernels.Conv{Groups: 1, Channels: 112, Act: relu}, 3, 2, x) // heavy in float32
	x = l.step(&kernels.Reshape{Shape: []int{1, 4 * 4 * 112}}, x)
	logits := l.fully(20, kernels.Act{}, x)
	l.output(logits, l.step(&kernels.Softmax{Axis: 1}, logits))
	return l.net
}

var testNets = map[string]func(testing.TB, tensor.Elem) *weights.Net{"digit": digitNet, "mobile": mobileNet}

// TestSameBits runs whole nets on every tier that the processor has: each item
// has the bits that it has alone, whatever the batch, the place in it, and the
// number of threads.
func TestSameBits(t *testing.T) {
	const largest = 4
	for name, build := range testNets {
		for _, tier := range kernels.Tiers() {
			for _, elem := range []tensor.Elem{tensor.F32, tensor.F16} {
				t.Run(name+"/"+tier.Name+"/"+elem.String(), func(t *testing.T) {
					if !tier.Supported {
						t.Skipf("the processor lacks one of %v", tier.Features)
					}
					net := build(t, elem)
					items := randomItems(net, rand.New(rand.NewPCG(1, 1)), largest)
					var want [][][]float32
					for _, item := range items {
						out := naive(t, net, tier, item)
						if spread := slices.Max(out[0]) - slices.Min(out[0]); !(spread > 0.01) {
							t.Fatalf("outputs %v say nothing", out[0])
						}
						want = append(want, out)
					}
					m := newTestModel(t, net, tier)
					for i := range m.own.program.steps {
						m.own.program.steps[i].work = splitWork * int64(i%2) // divide some of them among threads
					}
					for _, o := range []SessionOptions{{Threads: 2}, {Batch: largest}, {Batch: largest, Threads: 2}, {Batch: largest, Threads: 5}} {
						s := newTestSession(t, m, o)
						for _, n := range []int{largest, 1} {
							if n <= max(o.Batch, 1) {
								check(t, s, items[largest-n:], want[largest-n:])
							}
						}
					}
				})
			}
		}
	}
}

func TestNetsAllocateNothing(t *testing.T) {
	tier, err := kernels.Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range testNets {
		m := newTestModel(t, build(t, tensor.F16), tier)
		for _, o := range []SessionOptions{{}, {Batch: 8}, {Batch: 8, Threads: 2}} {
			s := newTestSession(t, m, o)
			if got := testing.AllocsPerRun(5, func() { s.Run(max(o.Batch, 1)) }); got != 0 {
				t.Errorf("%s, %+v: %v allocations", name, o, got)
			}
		}
	}
}

// A number that is none reaches the output of its item, and no other's.
func TestNaN(t *testing.T) {
	for name, build := range testNets {
		t.Run(name, func(t *testing.T) {
			tier, err := kernels.Default()
			if err != nil {
				t.Fatal(err)
			}
			net := build(t, tensor.F32)
			s := newTestSession(t, newTestModel(t, net, tier), SessionOptions{Batch: 3})
			size := len(s.Input(0)) / 3
			s.Input(0)[size+size/2] = float32(math.NaN())
			if err := s.Run(3); err != nil {
				t.Fatal(err)
			}
			for k := range net.Outputs {
				out := s.Output(k)
				for i, v := range out {
					if isNaN := v != v; isNaN != (i*3/len(out) == 1) {
						t.Fatalf("element %d of the %d of output %d is %v", i, len(out), k, v)
					}
				}
			}
		})
	}
}

func BenchmarkRun(b *testing.B) {
	tier, err := kernels.Default()
	if err != nil {
		b.Fatal(err)
	}
	for name, build := range testNets {
		m := newTestModel(b, build(b, tensor.F16), tier)
		for _, o := range []SessionOptions{{Batch: 1}, {Batch: 64}, {Batch: 64, Threads: 2}} {
			b.Run(fmt.Sprintf("%s/batch=%d/threads=%d", name, o.Batch, max(o.Threads, 1)), func(b *testing.B) {
				s := newTestSession(b, m, o)
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Run(o.Batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*o.Batch), "µs/item")
			})
		}
	}
}
