package kernels

import (
	"fmt"
	"math"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// winogradG is 24·G of F(4×4, 3×3).
var winogradG = [6][3]int64{{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 24}}

// refFrequencies are the rounded weights of an output channel by frequency and
// input channel, and the float32 by which sums of them are multiplied: by the
// definition. weight is that of a tap and an input channel.
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
			q[f][i] = int64(nearest(float64(float64(u) * scale)))
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

// TestMostPatch compares the bounds of transformed patches with the largest that
// some patch has, and both with what is promised of them.
func TestMostPatch(t *testing.T) {
	for zero := range int32(256) {
		for f := range frequencies {
			var ends [2]float64 // the least and the largest element wherever its weight is positive
			for _, a := range f4.bt[f/6] {
				for _, b := range f4.bt[f%6] {
					low, high := float64(-zero), float64(255-zero)
					if a*b < 0 {
						low, high = high, low
					}
					ends[0] += float64(a*b) * low
					ends[1] += float64(a*b) * high
				}
			}
			if want := max(-ends[0], ends[1]); float64(mostPatch(f, zero)) != want || want > 25500 {
				t.Errorf("frequency %d, zero point %d: %d, want %v", f, zero, mostPatch(f, zero), want)
			}
		}
	}
}

// TestQuantisedWinogradCannotOverflow has weights that are the same for all input
// channels, so that nothing cancels, and patches whose every element makes one
// frequency's magnitude as large as it can be.
func TestQuantisedWinogradCannotOverflow(t *testing.T) {
	g := newGenerator(14)
	for done := range 72 {
		if brief() && done%12 > 0 {
			continue
		}
		f := done % frequencies
		cin := []int{1, 2, 31, 300}[g.IntN(4)]
		zero := []int32{0, 128, 255, int32(g.IntN(256))}[g.IntN(4)]
		x := quantisedTensor{Elements{tensor.U8, 0.02, zero}.Of(1, 6, 6, cin), make([]int64, 36*cin)}
		sign := float32(2*g.IntN(2) - 1)
		for i := range x.q {
			if y, x0 := i/cin/6, i/cin%6; f4.bt[f/6][y]*f4.bt[f%6][x0]*sign > 0 {
				x.q[i] = 255
			} else {
				x.q[i] = 0
			}
			if zero != 0 && f4.bt[f/6][i/cin/6]*f4.bt[f%6][i/cin%6] == 0 {
				x.q[i] = int64(zero)
			}
		}
		const channels = 20
		q := g.quantisedWeights(9*cin, channels)
		most := int64(127) // of some channels, and −128 of others
		q.w = func(k, n int) int64 {
			w := winogradG[f/6][k/cin/3] * winogradG[f%6][k/cin%3]
			switch {
			case w == 0:
				return 0
			case (w > 0) == (n%2 == 0):
				return most
			}
			return -most - 1
		}
		c := &Conv{Window: square(3, 1, 0), Groups: 1, Channels: channels, Winograd: WinogradF4, Result: Elements{tensor.U8, 100, 128}}
		in := []quantisedTensor{x}
		testQuantised(t, fmt.Sprintf("frequency %d, %d channels, zero point %d", f, cin, zero), c, in,
			[]Param{q.panels(1, 9*cin, channels)}, refQuantisedWinograd(c, in, q, []int{1, 4, 4, channels}))
	}
}

// TestQuantisedWinogradBound sums the magnitudes of the rounded weights themselves,
// up to the most channels that there may be.
func TestQuantisedWinogradBound(t *testing.T) {
	g := newGenerator(15)
	x := Elements{tensor.U8, 0.02, 0}
	for _, cin := range []int{1, 7, 64, 1000, mostWordChannels} {
		if brief() && cin > 1000 {
			continue
		}
		for _, zero := range []int32{0, 100, 255} {
			x.Zero = zero
			q := g.quantisedWeights(9*cin, 3)
			random := q.w
			q.w = func(k, n int) int64 {
				switch n {
				case 0:
					return random(k, n)
				case 1:
					return 127
				}
				return -128
			}
			w, err := newWordParam(&Conv{}, x, Elements{}, q.panels(1, 9*cin, 3), cin)
			if err != nil {
				t.Fatal(err)
			}
			words := len(w.words) / frequencies
			for f := range frequencies {
				var sums [NR]int64
				for i, v := range w.words[f*words:][:words] {
					sums[i/2%NR] += max(int64(v), -int64(v))
				}
				for c, s := range sums {
					if s*int64(mostPatch(f, zero)) > math.MaxInt32 {
						t.Fatalf("%d channels, zero point %d: frequency %d of column %d: weights of %d", cin, zero, f, c, s)
					}
				}
			}
		}
	}
}

// TestQuantisedWinogradError measures the error of the algorithm against the sums
// of integers, and that of int8 weights, on half-normal elements and normal
// weights, each in units of the range of the result: the root of the mean square
// and the largest.
//
//	channels             64               128              256              512
//	zero point 0         5.5e-5, 4.9e-4   1.1e-4, 7.5e-4   2.2e-4, 1.4e-3   5.4e-4, 5.6e-3
//	int8 weights         1.2e-3, 5.0e-3   1.3e-3, 4.2e-3   1.0e-3, 3.5e-3   2.1e-3, 5.7e-3
//	zero point 128       8.5e-5, 7.7e-4   1.7e-4, 1.6e-3   3.3e-4, 2.7e-3   6.0e-4, 4.6e-3
//	int8 weights         1.1e-3, 3.7e-3   1.2e-3, 4.1e-3   1.3e-3, 5.4e-3   1.2e-3, 4.2e-3
func TestQuantisedWinogradError(t *testing.T) {
	g := newGenerator(16)
	for _, zero := range []int32{0, 128} {
		for _, cin := range []int{64, 128, 256, 512} {
			if brief() && cin > 64 {
				continue
			}
			const size, channels = 12, 16
			x := quantisedTensor{Elements{tensor.U8, 1, zero}.Of(1, size, size, cin), make([]int64, size*size*cin)}
			for i := range x.q {
				v := g.NormFloat64() * 60
				if zero == 0 {
					v = math.Abs(v)
				}
				x.q[i] = int64(min(max(math.Round(v)+float64(zero), 0), 255))
			}
			float := make([]float64, 9*cin*channels)
			var most [channels]float64
			for i := range float {
				float[i] = g.NormFloat64()
				most[i%channels] = max(most[i%channels], math.Abs(float[i]))
			}
			q := quantisedWeights{scale: make([]float32, channels), bias: make([]int64, channels)}
			q.w = func(k, n int) int64 { return int64(math.Round(float[k*channels+n] / most[n] * 127)) }
			for n := range q.scale {
				q.scale[n] = float32(most[n] / 127)
			}
			c := &Conv{Window: square(3, 1, 0), Groups: 1, Channels: channels, Winograd: WinogradF4}
			got := quantisedFloats(t, c, x, q.panels(1, 9*cin, channels))
			c.Winograd = NoWinograd
			direct := quantisedFloats(t, c, x, q.panels(1, 9*cin, channels))
			var errors, weights [2]float64 // mean square, largest
			least, largest := math.Inf(1), math.Inf(-1)
			for i, d := range direct {
				oy, ox, n := i/channels/(size-2), i/channels%(size-2), i%channels
				want := 0.0
				for k := range 9 * cin {
					want += float64(x.real(0, oy+k/cin/3, ox+k/cin%3, k%cin)) * float[k*channels+n]
				}
				least, largest = min(least, want), max(largest, want)
				for _, e := range []struct {
					to *[2]float64
					d  float64
				}{{&errors, float64(got[i]) - float64(d)}, {&weights, float64(d) - want}} {
					e.to[0] += e.d * e.d / float64(len(direct))
					e.to[1] = max(e.to[1], math.Abs(e.d))
				}
			}
			unit := largest - least
			rms, of := math.Sqrt(errors[0])/unit, math.Sqrt(weights[0])/unit
			p := q.panels(1, 9*cin, channels)
			estimate := math.Sqrt(roundingShare(p.Panels(), p.Data, cin, zero))
			t.Logf("%d channels, zero point %d: %.1e / %.1e, int8 weights %.1e / %.1e, estimate of %.2f of that", cin, zero, rms, errors[1]/unit, of, weights[1]/unit, estimate)
			if !(rms < of) {
				t.Errorf("%d channels, zero point %d: an error of %v, of weights %v", cin, zero, rms, of)
			}
			if rms > 1.5*estimate*of || rms < estimate*of/2 {
				t.Errorf("%d channels, zero point %d: an error of %v, where %v was estimated", cin, zero, rms, estimate*of)
			}
		}
	}
}

// quantisedFloats runs a convolution of a quantised map to float32.
func quantisedFloats(t *testing.T, c *Conv, x quantisedTensor, p Param) []float32 {
	t.Helper()
	tier, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.Bind(tier, []tensor.Type{x.Type}, []Param{p})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
	if err != nil {
		t.Fatal(err)
	}
	y := tensor.AlignedBytes(out[0].Bytes())
	w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	op.Run(w, [][]byte{x.bytes()}, [][]byte{y}, 1, 0, op.Tasks(1))
	return floats(y)
}

// TestQuantisedWinogradCalls looks at how much one call takes of long rows and of
// many channels.
func TestQuantisedWinogradCalls(t *testing.T) {
	g := newGenerator(19)
	for _, s := range []struct{ height, width, cin int }{{4, 1000, 16}, {8, 30, 64}, {4, 4, 5000}} {
		var blocks, products, tiles int // of the longest call
		frequencies := 1                // in it
		tier := wrapped(portable, func(k asm.Kernel, run any) any {
			switch run := run.(type) {
			case func(*asm.QuantisedPatchArgs):
				return func(a *asm.QuantisedPatchArgs) {
					blocks = max(blocks, a.Tiles*a.Blocks)
					run(a)
				}
			case func(*asm.QuantisedProductArgs):
				return func(a *asm.QuantisedProductArgs) {
					products, frequencies = max(products, a.Freqs*a.Pairs*k.Rows), max(frequencies, a.Freqs)
					run(a)
				}
			case func(*asm.QuantisedTileArgs):
				return func(a *asm.QuantisedTileArgs) {
					tiles = max(tiles, a.Tiles)
					run(a)
				}
			}
			return run
		})
		c := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: NR, Winograd: WinogradF4}
		in := Elements{tensor.U8, 0.1, 3}.Of(1, s.height, s.width, s.cin)
		p := g.quantisedWeights(9*s.cin, NR).panels(1, 9*s.cin, NR)
		op, err := c.Bind(tier, []tensor.Type{in}, []Param{p})
		if err != nil {
			t.Fatal(err)
		}
		w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
		op.Run(w, [][]byte{tensor.AlignedBytes(in.Bytes())}, [][]byte{tensor.AlignedBytes(4 * s.height * s.width * NR)}, 1, 0, op.Tasks(1))
		if blocks == 0 || blocks > wordBlocks || tiles == 0 || tiles > wordTiles || products == 0 || frequencies > 1 && products > wordProducts {
			t.Errorf("%+v: %d blocks, %d products of %d frequencies, %d tiles", s, blocks, products, frequencies, tiles)
		}
	}
}
