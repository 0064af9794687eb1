package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/internal/guard"

	"github.com/infer-go/infer/tensor"
)

// newConv makes a layer of a convolution of an item's shape.
func (g generator) newConv(c *Conv, x []int, form Form, e tensor.Elem, residual bool) *layer {
	k, n := c.Kernel[0]*c.Kernel[1]*(x[3]/c.Groups), c.Channels/c.Groups
	weights, bias := g.weightsOf(e, c.Groups, k, n)
	p := panelsOf(e, c.Groups, k, n, weights, bias)
	if form == FormTaps {
		p = TapsParam(k, c.Channels, func(tap, ch int) float32 { return weights[ch*k+tap] }, func(ch int) float32 { return bias[ch] })
	}
	l := &layer{spec: c, in: [][]int{x}, params: []Param{p}, k: k}
	if residual {
		out, err := infer(c, l.in, l.params)
		if err != nil {
			panic(err)
		}
		l.in = append(l.in, out[0])
	}
	l.reference = func(item [][]float32) func(int) sum { return refConv(c, x, k, weights, bias, item) }
	return l
}

// refConv computes elements of a convolution of one item by the formula of its
// documentation; weights are [group][k][column].
func refConv(c *Conv, shape []int, k int, weights, bias []float32, item [][]float32) func(i int) sum {
	height, width, cin := shape[1], shape[2], shape[3]
	perGroup, channels := cin/c.Groups, c.Channels/c.Groups
	size := [2]int{}
	for i, n := range [2]int{height, width} {
		size[i] = (n+c.Pad[i]+c.Pad[i+2]-int(c.Extent(i)))/c.Stride[i] + 1
		if c.Pool {
			size[i] /= 2
		}
	}
	patches := newPatches(c, shape, weights)
	pixel := func(x []float32, oy, ox, ch, i int) (s sum) {
		group, finite := ch/channels, 0.0
		w := weights[group*k*channels+ch%channels:] // every so many channels, one of ch
		for tap := range c.Kernel[0] * c.Kernel[1] {
			y := oy*c.Stride[0] + tap/c.Kernel[1]*c.Dilation[0] - c.Pad[0]
			x0 := ox*c.Stride[1] + tap%c.Kernel[1]*c.Dilation[1] - c.Pad[1]
			if y < 0 || y >= height || x0 < 0 || x0 >= width {
				continue
			}
			for ci := range perGroup {
				a, b := x[(y*width+x0)*cin+group*perGroup+ci], w[(tap*perGroup+ci)*channels]
				s.add(a, b)
				if tensor.IsFinite(a) {
					finite += math.Abs(float64(a) * float64(b))
				}
			}
		}
		s.add(bias[ch], 1)
		added := math.Abs(float64(bias[ch]))
		if len(item) > 1 {
			s.add(item[1][i], 1)
			added += math.Abs(float64(item[1][i]))
		}
		if !math.IsInf(added, 0) {
			finite += added
		}
		s.loose = finite > math.MaxFloat32 // a sum of some of them may be infinite
		s.round(k)
		if c.Winograd != NoWinograd {
			patches.of(x, oy, ox).bound(&s, ch, added)
		}
		return s
	}
	return func(i int) sum {
		ch, ox, oy := i%c.Channels, i/c.Channels%size[1], i/c.Channels/size[1]%size[0]
		x := item[0][i/c.Channels/size[1]/size[0]*height*width*cin:]
		var s sum
		if c.Pool {
			for p := range 4 {
				one := pixel(x, 2*oy+p/2, 2*ox+p%2, ch, i)
				if p == 0 {
					s = one
				}
				s = s.larger(one)
			}
		} else {
			s = pixel(x, oy, ox, ch, i)
		}
		s.act(c.Act)
		return s
	}
}

// poolable makes a map large enough for a convolution to be pooled.
func (c *Conv) poolable(size *[2]int) {
	for i := range size {
		size[i] = max(size[i], int(c.Extent(i))+c.Stride[i]-c.Pad[i]-c.Pad[i+2], 1)
	}
}

