package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// window is a random window that fits a map, and the map's size.
func (g generator) window(padding bool) (w Window, size [2]int) {
	for i := range 2 {
		w.Kernel[i], w.Stride[i], w.Dilation[i] = g.between(1, 4), g.between(1, 3), g.between(1, 2)
		extent := int(w.Extent(i))
		if padding {
			w.Pad[i], w.Pad[i+2] = g.IntN(extent), g.IntN(extent)
		}
		size[i] = max(extent-w.Pad[i]-w.Pad[i+2], 0) + g.between(1, 6)
	}
	return w, size
}

func TestPool(t *testing.T) {
	g := newGenerator(20)
	for _, g.special = range []bool{false, true} {
		for range 400 {
			w, size := g.window(true)
			if g.IntN(8) == 0 {
				w, size = Window{Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}, [2]int{g.between(1, 9), g.between(1, 9)}
				w.Kernel = size
			}
			p := &Pool{Window: w, Kind: PoolKind(g.IntN(3)), Ceil: g.IntN(2) == 0}
			shape := []int{g.between(1, 2), size[0], size[1], g.between(1, 70)}
			if g.IntN(20) == 0 {
				shape[3] += maxBlock // two tasks in a row
			}
			trial{spec: p, in: [][]int{shape}, ref: func(in, out []array) { refPool(p, in[0], out[0]) }}.run(t, g)
		}
	}
}

// largeWindows are windows that take several calls of a kernel each, with more
// rows and with more columns than one takes.
var largeWindows = []struct{ kernel, stride, size [2]int }{
	{[2]int{180, 190}, [2]int{1, 1}, [2]int{181, 191}},
	{[2]int{3, 40000}, [2]int{1, 7}, [2]int{3, 40010}},
}

func TestLargePool(t *testing.T) {
	g := newGenerator(22)
	for _, w := range largeWindows {
		for kind := range AveragePoolPadded + 1 {
			p := &Pool{Window: Window{Kernel: w.kernel, Stride: w.stride, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 0, 1}}, Kind: kind}
			tr := trial{spec: p, in: [][]int{{1, w.size[0], w.size[1], 19}}, ref: func(in, out []array) { refPool(p, in[0], out[0]) }}
			for _, tier := range Tiers() {
				if tier.Supported {
					tr.runOn(t, g, tier)
				}
			}
		}
	}
}

