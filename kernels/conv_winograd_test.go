package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/internal/guard"
	"github.com/infer-go/infer/tensor"
)

// winogradBound is the bound of the package's documentation, that of an element
// with K input channels and 2⁻²⁴·Σ over these of (max over the patch |x|)·(Σ|w|)
// for a unit: factor·(K+steps).
var winogradBound = map[Winograd]struct{ factor, steps float64 }{
	WinogradF2: {17, 16},
	WinogradF4: {900, 32},
}

// winogradError is what the error comes to on uniformly distributed numbers,
// with half as much to spare, in the same unit but with the map's largest |x|
// for all channels. The largest seen in thousands of convolutions are 1.9·2⁻²⁴
// and 29.5·2⁻²⁴.
var winogradError = map[Winograd]float64{WinogradF2: 3 * 0x1p-24, WinogradF4: 45 * 0x1p-24}

// TestWinogradBound derives the bound from the matrices. An output is a sum over
// all paths by which a weight and an element of the patch come to it: through
// G, Bᵀ, a product, the sum over channels, and Aᵀ. In absolute values the paths
// of a weight add up to no more than the amplification, times the largest
// element; and each rounds as many times as it has steps.
func TestWinogradBound(t *testing.T) {
	for w, c := range map[Winograd]struct{ amplification, roundings float64 }{
		// In each of two dimensions two steps by G, one by Bᵀ and two by Aᵀ, then
		// the bias and the residual.
		WinogradF2: {16, 2*(2+1+2) + 2},
		// Four by G, whose constants are rounded too, four by Bᵀ and Aᵀ: the
		// portable tier takes most, as it rounds products.
		WinogradF4: {88 * 88. / 9, 2*(4+4+4) + 2},
	} {
		alg := winograds[w]
		most := 0.0
		for _, row := range alg.at {
			for tap := range 3 {
				var unit [3]float32
				unit[tap] = 1
				var g [6]float32
				if w == WinogradF2 {
					g[0], g[1], g[2], g[3] = kernel2(unit[0], unit[1], unit[2])
				} else {
					g[0], g[1], g[2], g[3], g[4], g[5] = kernel4(unit[0], unit[1], unit[2])
				}
				paths := 0.0
				for f, a := range row {
					for _, b := range alg.bt[f] {
						paths += math.Abs(float64(a) * float64(g[f]) * float64(b))
					}
				}
				most = max(most, paths)
			}
		}
		if math.Abs(most*most-c.amplification) > 1e-3 {
			t.Errorf("F(%d×%[1]d) amplifies by %v, not by %v", alg.m, most*most, c.amplification)
		}
		for _, channels := range []float64{1, mostChannels} {
			n := channels + c.roundings
			bound := winogradBound[w]
			if exact, limit := c.amplification*n/(1-n*0x1p-24), bound.factor*(channels+bound.steps); exact > limit {
				t.Errorf("F(%d×%[1]d), %v channels: the bound is %v, but it should be %v", alg.m, channels, limit, exact)
			}
		}
	}
}

// patches are those of a convolution's maps, as far as they have been looked
// at.
type patches struct {
	*Conv
	shape   []int
	weights [][]float64 // [cin][channel]: Σ|w| over the kernel
	total   []float64   // [channel]: of all
	known   map[patchPlace]*patchBound
}

type patchPlace struct {
	x    *float32 // the map
	tile [2]int
}

// A patchBound is what bounds the errors of a tile.
type patchBound struct {
	*patches
	largest []float64 // |x| of each channel
	extreme bool
}

func newPatches(c *Conv, shape []int, weights []float32) *patches {
	p := &patches{Conv: c, shape: shape, total: make([]float64, c.Channels), known: map[patchPlace]*patchBound{}}
	if c.Winograd == NoWinograd {
		return p
	}
	cin := shape[3]
	p.weights = make([][]float64, cin)
	for i := range p.weights {
		p.weights[i] = make([]float64, c.Channels)
	}
	for i, w := range weights {
		k, ch := i/c.Channels, i%c.Channels
		p.weights[k%cin][ch] += math.Abs(float64(w))
		p.total[ch] += math.Abs(float64(w))
	}
	return p
}