func TestConvDirect(t *testing.T) {
	eachLayerTest(t, 40, func(t *layerTest) {
		for range trials(300) {
			w, size := t.window(t.IntN(3) > 0)
			if t.IntN(4) == 0 {
				w.Kernel = [2]int{1, 1} // whose rows may be one matrix
				w.Stride[1] = w.Stride[0]
				w.Pad = [4]int{}
			}
			if t.IntN(4) == 0 {
				size[1] += t.IntN(40)
			}
			groups := max(1, t.between(-2, 3))
			cin := groups * t.between(1, 20)
			if t.IntN(8) == 0 {
				cin = groups * 256 // pixels that stand so evict one another
			}
			c := &Conv{Window: w, Groups: groups, Channels: groups * t.between(1, 40), Act: t.act(), Pool: t.IntN(3) == 0}
			if c.Pool {
				c.poolable(&size)
			}
			l := t.newConv(c, []int{t.maps(), size[0], size[1], cin}, FormPanels, t.elem(), !c.Pool && t.IntN(2) == 0)
			t.check(l, t.between(1, 3), t.someValues(microSpecials...))
		}
	})
}

// maps is the number of maps in an operand: more than one in nets that are
// not batched.
func (g generator) maps() int { return max(1, g.between(-4, 3)) }

// someValues are uniform, and now and then sprinkled.
func (g generator) someValues(values ...float32) func(n int) []float32 {
	if g.IntN(4) == 0 {
		return g.sprinkled(values...)
	}
	return g.uniform
}

func TestConvDepthwise(t *testing.T) {
	eachLayerTest(t, 41, func(t *layerTest) {
		for range trials(300) {
			w, size := t.window(t.IntN(3) > 0)
			cin := t.between(1, 70)
			c := &Conv{Window: w, Groups: cin, Channels: cin, Act: t.act(), Pool: t.IntN(3) == 0}
			if c.Pool {
				c.poolable(&size)
			}
			l := t.newConv(c, []int{t.maps(), size[0], size[1], cin}, FormTaps, tensor.F32, !c.Pool && t.IntN(2) == 0)
			t.check(l, t.between(1, 3), t.someValues(microSpecials...))
		}
	})
}

// TestConvGrouped has groups of so few channels that there are kernels for them.
func TestConvGrouped(t *testing.T) {
	eachLayerTest(t, 49, func(t *layerTest) {
		for range trials(200) {
			w, size := t.window(t.IntN(3) > 0)
			groups, depth := t.between(1, 40), groupedDepths[t.IntN(len(groupedDepths))]
			c := &Conv{Window: w, Groups: groups, Channels: depth * groups, Act: t.act(), Pool: t.IntN(3) == 0}
			if c.Pool {
				c.poolable(&size)
			}
			l := t.newConv(c, []int{t.maps(), size[0], size[1], depth * groups}, FormPanels, t.elem(), !c.Pool && t.IntN(2) == 0)
			t.check(l, t.between(1, 3), t.someValues(microSpecials...))
		}
		for i, w := range largeWindows {
			channels := 3 * groupedDepths[i%len(groupedDepths)]
			c := &Conv{Window: Window{Kernel: w.kernel, Stride: w.stride, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 0, 1}}, Groups: 3, Channels: channels, Act: t.act()}
			t.check(t.newConv(c, []int{1, w.size[0], w.size[1], channels}, FormPanels, tensor.F32, false), 1, t.uniform)
		}
	})
}

