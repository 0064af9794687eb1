package picture

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/weights"
)

// Interleaved pixels are the planes, transposed, to the bit.
func TestLayouts(t *testing.T) {
	check := func(t *testing.T, img image.Image, p *weights.Preparation) {
		t.Helper()
		c := p.Order.Channels()
		n := p.Width * p.Height
		prepared := func(layout Layout) ([]float32, Placement) {
			t.Helper()
			dst := slices.Repeat([]float32{float32(math.NaN())}, c*n) // what is not written shows
			at, err := Prepare(dst, img, p, layout)
			if err != nil {
				t.Fatal(err)
			}
			return dst, at
		}
		planes, at := prepared(Planar)
		pixels, sameAt := prepared(Interleaved)
		if at != sameAt {
			t.Errorf("placed at %v in planes and at %v interleaved", at, sameAt)
		}
		for i, v := range pixels {
			if want := planes[i%c*n+i/c]; math.Float32bits(v) != math.Float32bits(want) || v != v {
				t.Fatalf("pixel %d, channel %d is %g interleaved and %g in planes", i/c, i%c, v, want)
			}
		}
	}
	for name, img := range pictures(60, 41) {
		for fit, fitName := range []string{"crop", "stretch", "pad"} {
			for order, orderName := range []string{"grey", "RGB", "BGR"} {
				t.Run(fmt.Sprint(name, " ", fitName, " ", orderName), func(t *testing.T) {
					for _, size := range []image.Point{{1, 1}, {1, 90}, {32, 24}, {25, 70}, {131, 60}} {
						p := photo(weights.Fit(fit), weights.Order(order), size.X, size.Y)
						p.Scale = 1.0 / 255
						p.Mean, p.Std = [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
						check(t, img, p)
					}
				})
			}
		}
	}
	t.Run("digit", func(t *testing.T) {
		img := drawn(300, 200, five(120), image.Pt(80, 50), color.White, color.Black)
		check(t, img, digitPreparation)
		normalised := *digitPreparation
		normalised.Mean[0], normalised.Std[0] = 0.1307, 0.3081
		check(t, img, &normalised)
	})
}

func BenchmarkPhoto(b *testing.B) {
	img := pictures(640, 480)["YCbCr420"]
	p := photo(weights.Crop, weights.RGB, 224, 224)
	p.Resize = 256
	dst := make([]float32, 3*224*224)
	for layout, name := range []string{"planar", "interleaved"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Prepare(dst, img, p, Layout(layout)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
