package kernels

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestPhases compares the phases of a transposed convolution with a walk through
// all taps of all results.
func TestPhases(t *testing.T) {
	g := newGenerator(23)
	for range 3000 {
		var w Window
		w.Kernel[0], w.Stride[0], w.Dilation[0], w.Pad[0] = g.between(1, 30), g.between(1, 12), g.between(1, 12), g.between(0, 20)
		size := g.between(1, 20)
		out := (size-1)*w.Stride[0] + int(w.Extent(0))
		got := make([][][2]int, out) // element and tap of each result
		order := (&ConvTranspose{Window: Window{Kernel: [2]int{w.Kernel[0], 1}, Stride: [2]int{w.Stride[0], 1}, Dilation: [2]int{w.Dilation[0], 1}}}).tapOrder()
		for _, p := range w.phases(0, out) {
			for j := range p.count {
				o := p.first + j*w.Stride[0]
				if got[o] != nil {
					t.Fatalf("%+v: two phases have result %d", w, o)
				}
				got[o] = [][2]int{}
				for i := range p.taps {
					if e := int(p.source) + j + i*p.apart; e >= 0 && e < size {
						got[o] = append(got[o], [2]int{e, order[p.before+i]})
					}
				}
			}
			for _, part := range [][2]int{{0, out}, {g.IntN(out), g.between(1, out)}} {
				lo, hi := p.rows(part[0], max(part[0], part[1]), w.Stride[0])
				for j := range p.count {
					o := p.first + j*w.Stride[0]
					if inside := o >= part[0] && o < part[1]; inside != (j >= lo && j < hi) {
						t.Fatalf("%+v: rows %d to %d of phase %+v are results %v", w, lo, hi, p, part)
					}
				}
			}
		}
		for o := range out {
			var want [][2]int
			for k := w.Kernel[0] - 1; k >= 0; k-- {
				if at := o + w.Pad[0] - k*w.Dilation[0]; at >= 0 && at%w.Stride[0] == 0 && at/w.Stride[0] < size {
					want = append(want, [2]int{at / w.Stride[0], k})
				}
			}
			if !slices.Equal(got[o], want) {
				t.Fatalf("%+v, %d elements: elements and taps %v reach result %d, want %v", w, size, got[o], o, want)
			}
		}
	}
}

// newConvTranspose makes a layer of a transposed convolution of an item's shape.
func (g generator) newConvTranspose(c *ConvTranspose, x []int, e tensor.Elem) *layer {
	taps, cin, n := c.Kernel[0]*c.Kernel[1], x[3]/c.Groups, c.Channels/c.Groups
	weights, bias := g.weightsOf(e, c.Groups, taps*cin, n)
	at := func(tap, ci, co int) float32 { return weights[((ci/cin*taps+tap)*cin+ci%cin)*n+co] }
	p := c.Param(e, x[3], at, func(co int) float32 { return bias[co] })
	l := &layer{spec: c, in: [][]int{x}, params: []Param{p}, k: taps * cin}
	if p.Elem != e {
		return g.newConvTranspose(c, x, p.Elem) // taps are never of half precision
	}
	shapes, err := infer(c, l.in, l.params)
	if err != nil {
		panic(err)
	}
	out := shapes[0]
	l.reference = func(item [][]float32) func(int) sum {
		return func(i int) (s sum) {
			index := [4]int{i / out[3] / out[2] / out[1], i / out[3] / out[2] % out[1], i / out[3] % out[2], i % out[3]}
			group := index[3] / n
			for tap := range taps {
				var from [2]int
				inside := true
				for d, k := range [2]int{tap / c.Kernel[1], tap % c.Kernel[1]} {
					at := index[1+d] + c.Pad[d] - k*c.Dilation[d]
					from[d] = at / c.Stride[d]
					inside = inside && at >= 0 && at%c.Stride[d] == 0 && from[d] < x[1+d]
				}
				if !inside {
					continue
				}
				for ci := group * cin; ci < (group+1)*cin; ci++ {
					s.add(item[0][((index[0]*x[1]+from[0])*x[2]+from[1])*x[3]+ci], at(tap, ci, index[3]%n))
				}
			}
			s.add(bias[index[3]], 1)
			s.round(l.k)
			s.act(c.Act)
			return s
		}
	}
	return l
}