// TestConvDilated has windows most of whose taps lie outside the map.
func TestConvDilated(t *testing.T) {
	eachLayerTest(t, 50, func(t *layerTest) {
		left := 0 // layers that leave taps out
		for range trials(200) {
			w := Window{Stride: [2]int{1, 1}}
			size := [2]int{t.between(1, 15), t.between(1, 15)}
			for i := range 2 {
				w.Kernel[i], w.Dilation[i], w.Stride[i] = t.between(1, 4), t.between(4, 18), t.between(1, 2)
				extent := int(w.Extent(i))
				w.Pad[i], w.Pad[i+2] = t.IntN(extent+3), t.IntN(extent+3)
				w.Pad[i+2] = max(w.Pad[i+2], extent-size[i]-w.Pad[i])
			}
			groups := max(1, t.between(-3, 3))
			cin := groups * t.between(1, 40)
			if t.IntN(6) == 0 {
				cin = groups * 256 // pixels that stand so evict one another
			}
			c := &Conv{Window: w, Groups: groups, Channels: groups * t.between(1, 40), Act: t.act()}
			l := t.newConv(c, []int{t.maps(), size[0], size[1], cin}, FormPanels, t.elem(), t.IntN(2) == 0)
			if d, ok := t.bind(l, guard.End).op.(*direct); ok && d.runs[0] != nil {
				left++
			}
			t.check(l, t.between(1, 3), t.someValues(microSpecials...))
		}
		if left == 0 {
			t.Error("none left taps out")
		}
	})
}

func TestConvLargeDepthwise(t *testing.T) {
	eachLayerTest(t, 45, func(t *layerTest) {
		for _, w := range largeWindows {
			c := &Conv{Window: Window{Kernel: w.kernel, Stride: w.stride, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 0, 1}}, Groups: 3, Channels: 3, Act: t.act()}
			l := t.newConv(c, []int{1, w.size[0], w.size[1], 3}, FormTaps, tensor.F32, false)
			t.check(l, 1, t.uniform)
		}
	})
}

// TestConvOfHugeMaps has padding that no memory holds: it is refused, or the
// scratch is a number, and what is small runs.
func TestConvOfHugeMaps(t *testing.T) {
	const huge = math.MaxInt32
	window := func(kernel, dilation, high, wide int) Window {
		return Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{1, 1}, Dilation: [2]int{dilation, dilation}, Pad: [4]int{high, wide, high, wide}}
	}
	far := window(1, 1, 0, 0)
	far.Stride = [2]int{huge, huge}
	steps := window(2, 1, 1<<30, 1<<30)
	steps.Stride = [2]int{1 << 30, 1 << 30}
	for _, c := range []struct {
		spec    Conv
		cin     int
		refused bool // on every machine
	}{
		{Conv{Window: window(3, huge, huge, huge)}, 1, true},
		{Conv{Window: window(3, 1<<30, 1<<30, 1<<30)}, 1, true},
		{Conv{Window: window(3, 1<<30-1, 1<<30-1, 1<<30-1)}, 16, true},
		{Conv{Window: steps, Pool: true}, 1, true},
		{Conv{Window: window(3, 1, 0, 1<<30-2)}, 1, false},
		{Conv{Window: window(3, 1, 1, 1<<27)}, 1, false},
		{Conv{Window: window(3, 1, 1, 1<<27), Winograd: WinogradF2}, 1, false},
		{Conv{Window: window(3, 1, 1, 1<<27), Winograd: WinogradF4}, 40, false},
		{Conv{Window: window(3, 1, 1, 1<<26), Winograd: WinogradF4, Pool: true}, 8, false},
		{Conv{Window: far}, 1, false},
		{Conv{Window: window(3, 900, 900, 900)}, 1, false},
	} {
		spec, x := &c.spec, []int{1, 3, 3, c.cin}
		spec.Groups, spec.Channels = 1, 1
		params := []Param{sized(FormPanels, 1, spec.Kernel[0]*spec.Kernel[1]*c.cin, 1)}
		op, err := bind(spec, Tiers()[0], [][]int{x}, params)
		switch {
		case err != nil:
			if !c.refused && math.MaxInt > math.MaxInt32 {
				t.Errorf("%+v: %v", spec, err)
			}
		case c.refused:
			t.Errorf("%+v is accepted, with scratch %d", spec, op.Scratch())
		case op.Scratch() < 0 || op.Scratch() > math.MaxInt/4:
			t.Errorf("%+v: scratch %d", spec, op.Scratch())
		case op.Scratch() < 1<<24:
			out, err := infer(spec, [][]int{x}, params)
			if err != nil {
				t.Fatal(err)
			}
			if n := tensor.Shape(out[0]).Volume(); n < 1<<16 {
				runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{tensor.Aligned[float32](tensor.Shape(x).Volume())}, [][]float32{tensor.Aligned[float32](n)}, 1, 0, op.Tasks(1))
			}
		}
	}
}