// of is the patch from which pixel (oy, ox) of the convolution, before it is
// pooled, is computed.
func (p *patches) of(x []float32, oy, ox int) *patchBound {
	alg := winograds[p.Winograd]
	height, width, cin := p.shape[1], p.shape[2], p.shape[3]
	place := patchPlace{&x[0], [2]int{oy / alg.m, ox / alg.m}}
	b := p.known[place]
	if b != nil {
		return b
	}
	b = &patchBound{patches: p, largest: make([]float64, cin)}
	top, left := place.tile[0]*alg.m-p.Pad[0], place.tile[1]*alg.m-p.Pad[1]
	for y := max(top, 0); y < min(top+alg.t(), height); y++ {
		for x0 := max(left, 0); x0 < min(left+alg.t(), width); x0++ {
			for c, v := range x[(y*width+x0)*cin:][:cin] {
				b.largest[c] = max(b.largest[c], math.Abs(float64(v)))
				b.extreme = b.extreme || !(b.largest[c] <= 1<<16)
			}
		}
	}
	p.known[place] = b
	return b
}

// bound sets the bound of a sum of channel ch, to which bias and residual add a
// magnitude of added: without an extreme in the patch that of the algorithm,
// else that of a direct computation, which it has.
func (b *patchBound) bound(s *sum, ch int, added float64) {
	if b.extreme {
		return
	}
	s.size = 0
	var largest, inputs float64
	for c, x := range b.largest {
		s.size += x * b.weights[c][ch]
		inputs += x
		largest = max(largest, x)
	}
	k := winogradBound[b.Winograd]
	s.within(k.factor * (float64(len(b.largest)) + k.steps) * 0x1p-24)
	if largest <= 1 {
		s.bound = min(s.bound, winogradError[b.Winograd]*b.total[ch])
	}
	s.bound += 3*0x1p-24*added + 0x1p-132*inputs + float64(len(b.largest))*0x1p-141
}

func TestConvWinograd(t *testing.T) {
	eachLayerTest(t, 42, func(t *layerTest) {
		for range trials(150) {
			c := &Conv{Window: window3x3, Groups: 1, Channels: t.between(1, 40), Act: t.act(), Pool: t.IntN(3) == 0}
			c.Winograd = WinogradF2 + Winograd(t.IntN(2))
			size := [2]int{t.between(1, 14), t.between(1, 14)}
			for i := range c.Pad {
				c.Pad[i] = t.IntN(4)
			}
			for i := range size {
				size[i] = max(size[i], 3-c.Pad[i]-c.Pad[i+2])
			}
			if c.Pool {
				c.poolable(&size)
			}
			l := t.newConv(c, []int{t.maps(), size[0], size[1], t.between(1, 40)}, FormPanels, t.elem(), !c.Pool && t.IntN(2) == 0)
			t.check(l, t.between(1, 3), t.someValues(microSpecials...))
		}
		// So many channels that the transform of one tile is two calls.
		c := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 8, Winograd: WinogradF4}
		t.check(t.newConv(c, []int{1, 4, 4, 3400}, FormPanels, tensor.F32, false), 1, t.uniform)
	})
}

// winogradExtremes are extremes, the largest numbers that are none, and small
// ones.
var winogradExtremes = []float32{
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.MaxFloat32, -3e38, 1e30, -1e10, 1e6, math.Nextafter32(1<<16, 1<<17), -math.Nextafter32(1<<16, 1<<17),
	1 << 16, -1 << 16, 1e4, -1e3,
	1e-10, -1e-30, 0x1p-126, -1e-39, math.SmallestNonzeroFloat32, 0,
}

