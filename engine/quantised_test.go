package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A plainMap is a quantised feature map of a reference: whole numbers, of which
// the zero point has been taken off.
type plainMap struct {
	height, width, channels int
	q                       []int64
	kernels.Elements
}

func newPlainMap(height, width, channels int, e kernels.Elements) *plainMap {
	return &plainMap{height, width, channels, make([]int64, height*width*channels), e}
}

func (m *plainMap) at(y, x, c int) int64 {
	if y < 0 || y >= m.height || x < 0 || x >= m.width {
		return 0
	}
	return m.q[(y*m.width+x)*m.channels+c]
}

// put stores the element next to v units of the result, which is clamped to 0
// where the step has a ReLU.
func (m *plainMap) put(i int, v float32, relu bool) {
	q := min(max(int64(math.RoundToEven(float64(v))), int64(-m.Zero)), int64(255-m.Zero))
	if relu {
		q = max(q, 0)
	}
	m.q[i] = q
}

// randomWeights are int8 of a product, with scales and biases.
type randomWeights struct {
	w     [][]int64 // by row and column
	scale []float32
	bias  []int64
}

func newRandomWeights(rng *rand.Rand, k, n int) *randomWeights {
	r := &randomWeights{w: make([][]int64, k)}
	for i := range r.w {
		r.w[i] = make([]int64, n)
		for j := range r.w[i] {
			r.w[i][j] = int64(rng.IntN(255)) - 127
		}
	}
	for range n {
		r.scale = append(r.scale, 0.002+rng.Float32()/500)
		r.bias = append(r.bias, int64(rng.IntN(4000))-2000)
	}
	return r
}

func (r *randomWeights) param() kernels.Param {
	return kernels.QuantisedPanelsParam(kernels.Panels{Groups: 1, K: len(r.w), N: len(r.scale)},
		func(_, k, n int) int8 { return int8(r.w[k][n]) },
		func(_, n int) float32 { return r.scale[n] },
		func(_, n int) int32 { return int32(r.bias[n]) })
}

// conv is a 3×3 convolution with padding of 1 and a ReLU.
func (r *randomWeights) conv(x, residual *plainMap, e kernels.Elements) *plainMap {
	y := newPlainMap(x.height, x.width, len(r.scale), e)
	for i := range y.q {
		row, col, n := i/y.channels/y.width, i/y.channels%y.width, i%y.channels
		sum := r.bias[n]
		for k := range r.w {
			sum += x.at(row+k/x.channels/3-1, col+k/x.channels%3-1, k%x.channels) * r.w[k][n]
		}
		v := float32(float32(sum) * float32(float32(x.Scale*r.scale[n])/e.Scale))
		if residual != nil {
			v += float32(float32(residual.q[i]) * float32(residual.Scale/e.Scale))
		}
		y.put(i, v, true)
	}
	return y
}