func TestConvTranspose(t *testing.T) {
	eachLayerTest(t, 46, func(t *layerTest) {
		for range trials(300) {
			w, size := t.window(false)
			groups := max(1, t.between(-2, 3))
			c := &ConvTranspose{Window: w, Groups: groups, Channels: groups * t.between(1, 40), Act: t.act()}
			cin := groups * t.between(1, 20)
			switch t.IntN(8) {
			case 0:
				c.Groups = t.between(2, 70) // each channel by itself
				c.Channels, cin = c.Groups, c.Groups
			case 1:
				cin = groups * 256 // pixels that stand so evict one another
			}
			for i := range 2 {
				c.OutputPad[i] = t.between(0, 2)
				c.Pad[i], c.Pad[i+2] = t.IntN(int(w.Extent(i))), t.IntN(2)
				size[i] += 2 // enough to survive the padding
			}
			t.check(t.newConvTranspose(c, []int{t.maps(), size[0], size[1], cin}, t.elem()), t.between(1, 3), t.someValues(microSpecials...))
		}
	})
}

// TestConvTransposeGeometry has windows that random ones hardly meet: of nets,
// and of many phases, phases without taps or results, dilation that shares
// divisors with the stride, taps outside the map.
func TestConvTransposeGeometry(t *testing.T) {
	eachLayerTest(t, 47, func(t *layerTest) {
		for _, s := range []struct{ kernel, stride, dilation, pad, size, cin, cout, groups int }{
			{kernel: 2, stride: 2, dilation: 1, size: 9, cin: 16, cout: 17, groups: 1},
			{kernel: 4, stride: 2, dilation: 1, pad: 1, size: 8, cin: 20, cout: 35, groups: 1},
			{kernel: 9, stride: 3, dilation: 1, pad: 4, size: 7, cin: 5, cout: 1, groups: 1},
			{kernel: 5, stride: 4, dilation: 2, pad: 3, size: 5, cin: 8, cout: 8, groups: 1},
			{kernel: 3, stride: 6, dilation: 4, pad: 2, size: 5, cin: 8, cout: 16, groups: 2},
			{kernel: 3, stride: 6, dilation: 4, pad: 2, size: 5, cin: 6, cout: 4, groups: 2},
			{kernel: 3, stride: 6, dilation: 4, pad: 2, size: 5, cin: 6, cout: 6, groups: 6},
			{kernel: 2, stride: 5, dilation: 1, size: 3, cin: 8, cout: 8, groups: 1},
			{kernel: 17, stride: 17, dilation: 1, pad: 3, size: 3, cin: 4, cout: 9, groups: 1},
			{kernel: 20, stride: 1, dilation: 7, pad: 100, size: 70, cin: 2, cout: 300, groups: 1},
			{kernel: 9, stride: 2, dilation: 1, pad: 4, size: 300, cin: 3, cout: 5, groups: 1},
			{kernel: 4, stride: 1, dilation: 1, size: 1, cin: 30, cout: 40, groups: 1},
			{kernel: 4, stride: 2, dilation: 1, pad: 1, size: 11, cin: 19, cout: 19, groups: 19},
		} {
			if testing.Short() && s.size > 50 {
				continue // half of the time that all operations take
			}
			for _, act := range []Act{{}, {Kind: Clamp, Hi: 1}, {Kind: ActTanh}} {
				c := &ConvTranspose{Window: square(s.kernel, s.stride, s.pad), Groups: s.groups, Channels: s.cout, Act: act}
				c.Dilation = [2]int{s.dilation, s.dilation}
				t.check(t.newConvTranspose(c, []int{1, s.size, s.size + 1, s.cin}, t.elem()), 2, t.someValues(microSpecials...))
			}
		}
	})
}

// TestPlacedConvTranspose compares a result among the channels of others with
// the same alone.
func TestPlacedConvTranspose(t *testing.T) {
	eachLayerTest(t, 48, func(t *layerTest) {
		for _, act := range []Act{{}, {Kind: Clamp, Hi: 1}, {Kind: ActTanh}} {
			const first, channels = 5, 50
			c := &ConvTranspose{Window: square(3, 2, 1), Groups: 1, Channels: 20, Act: act}
			l := t.newConvTranspose(c, []int{1, 6, 7, 9}, tensor.F32)
			op, err := bind(c, t.Tier, l.in, l.params)
			if err != nil {
				t.Fatal(err)
			}
			x := t.uniform(2 * 6 * 7 * 9)
			alone, among := make([]float32, 2*11*13*20), make([]float32, 2*11*13*channels)
			w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
			runOp(op, w, [][]float32{x}, [][]float32{alone}, 2, 0, op.Tasks(2))
			placed := op.(Placer).Place(first, channels)
			runOp(placed, w, [][]float32{x}, [][]float32{among}, 2, 0, placed.Tasks(2))
			for i, v := range among {
				want := float32(0)
				if ch := i%channels - first; ch >= 0 && ch < 20 {
					want = alone[i/channels*20+ch]
				}
				if v != want {
					t.Fatalf("%v: element %d is %v, want %v", l, i, v, want)
				}
			}
		}
	})
}