// TestWinogradExtremes looks at 10,000 tiles of convolutions in which there are
// extremes: NaN and infinities are where a direct convolution has them, and all
// others are within their bounds.
func TestWinogradExtremes(t *testing.T) {
	eachLayerTest(t, 46, func(t *layerTest) {
		for tiles := 0; tiles < trials(10_000); {
			c := &Conv{Window: window3x3, Groups: 1, Channels: t.between(1, 20), Act: t.act(), Pool: t.IntN(3) == 0}
			c.Winograd = WinogradF2 + Winograd(t.IntN(2))
			size := [2]int{t.between(3, 24), t.between(3, 24)}
			for i := range c.Pad {
				c.Pad[i] = t.IntN(2)
			}
			if c.Pool {
				c.poolable(&size)
			}
			l := t.newConv(c, []int{t.maps(), size[0], size[1], t.between(1, 20)}, FormPanels, t.elem(), !c.Pool && t.IntN(2) == 0)
			const items = 2
			t.check(l, items, t.extremes(1<<t.between(2, 12)))
			m := winograds[c.Winograd].m
			tiles += items * l.in[0][0] * ceilDiv(size[0], m) * ceilDiv(size[1], m)
		}
	})
}

// TestExtremesStayInTheirTiles puts one extreme anywhere. Tiles without it in
// their patch keep their bits, and so do elements whose window does not hold it
// in tiles that had another one before.
func TestExtremesStayInTheirTiles(t *testing.T) {
	eachLayerTest(t, 49, func(t *layerTest) {
		for range trials(200) {
			c := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 20, Winograd: WinogradF2 + Winograd(t.IntN(2))}
			height, width, cin := t.between(3, 20), t.between(3, 20), t.between(1, 20)
			l := t.newConv(c, []int{1, height, width, cin}, FormPanels, t.elem(), false)
			x := t.uniform(height * width * cin)
			b := t.bind(l, guard.End)
			before := t.all(b, [][]float32{x}, 1)
			at := func() [2]int { return [2]int{t.IntN(height), t.IntN(width)} }
			put := func(p [2]int) { x[(p[0]*width+p[1])*cin+t.IntN(cin)] = winogradExtremes[t.IntN(10)] }
			first := at()
			put(first)
			one := t.all(b, [][]float32{x}, 1)
			second := at()
			put(second)
			two := t.all(b, [][]float32{x}, 1)
			m := winograds[c.Winograd].m
			inPatch := func(p, out [2]int) bool {
				return p[0]+1 >= out[0]/m*m && p[0]+1 < out[0]/m*m+m+2 && p[1]+1 >= out[1]/m*m && p[1]+1 < out[1]/m*m+m+2
			}
			for i := range one {
				out := [2]int{i / c.Channels / width, i / c.Channels % width}
				if !inPatch(first, out) && math.Float32bits(before[i]) != math.Float32bits(one[i]) {
					t.Fatalf("%v: an extreme at %v changes %v", l, first, out)
				}
				reached := max(out[0]-second[0], second[0]-out[0], out[1]-second[1], second[1]-out[1]) <= 1
				if (inPatch(first, out) && !reached || !inPatch(second, out)) && math.Float32bits(one[i]) != math.Float32bits(two[i]) {
					t.Fatalf("%v: after one at %v, an extreme at %v changes %v", l, first, second, out)
				}
			}
			t.bound.Release()
		}
	})
}

// extremes are uniform but for one in every so many, on average.
func (g generator) extremes(every int) func(n int) []float32 {
	return func(n int) []float32 {
		x := g.uniform(n)
		for i := range x {
			if g.IntN(every) == 0 {
				x[i] = winogradExtremes[g.IntN(len(winogradExtremes))]
			}
		}
		return x
	}
}