// TestQuantisedNet runs a net of integers, through the file, on every tier, with
// every batch and number of threads, and compares bytes with a reference that
// knows nothing of panels, strips and tiles.
func TestQuantisedNet(t *testing.T) {
	const size, batch = 13, 5
	rng := rand.New(rand.NewPCG(1, 2))
	input := kernels.Elements{Elem: tensor.U8, Scale: 1. / 255, Zero: 0}
	first := kernels.Elements{Elem: tensor.U8, Scale: 0.03, Zero: 5}
	second := kernels.Elements{Elem: tensor.U8, Scale: 0.2, Zero: 128}
	third := kernels.Elements{Elem: tensor.U8, Scale: 0.02, Zero: 17}
	a, b, c := newRandomWeights(rng, 9*3, 20), newRandomWeights(rng, 9*20, 20), newRandomWeights(rng, 6*6*20, 10)

	window := func(kernel, stride, pad int) kernels.Window {
		return kernels.Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{pad, pad, pad, pad}}
	}
	relu := kernels.Act{Kind: kernels.Clamp, Hi: float32(math.Inf(1))}
	net := newNet(t, true)
	x := net.input(1, size, size, 3)
	v := net.step(&kernels.Convert{Result: input}, x)
	v = net.steps(&kernels.Conv{Window: window(3, 1, 1), Groups: 1, Channels: 20, Act: relu, Result: first}, []kernels.Param{a.param()}, v)[0]
	v = net.step(&kernels.Pool{Window: window(2, 2, 0), Result: first}, v)
	v = net.steps(&kernels.Conv{Window: window(3, 1, 1), Groups: 1, Channels: 20, Act: relu, Result: second}, []kernels.Param{b.param()}, v, v)[0]
	v = net.step(&kernels.Reshape{Shape: []int{1, 6 * 6 * 20}}, v)
	v = net.steps(&kernels.FullyConnected{Channels: 10, Result: third}, []kernels.Param{c.param()}, v)[0]
	net.output(net.step(&kernels.Convert{}, v), v)

	pictures := make([]float32, batch*size*size*3)
	for i := range pictures {
		pictures[i] = rng.Float32()*1.2 - 0.1
	}
	var floats []float32
	var elements []byte
	for item := range batch {
		q := newPlainMap(size, size, 3, input)
		for i := range q.q {
			q.put(i, float32(pictures[item*len(q.q)+i]/input.Scale), false)
		}
		y := a.conv(q, nil, first)
		pooled := newPlainMap(6, 6, 20, first)
		for i := range pooled.q {
			row, col, n := i/20/6, i/20%6, i%20
			pooled.q[i] = max(y.at(2*row, 2*col, n), y.at(2*row, 2*col+1, n), y.at(2*row+1, 2*col, n), y.at(2*row+1, 2*col+1, n))
		}
		z := b.conv(pooled, pooled, second)
		out := newPlainMap(1, 1, 10, third)
		for n := range 10 {
			sum := c.bias[n]
			for k := range c.w {
				sum += z.q[k] * c.w[k][n]
			}
			out.put(n, float32(float32(sum)*float32(float32(z.Scale*c.scale[n])/third.Scale)), false)
			floats = append(floats, float32(out.q[n])*third.Scale)
			elements = append(elements, byte(out.q[n]+int64(third.Zero)))
		}
	}
	if slices.Min(elements) == slices.Max(elements) {
		t.Fatal("all elements are the same")
	}

	data, err := weights.Marshal(net.net)
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range kernels.Tiers() {
		if !tier.Supported {
			t.Logf("%s is not supported here", tier.Name)
			continue
		}
		m, err := Options{Kernels: tier.Name}.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if !m.Integer() {
			t.Errorf("%s: not all steps are integer", tier.Name)
		}
		for _, o := range []SessionOptions{{}, {Batch: batch}, {Batch: batch, Threads: 2}, {Threads: 2}} {
			s := newTestSession(t, m, o)
			n := max(o.Batch, 1)
			for from := 0; from < batch; from += n {
				copy(s.Input(0), pictures[from*size*size*3:])
				if err := s.Run(n); err != nil {
					t.Fatal(err)
				}
				if got, want := s.OutputBytes(1), elements[from*10:(from+n)*10]; !slices.Equal(got, want) {
					t.Fatalf("%s, %+v: %v, want %v", tier.Name, o, got, want)
				}
				if got, want := s.Output(0), floats[from*10:(from+n)*10]; !slices.Equal(got, want) {
					t.Fatalf("%s, %+v: %v, want %v", tier.Name, o, got, want)
				}
			}
			s.Input(0)[5] = float32(math.NaN())
			if err := s.Run(1); !errors.Is(err, ErrNaN) {
				t.Errorf("%s, %+v: a NaN is quantised: %v", tier.Name, o, err)
			}
			s.Input(0)[5] = float32(math.Inf(1))
			if err := s.Run(1); err != nil {
				t.Errorf("%s, %+v: an infinity: %v", tier.Name, o, err)
			}
			if allocs := testing.AllocsPerRun(10, func() { s.Run(1) }); allocs != 0 && o.Threads < 2 {
				t.Errorf("%s, %+v: %v allocations", tier.Name, o, allocs)
			}
		}
	}
}

// TestInteger has nets that are not of integers alone.
func TestInteger(t *testing.T) {
	e := kernels.Elements{Elem: tensor.U8, Scale: 0.1, Zero: 3}
	for _, c := range []struct {
		name  string
		build func(n *netBuilder, x int) int
		want  bool
	}{
		{"conversions and moves", func(n *netBuilder, x int) int {
			x = n.step(&kernels.Convert{Result: e}, n.step(&kernels.Transpose{Perm: []int{0, 2, 1}}, x))
			return n.step(&kernels.Reshape{Shape: []int{1, 12}}, n.step(&kernels.Convert{}, x))
		}, true},
		{"a function of what was dequantised", func(n *netBuilder, x int) int {
			return n.step(&kernels.Softmax{Axis: 1}, n.step(&kernels.Convert{}, n.step(&kernels.Convert{Result: e}, x)))
		}, false},
		{"moves of floats alone", func(n *netBuilder, x int) int {
			return n.step(&kernels.Transpose{Perm: []int{0, 2, 1}}, x)
		}, false},
	} {
		net := newNet(t, true)
		net.output(c.build(net, net.input(1, 3, 4)))
		data, err := weights.Marshal(net.net)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if got := m.Integer(); got != c.want {
			t.Errorf("%s: integer is %v", c.name, got)
		}
	}
}
