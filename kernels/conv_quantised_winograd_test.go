package kernels

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// winogradG is 24·G of F(4×4, 3×3).
var winogradG = [6][3]int64{{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 24}}

// refFrequencies are the rounded weights of an output channel by frequency and
// input channel, and the float32 by which sums of them are multiplied: by the
// definition, with exact numbers. weight is that of a tap and an input channel.
func refFrequencies(cin int, zero int64, weight func(tap, i int) int64) (q [36][]int64, unit [36]float32) {
	for f := range 36 {
		var u []int64
		var largest, total int64
		for i := range cin {
			var sum int64
			for tap := range 9 {
				sum += winogradG[f/6][tap/3] * winogradG[f%6][tap%3] * weight(tap, i)
			}
			u = append(u, sum)
			largest = max(largest, sum, -sum)
			total += max(sum, -sum)
		}
		q[f] = make([]int64, cin)
		if largest == 0 {
			continue
		}
		// The largest magnitude in the patches: every element is at the end that its
		// weight makes count most.
		var least, most int64
		for _, a := range f4.bt[f/6] {
			for _, b := range f4.bt[f%6] {
				w := int64(a * b)
				least += min(w*-zero, w*(255-zero))
				most += max(w*-zero, w*(255-zero))
			}
		}
		most = max(most, -least)
		limit := (1<<31-1)/most - int64(cin)/2 - 1
		scale := math.Min(32767/float64(largest), float64(limit)/float64(total))
		sum := int64(0)
		for i, u := range u {
			product := new(big.Float).SetPrec(200).Mul(exact(u), new(big.Float).SetFloat64(scale))
			f64, _ := product.Float64()
			q[f][i] = int64(nearest(f64))
			sum += max(q[f][i], -q[f][i])
		}
		if sum*most > math.MaxInt32 {
			panic("a sum can overflow")
		}
		unit[f] = float32(1 / (576 * scale))
	}
	return q, unit
}

// refQuantisedWinograd is a convolution by the definition of the algorithm, tile by
// tile.
func refQuantisedWinograd(c *Conv, in []quantisedTensor, w quantisedWeights, out tensor.Shape) (y []byte) {
	x := in[0]
	cin := x.Shape[3]
	type weights struct {
		q    [36][]int64
		unit [36]float32
	}
	all := make([]weights, c.Channels)
	for ch := range all {
		all[ch].q, all[ch].unit = refFrequencies(cin, int64(x.Zero), func(tap, i int) int64 { return w.w(tap*cin+i, ch) })
	}
	type place struct{ n, row, col int }
	patches := map[place][][36]int64{}
	patch := func(at place) [][36]int64 {
		if v, ok := patches[at]; ok {
			return v
		}
		v := make([][36]int64, cin)
		for i := range v {
			for f := range 36 {
				for k, a := range f4.bt[f/6] {
					for l, b := range f4.bt[f%6] {
						v[i][f] += int64(a*b) * x.real(at.n, 4*at.row+k-c.Pad[0], 4*at.col+l-c.Pad[1], i)
					}
				}
			}
		}
		patches[at] = v
		return v
	}
	tiles := map[[4]int][4][]float32{}
	sum := func(n, oy, ox, ch int) float32 {
		key := [4]int{n, oy / 4, ox / 4, ch}
		t, ok := tiles[key]
		if !ok {
			v := patch(place{n, oy / 4, ox / 4})
			t = referenceTile(func(f int) float32 {
				s := int64(0)
				for i, q := range all[ch].q[f] {
					s += v[i][f] * q
				}
				return times(s, scaled(all[ch].unit[f], ratio(x.Scale, w.scale[ch], c.Result)))
			})
			tiles[key] = t
		}
		return t[oy%4][ox%4]
	}
	for index := range indices(out) {
		n, oy, ox, ch := index[0], index[1], index[2], index[3]
		var v float32
		if c.Pool {
			v = max(sum(n, 2*oy, 2*ox, ch), sum(n, 2*oy, 2*ox+1, ch), sum(n, 2*oy+1, 2*ox, ch), sum(n, 2*oy+1, 2*ox+1, ch))
		} else {
			v = sum(n, oy, ox, ch)
		}
		v = plus(v, times(w.bias[ch], ratio(x.Scale, w.scale[ch], c.Result)))
		if len(in) > 1 {
			v = plus(v, times(in[1].real(index...), ratio(in[1].Scale, 1, c.Result)))
		}
		y = store(y, c.Result, c.Act, v)
	}
	return y
}

// TestQuantisedWinograd compares with the definition of the algorithm, on every
// tier.
func TestQuantisedWinograd(t *testing.T) {
	g := newGenerator(12)
	cases := 120
	if brief() {
		cases = 20
	}
	for done := 0; done < cases; {
		w, size := g.window(false)
		w.Kernel, w.Stride, w.Dilation = [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}
		c := &Conv{Window: w, Groups: 1, Channels: g.between(1, 40), Act: g.clamps(), Pool: g.IntN(3) == 0, Winograd: WinogradF4}
		cin := g.between(1, 70)
		x := g.quantised(g.between(1, 2), size[0], size[1], cin)
		q := g.quantisedWeights(9*cin, c.Channels)
		c.Result = g.result(math.Sqrt(float64(9*cin)) * 64 * float64(x.Scale) / 4)
		in, p := []quantisedTensor{x}, q.panels(1, 9*cin, c.Channels)
		out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
		if err != nil {
			continue
		}
		if !c.Pool && g.IntN(2) == 0 {
			in = append(in, g.quantised(out[0].Shape...))
		}
		testQuantised(t, fmt.Sprintf("case %d: %+v of %v", done, c, x.Type), c, in, []Param{p}, refQuantisedWinograd(c, in, q, out[0].Shape))
		done++
	}
}

// TestQuantisedWinogradLarge has maps of several tasks and calls.
func TestQuantisedWinogradLarge(t *testing.T) {
	g := newGenerator(13)
	for _, s := range []struct {
		height, width, cin, cout int
		pool                     bool
	}{
		{40, 23, 64, 20, false},
		{9, 30, 200, 33, true},
		{4, 4, 3400, 16, false},
		{3, 900, 16, 16, false},
	} {
		if brief() && s.cin*s.width*s.height > 60_000 {
			continue
		}
		c := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: s.cout, Act: g.clamps(), Pool: s.pool, Winograd: WinogradF4}
		x := g.quantised(1, s.height, s.width, s.cin)
		q := g.quantisedWeights(9*s.cin, s.cout)
		c.Result = Elements{tensor.U8, float32(math.Sqrt(float64(9*s.cin))) * x.Scale, 3}
		p := q.panels(1, 9*s.cin, s.cout)
		out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
		if err != nil {
			t.Fatal(err)
		}
		in := []quantisedTensor{x}
		testQuantised(t, fmt.Sprintf("%+v", s), c, in, []Param{p}, refQuantisedWinograd(c, in, q, out[0].Shape))
	}
}