// TestWinogradOfExtremesAlone has an extreme in every tile, and with panels of
// either element allocates no more than without.
func TestWinogradOfExtremesAlone(t *testing.T) {
	eachLayerTest(t, 47, func(t *layerTest) {
		for _, e := range []tensor.Elem{tensor.F32, tensor.F16} {
			c := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 20, Winograd: WinogradF4}
			l := t.newConv(c, []int{1, 9, 11, 18}, FormPanels, e, false)
			x := t.uniform(9 * 11 * 18)
			for i := 0; i < len(x); i += 18 {
				x[i] = 1e5
			}
			t.check(l, 1, func(int) []float32 { return x })
			if raced {
				continue
			}
			b := t.bind(l, guard.End)
			in, out := allBytes([][]float32{x}), allBytes([][]float32{make([]float32, b.volume)})
			if allocs := testing.AllocsPerRun(1, func() { b.op.Run(b.w, in, out, 1, 0, b.op.Tasks(1)) }); allocs != 0 {
				t.Errorf("%v: %v allocations", l, allocs)
			}
			t.bound.Release()
		}
	})
}

// TestWinogradOfLargeWeights has weights so large that the transforms of
// smaller elements would overflow: they are for a direct convolution.
func TestWinogradOfLargeWeights(t *testing.T) {
	eachLayerTest(t, 48, func(t *layerTest) {
		for _, c := range []struct {
			weight   float32
			winograd bool
		}{{largestWeight, true}, {-math.Nextafter32(largestWeight, math.MaxFloat32), false}, {0x1p120, false}} {
			spec := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 17, Winograd: WinogradF4}
			l := t.newConv(spec, []int{1, 8, 8, 16}, FormPanels, tensor.F32, false)
			weights, bias := t.weightsOf(tensor.F32, 1, l.k, spec.Channels)
			weights[t.IntN(len(weights))] = c.weight
			l.params[0] = panelsOf(tensor.F32, 1, l.k, spec.Channels, weights, bias)
			l.reference = func(item [][]float32) func(int) sum { return refConv(spec, l.in[0], l.k, weights, bias, item) }
			op, err := bind(spec, t.Tier, l.in, l.params)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := op.(*winogradConv); ok != c.winograd {
				t.Errorf("weight %v: %T", c.weight, op)
			}
			t.check(l, 1, func(n int) []float32 {
				x := t.uniform(n)
				for i := range x {
					x[i] = float32(math.Copysign(largestElement, float64(x[i])))
				}
				return x
			})
		}
	})
}

// TestWinogradError measures the error relative to Σ|aᵢ·bᵢ| of the element's
// own window, the measure of direct convolution's bound, on normally
// distributed numbers. The largest of 1024 elements is, in the worst of 60
// convolutions and in units of 2⁻²⁴:
//
//	channels         32    128    512
//	F(2×2, 3×3)     1.6    1.7    1.5
//	F(4×4, 3×3)      38     28     31
func TestWinogradError(t *testing.T) {
	limits := map[Winograd]float64{WinogradF2: 4, WinogradF4: 64}
	eachLayerTest(t, 44, func(t *layerTest) {
		for _, algorithm := range []Winograd{WinogradF2, WinogradF4} {
			for _, channels := range []int{32, 128, 512} {
				if brief() && channels > 32 {
					continue
				}
				c := &Conv{Window: square(3, 1, 0), Groups: 1, Channels: 16, Winograd: algorithm}
				l := t.newConv(c, []int{1, 10, 10, channels}, FormPanels, tensor.F32, false)
				panel, x := l.params[0].Floats(), make([]float32, 100*channels)
				for _, values := range [][]float32{panel, x} {
					for i := range values {
						values[i] = float32(t.NormFloat64())
					}
				}
				direct := *c
				direct.Winograd = NoWinograd
				want := refConv(&direct, l.in[0], 9*channels, panel[NR:], panel[:NR], [][]float32{x})
				worst := 0.0
				for i, v := range t.all(t.bind(l, guard.End), [][]float32{x}, 1) {
					s := want(i)
					worst = max(worst, math.Abs(float64(v)-s.value)/s.size*0x1p24)
				}
				t.Logf("F(%d×%[1]d), %d channels: %.1f", 2*algorithm, channels, worst)
				if !(worst <= limits[algorithm]) {
					t.Errorf("%v: the error is %.1f·2⁻²⁴ of the sum of absolute values", l, worst)
				}
				t.bound.Release()
			}
		}
	})
}
