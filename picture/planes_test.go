package picture

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/infer-go/infer/kernels"
)

// Chroma is interpolated between the middles of the squares that its samples stand
// for, in parts of pictures as well, and repeated beyond the outermost.
func TestInterpolatedChroma(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422} {
		for _, size := range []image.Point{{1, 1}, {2, 2}, {3, 5}, {40, 21}, {67, 34}} {
			all := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
			for _, plane := range [][]byte{all.Y, all.Cb, all.Cr} {
				for i := range plane {
					plane[i] = byte(rng.Uint32())
				}
			}
			for _, part := range []image.Rectangle{all.Rect, image.Rect(4, 2, 31, 19), image.Rect(2, 1, 9, 4)} {
				m := all.SubImage(part).(*image.YCbCr)
				w, h := m.Rect.Dx(), m.Rect.Dy()
				for _, from := range []int{0, 2, 6} {
					if from >= w {
						continue
					}
					var r planeReader
					if got := r.open(m, kernels.Tiers()[0].Rows(), from, w, true); got != from || !r.between {
						t.Fatalf("%v from %d begins at %d", ratio, from, got)
					}
					for y := range h {
						n := (w - from + 1) / 2
						got := r.interpolate(1, m, m.Cr, n, y)
						for x := from; x < w; x++ {
							want := triangle(m, x, y)
							if d := math.Abs(float64(got[x-from]) - want); d > 0.51 {
								t.Fatalf("%v, %v of %v: %d, %d is %d, not %v", ratio, part, size, x, y, got[x-from], want)
							}
						}
					}
				}
			}
		}
	}
}

// triangle is the red chroma of a pixel, from the distances between it and samples.
func triangle(m *image.YCbCr, x, y int) float64 {
	b := m.Rect
	sum, weights := 0.0, 0.0
	at := func(v, lo, hi, step int) (pairs [3][2]float64) {
		for i := range 3 {
			c := v/step + i - 1
			middle := (float64(c) + 0.5) * float64(step)
			weight := max(0, 1-math.Abs(float64(v)+0.5-middle)/float64(step))
			pairs[i] = [2]float64{float64(min(max(c, lo/step), (hi-1)/step)), weight}
		}
		return pairs
	}
	down := 1
	if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		down = 2
	}
	for _, v := range at(b.Min.Y+y, b.Min.Y, b.Max.Y, down) {
		for _, u := range at(b.Min.X+x, b.Min.X, b.Max.X, 2) {
			w := u[1] * v[1]
			sum += w * float64(m.Cr[m.COffset(int(u[0])*2, int(v[0])*down)])
			weights += w
		}
	}
	return sum / weights
}