// TestPoolCallsAreShort counts what calls of a kernel take of a pool whose
// window is a large map.
func TestPoolCallsAreShort(t *testing.T) {
	longest, taps := 0, 0
	tier := wrapped(portable, func(k asm.Kernel, run any) any {
		if k.Op != "avgpool" {
			return run
		}
		return func(a *asm.TapsArgs) {
			longest = max(longest, a.Rows*a.Cols*a.Pixels*ceilDiv(a.C, vector))
			taps += a.Rows * a.Cols * a.Pixels
			run.(func(*asm.TapsArgs))(a)
		}
	})
	x := []int{1, 500, 600, 3}
	op, err := bind((&Pool{Window: Window{Kernel: [2]int{500, 600}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}, Kind: AveragePool}), tier, [][]int{x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	runOp(op, &Workspace{}, [][]float32{make([]float32, tensor.Shape(x).Volume())}, [][]float32{make([]float32, 3)}, 1, 0, op.Tasks(1))
	if taps != 500*600 || longest > callVectors {
		t.Errorf("%d taps, at most %d vectors of them a call; want %d, at most %d", taps, longest, 500*600, callVectors)
	}
}

func refPool(p *Pool, in, out array) {
	for index := range out.indices() {
		most, sum, count := math.Inf(-1), 0.0, 0.0
		for ky := range p.Kernel[0] {
			for kx := range p.Kernel[1] {
				y := index[1]*p.Stride[0] + ky*p.Dilation[0] - p.Pad[0]
				x := index[2]*p.Stride[1] + kx*p.Dilation[1] - p.Pad[1]
				if in.inside(index[0], y, x, index[3]) {
					v := in.at(index[0], y, x, index[3])
					most = max(most, v)
					sum += v
					count++
				} else if p.Kind == AveragePoolPadded && y < in.shape[1]+p.Pad[2] && x < in.shape[2]+p.Pad[3] {
					count++
				}
			}
		}
		if p.Kind == MaxPool {
			out.set(most, index...)
		} else {
			out.set(sum/count, index...)
		}
	}
}

// TestPoolSizes compares the number of windows with a walk along the map.
func TestPoolSizes(t *testing.T) {
	for size := 1; size <= 9; size++ {
		for kernel := 1; kernel <= 4; kernel++ {
			for stride := 1; stride <= 5; stride++ {
				for pad := range kernel {
					for _, ceil := range []bool{false, true} {
						p := &Pool{Ceil: ceil, Window: Window{
							Kernel: [2]int{kernel, 1}, Stride: [2]int{stride, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{pad, 0, pad, 0},
						}}
						want := 0
						for at := -pad; at < size+pad; at += stride {
							whole := at+kernel <= size+pad
							uncovered := at-stride+kernel < size+pad
							if whole || ceil && uncovered && at < size {
								want++
							}
						}
						out, err := infer(p, [][]int{{1, size, 1, 1}}, nil)
						if want == 0 {
							if err == nil {
								t.Errorf("%+v fits a map of %d rows", p, size)
							}
						} else if err != nil || out[0][1] != want {
							t.Errorf("%+v of %d rows: %v, %v, want %d", p, size, out, err, want)
						}
					}
				}
			}
		}
	}
}

// TestConvTransposeTaps compares the taps that reach a place with a walk through
// all of them.
func TestConvTransposeTaps(t *testing.T) {
	g := newGenerator(23)
	for range 3000 {
		c := &ConvTranspose{}
		c.Kernel[0], c.Stride[0], c.Dilation[0], c.Pad[0] = g.between(1, 30), g.between(1, 12), g.between(1, 12), g.between(0, 20)
		op := &convTransposeOp{window: c.Window, meets: [2]meeting{c.meeting(0)}, in: [3]int{g.between(1, 20)}}
		for o := range (op.in[0]-1)*c.Stride[0] + int(c.Extent(0)) {
			var want, got []int
			for k := range c.Kernel[0] {
				at := o + c.Pad[0] - k*c.Dilation[0]
				if at >= 0 && at%c.Stride[0] == 0 && at/c.Stride[0] < op.in[0] {
					want = append(want, k)
				}
			}
			p := op.taps(0, o)
			for k := p.first; k < p.end; k += p.step {
				got = append(got, k)
				if i := op.source(0, o, k); i < 0 || i >= op.in[0] {
					t.Fatalf("%+v: tap %d of place %d is fed by element %d of %d", c.Window, k, o, i, op.in[0])
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v, %d elements: taps %v reach place %d, want %v", c.Window, op.in[0], got, o, want)
			}
		}
	}
}

func TestConvTranspose(t *testing.T) {
	g := newGenerator(21)
	for _, g.special = range []bool{false, true} {
		for range 40 {
			w, size := g.window(false)
			groups := g.between(1, 3)
			c := &ConvTranspose{Window: w, Groups: groups, Channels: groups * g.between(1, 20), Act: g.act()}
			for i := range 2 {
				c.OutputPad[i] = g.between(0, 2)
				c.Pad[i], c.Pad[i+2] = g.IntN(int(w.Extent(i))), g.IntN(2)
				size[i] += 2 // enough to survive the padding
			}
			shape := []int{g.between(1, 2), size[0], size[1], groups * g.between(1, 3)}
			ws := []int{w.Kernel[0], w.Kernel[1], shape[3], c.Channels / groups}
			params := []Param{PlainParam(ws, g.floats(tensor.Shape(ws).Volume())), PlainParam([]int{c.Channels}, g.floats(c.Channels))}
			trial{spec: c, in: [][]int{shape}, params: params, ref: func(in, out []array) {
				refConvTranspose(c, in[0], out[0], arrayOf(ws, params[0].Floats()), params[1].Floats())
			}}.run(t, g)
		}
	}
}

// refConvTranspose scatters each element of the operand over the result.
func refConvTranspose(c *ConvTranspose, in, out, w array, bias []float32) {
	for index := range out.indices() {
		out.set(float64(bias[index[3]]), index...)
	}
	perGroup := c.Channels / c.Groups
	for index := range in.indices() {
		group := index[3] / (in.shape[3] / c.Groups)
		for tap := range indices([]int{c.Kernel[0], c.Kernel[1], perGroup}) {
			y := index[1]*c.Stride[0] + tap[0]*c.Dilation[0] - c.Pad[0]
			x := index[2]*c.Stride[1] + tap[1]*c.Dilation[1] - c.Pad[1]
			at := []int{index[0], y, x, group*perGroup + tap[2]}
			if out.inside(at...) {
				out.set(out.at(at...)+in.at(index...)*w.at(tap[0], tap[1], index[3], tap[2]), at...)
			}
		}
	}
	for i, v := range out.data {
		// Sums are rounded to float32 before the activation.
		out.data[i] = refAct(c.Act, float64(float32(v)))
	}
}