// window3x3 is what Winograd's algorithm computes.
var window3x3 = Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}

// trials is how many random cases a test tries.
func trials(n int) int {
	if brief() {
		return n / 10
	}
	return n
}

// square is a window of one kernel and stride, with padding on all sides.
func square(kernel, stride, pad int) Window {
	return Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{pad, pad, pad, pad}}
}

// A netConv is a convolution that well-known nets have; some have fewer output
// channels here.
type netConv struct {
	name                      string
	height, width, cin        int
	window                    Window
	cout                      int
	pool, residual, depthwise bool
	algorithm                 Winograd
}

var netConvs = []netConv{
	{name: "digits 1", height: 28, width: 28, cin: 1, window: square(3, 1, 1), cout: 32, pool: true},
	{name: "digits 2", height: 14, width: 14, cin: 32, window: square(3, 1, 1), cout: 32, pool: true},
	{name: "digits 2", height: 14, width: 14, cin: 32, window: square(3, 1, 1), cout: 32, pool: true, algorithm: WinogradF2},
	{name: "digits 2", height: 14, width: 14, cin: 32, window: square(3, 1, 1), cout: 32, pool: true, algorithm: WinogradF4},
	{name: "digits without padding", height: 28, width: 28, cin: 1, window: square(3, 1, 0), cout: 32, pool: true},
	{name: "5×5 on one channel", height: 28, width: 28, cin: 1, window: square(5, 1, 2), cout: 8},
	{name: "5×5 on eight", height: 14, width: 14, cin: 8, window: square(5, 1, 2), cout: 16},
	{name: "ResNet's first", height: 61, width: 63, cin: 3, window: square(7, 2, 3), cout: 64},
	{name: "VGG's last", height: 7, width: 7, cin: 512, window: square(3, 1, 1), cout: 40},
	{name: "VGG's last", height: 7, width: 7, cin: 512, window: square(3, 1, 1), cout: 40, algorithm: WinogradF2},
	{name: "VGG's last", height: 7, width: 7, cin: 512, window: square(3, 1, 1), cout: 40, algorithm: WinogradF4},
	{name: "bottleneck", height: 14, width: 14, cin: 256, window: square(1, 1, 0), cout: 72, residual: true},
	{name: "bottleneck", height: 7, width: 7, cin: 512, window: square(1, 1, 0), cout: 100, residual: true},
	{name: "3×3 with stride 2", height: 14, width: 14, cin: 128, window: square(3, 2, 1), cout: 48},
	{name: "shortcut", height: 14, width: 14, cin: 256, window: square(1, 2, 0), cout: 48},
	{name: "MobileNet", height: 14, width: 14, cin: 512, window: square(3, 1, 1), cout: 512, depthwise: true},
	{name: "MobileNet with stride 2", height: 15, width: 15, cin: 144, window: square(3, 2, 1), cout: 144, depthwise: true},
}

func (g generator) netConv(c netConv, e tensor.Elem) *layer {
	spec := &Conv{Window: c.window, Groups: 1, Channels: c.cout, Pool: c.pool, Winograd: c.algorithm}
	spec.Act = Act{Kind: Clamp, Hi: float32(math.Inf(1))}
	form := FormPanels
	if c.depthwise {
		form, e, spec.Groups = FormTaps, tensor.F32, c.cin
	}
	return g.newConv(spec, []int{1, c.height, c.width, c.cin}, form, e, c.residual)
}

func TestConvOfNets(t *testing.T) {
	eachLayerTest(t, 43, func(t *layerTest) {
		for i, c := range netConvs {
			if brief() && c.cin >= 128 {
				continue
			}
			n := 2
			if c.cin == 1 && !brief() {
				n = []int{1, 9, 64}[i%3]
			}
			t.check(t.netConv(c, t.elem()), n, t.uniform)
		}
	})
}
