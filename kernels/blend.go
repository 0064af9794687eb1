package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// blendKernel makes pixels weighted sums of others.
var blendKernel = asm.Kernel{Op: "blend"}

// A blender makes pixels of channels that are weighted sums of other pixels.
type blender struct {
	kernel   func(*asm.BlendArgs)
	channels int
	pixel    int // elements from one pixel of the result to the next
}

func newBlender(t *Tier, channels int) blender {
	return blender{find[asm.BlendArgs](t, blendKernel), channels, channels}
}

// pixels sets those of dst to the weighted sums of pixels of x that samples say,
// some channels and some pixels in each call, so that each is short.
func (b *blender) pixels(w *Workspace, dst, x []float32, samples []asm.Sample) {
	a := &w.blend
	for c := 0; c < b.channels; c += taskSize {
		a.C, a.YStride = min(taskSize, b.channels-c), 4*b.pixel
		a.Pixels = max(1, taskSize/a.C)
		for o := 0; o < len(samples); o += a.Pixels {
			a.Pixels = min(a.Pixels, len(samples)-o)
			a.X, a.Y, a.Samples = &x[c], &dst[o*b.pixel+c], &samples[o]
			b.kernel(a)
		}
	}
}

// taps are elements in one direction, with weights other than 0.
type taps struct {
	at     []int32
	weight []float32
}

// newTaps makes room for most taps in a list of 2·most numbers.
func newTaps(list []float32, most int) taps {
	return taps{tensor.Slice[int32](tensor.Bytes(list[:most]))[:0], list[most:][:0:most]}
}

// add adds a tap. One that was among the last two only gets more weight.
func (t *taps) add(at int, weight float32) {
	if weight == 0 {
		return
	}
	for i := len(t.at) - 1; i >= max(len(t.at)-2, 0); i-- {
		if int(t.at[i]) == at {
			t.weight[i] += weight
			return
		}
	}
	t.at, t.weight = append(t.at, int32(at)), append(t.weight, weight)
}

// A sampler makes a pixel a weighted sum of any number of others.
type sampler struct {
	blender
	tier *Tier
}

func newSampler(t *Tier, channels int) sampler { return sampler{newBlender(t, channels), t} }

// parts is how many sums of four pixels are summed in one call.
const parts = 4

// scratch is what sum needs, in elements: that many sums, and the sum of them.
func (s *sampler) scratch() int { return (parts + 1) * s.channels }

// sum sets dst to scale times the sum over all rows and columns of the pixel where
// they meet in x, which is width pixels wide, times both weights. It is 0 if there
// are none.
func (s *sampler) sum(w *Workspace, dst, x, scratch []float32, rows, columns *taps, width int, scale float32) {
	first := true
	part := 0
	p := &w.samples[0]
	p.Taps = 0
	for i, r := range rows.at {
		for j, c := range columns.at {
			weight := rows.weight[i] * columns.weight[j]
			if weight == 0 {
				continue
			}
			if p.Taps == len(p.At) {
				if part++; part == parts {
					s.join(w, dst, x, scratch, part, scale, first)
					first, part = false, 0
				}
				p = &w.samples[part]
				p.Taps = 0
			}
			p.At[p.Taps], p.Weight[p.Taps] = 4*(int(r)*width+int(c))*s.channels, weight
			p.Taps++
		}
	}
	switch {
	case p.Taps > 0:
		s.join(w, dst, x, scratch, part+1, scale, first)
	case first:
		clear(dst)
	}
}

// join adds to dst the sum of the first samples, times scale; the first time it
// is set to that.
func (s *sampler) join(w *Workspace, dst, x, scratch []float32, samples int, scale float32, first bool) {
	s.pixels(w, scratch, x, w.samples[:samples])
	all := &w.samples[parts]
	all.Taps = samples
	for i := range samples {
		all.At[i], all.Weight[i] = 4*i*s.channels, scale
	}
	if first {
		s.pixels(w, dst, scratch, w.samples[parts:])
		return
	}
	more := scratch[parts*s.channels:][:s.channels]
	s.pixels(w, more, scratch, w.samples[parts:])
	s.tier.add(w, dst, more)
}
