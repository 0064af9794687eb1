package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestInstanceNorm(t *testing.T) {
	g := newGenerator(40)
	for range 60 {
		shape := g.shape(4, 6)
		shape[3] = g.between(1, 40)
		s := &InstanceNorm{Epsilon: 1e-5}
		params := []Param{PlainParam([]int{2, shape[3]}, g.floats(2*shape[3]))}
		p := arrayOf(params[0].Shape, params[0].Floats())
		trial{spec: s, in: [][]int{shape}, params: params, ref: func(in, out []array) {
			pixels := float64(shape[1] * shape[2])
			for index := range out[0].indices() {
				mean, variance := 0.0, 0.0
				for at := range indices([]int{shape[1], shape[2]}) {
					mean += in[0].at(index[0], at[0], at[1], index[3]) / pixels
				}
				for at := range indices([]int{shape[1], shape[2]}) {
					d := in[0].at(index[0], at[0], at[1], index[3]) - mean
					variance += d * d / pixels
				}
				v := (in[0].at(index...) - mean) / math.Sqrt(variance+float64(s.Epsilon))
				out[0].set(v*p.at(0, index[3])+p.at(1, index[3]), index...)
			}
		}}.run(t, g)
	}
}

// TestNormKeepsNaN spoils one channel of one item: that one alone is NaN.
func TestNormKeepsNaN(t *testing.T) {
	shape := []int{2, 3, 3, 20}
	x := newGenerator(41).floats(tensor.Shape(shape).Volume())
	x[7] = float32(math.NaN()) // item 0, channel 7
	op, err := bind((&InstanceNorm{Epsilon: 1e-5}), Tiers()[0], [][]int{shape}, []Param{PlainParam([]int{2, 20}, make([]float32, 40))})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(x))
	runOp(op, &Workspace{}, [][]float32{x}, [][]float32{got}, 1, 0, op.Tasks(1))
	for i, v := range got {
		if spoiled := i < 180 && i%20 == 7; tensor.IsNaN(v) != spoiled {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}

func TestLRN(t *testing.T) {
	g := newGenerator(42)
	for _, g.special = range []bool{false, true} {
		for i := range 400 {
			shape := g.shape(4, 4)
			shape[3] = g.between(1, 20)
			l := &LRN{Size: g.between(1, 7), Alpha: g.Float32(), Beta: 0.75, Bias: 1 + g.Float32()}
			if i >= 200 { // more terms than are added afresh
				shape[2], shape[3] = g.between(1, 2), g.between(30, 150)
				l.Size = g.between(30, 2*shape[3]+2)
			}
			if g.IntN(2) == 0 {
				l.Beta = g.Float32()
			}
			trial{spec: l, in: [][]int{shape}, ref: func(in, out []array) {
				for index := range out[0].indices() {
					sum := 0.0
					c := index[3]
					first := c - int(math.Floor(float64(l.Size-1)/2))
					last := c + int(math.Ceil(float64(l.Size-1)/2))
					for i := first; i <= last; i++ {
						if in[0].inside(index[0], index[1], index[2], i) {
							v := in[0].at(index[0], index[1], index[2], i)
							sum += v * v
						}
					}
					base := float64(l.Bias) + float64(l.Alpha)/float64(l.Size)*sum
					out[0].set(in[0].at(index...)/math.Pow(base, float64(l.Beta)), index...)
				}
			}}.run(t, g)
		}
	}
}

// lrnPixel runs an LRN on one pixel.
func lrnPixel(t *testing.T, l *LRN, x []float32) []float32 {
	t.Helper()
	op, err := bind(l, Tiers()[0], [][]int{{1, 1, 1, len(x)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(x))
	runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{x}, [][]float32{y}, 1, 0, op.Tasks(1))
	return y
}

// TestLRNOfManyChannels has windows whose terms, added afresh for each channel,
// would be ten thousand million.
func TestLRNOfManyChannels(t *testing.T) {
	const channels = 1 << 17
	x := newGenerator(43).floats(channels)
	until := make([]float64, channels+1) // sums of the squares before a channel
	for i, v := range x {
		until[i+1] = until[i] + float64(v)*float64(v)
	}
	for _, size := range []int{33, 1000, channels - 1, channels, channels + 1, 2 * channels, math.MaxInt32} {
		l := &LRN{Size: size, Alpha: 3, Beta: 0.75, Bias: 1}
		for c, got := range lrnPixel(t, l, x) {
			sum := until[min(c+size/2+1, channels)] - until[max(c-(size-1)/2, 0)]
			want := float32(float64(x[c]) / math.Pow(1+3/float64(size)*sum, 0.75))
			if !near(got, want, false) {
				t.Fatalf("size %d: channel %d is %v, want %v", size, c, got, want)
			}
		}
	}
}

// TestLRNKeepsSpecials spoils one channel: what does not see it has the bits
// that it has without.
func TestLRNKeepsSpecials(t *testing.T) {
	const channels = 500
	for _, size := range []int{5, 32, 33, 60, 499} {
		l := &LRN{Size: size, Alpha: 1, Beta: 0.75, Bias: 1}
		x := newGenerator(44).floats(channels)
		for i := range x {
			x[i] = 1 + x[i]*x[i] // no 0
		}
		sound := lrnPixel(t, l, x)
		for _, at := range []int{0, 16, 59, 60, 61, 250, 499} {
			for _, special := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
				spoiled := append([]float32{}, x...)
				spoiled[at] = special
				for c, got := range lrnPixel(t, l, spoiled) {
					want := sound[c]
					switch {
					case at < c-(size-1)/2 || at > c+size/2:
					case tensor.IsNaN(special) || c == at: // Inf/Inf
						want = float32(math.NaN())
					default:
						want = 0
					}
					if !near(got, want, true) {
						t.Fatalf("size %d, %v in channel %d: channel %d is %v, want %v", size, special, at, c, got, want)
					}
				}
			}
		}
	}
}
