package kernels

import (
	"math"
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
	for i, w := range largeWindows {
		if testing.Short() && i > 0 {
			break
		}
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
