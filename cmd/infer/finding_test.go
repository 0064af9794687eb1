package main

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/draw"

	"github.com/infer-go/infer/picture"
)

// BenchmarkFinding measures how long it takes to find a digit: on photos of
// 640×480, and on noisy grey pages of 1000×800.
func BenchmarkFinding(b *testing.B) {
	set := mnist(b)
	m := builtIn(b)
	for _, kind := range []struct {
		name string
		make func(digit *image.Gray, rng *rand.Rand) image.Image
	}{
		{"photos", func(digit *image.Gray, rng *rand.Rand) image.Image {
			d := enlarged(digit, []int{60, 100, 200, 280}[rng.IntN(4)], draw.BiLinear)
			sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
			paper, ink := sheet(640, 480, color.White), sheet(640, 480, color.White)
			start := rng.IntN(len(noise))
			for y := range 480 {
				for x := range 640 {
					u, v := float64(x)/320-1, float64(y)/240-1
					light := 190 + 40*(u*cos+v*sin) - 12*(u*u+v*v)
					n := noise[(start+y*640+x)%len(noise)]
					paper.SetRGBA(x, y, color.RGBA{level(light + n), level(light - 4 + n), level(light - 12 + n), 255})
					ink.SetRGBA(x, y, color.RGBA{level(0.35*light + n), level(0.35*light + n), level(0.35*light + 15 + n), 255})
				}
			}
			return asJPEG(written(paper, d, somewhere(640, 480, d, rng), ink), 85)
		}},
		{"pages", func(digit *image.Gray, rng *rand.Rand) image.Image {
			d := enlarged(digit, []int{60, 120, 280, 500}[rng.IntN(4)], draw.BiLinear)
			page := written(sheet(1000, 800, color.White), d, somewhere(1000, 800, d, rng), image.Black)
			gray := image.NewGray(page.Rect)
			for i := range gray.Pix {
				gray.Pix[i] = level(0.8*float64(page.Pix[4*i]) + 25 + 3*noise[i%len(noise)])
			}
			return gray
		}},
	} {
		var pictures []image.Image
		for i := range 20 {
			digit := &image.Gray{Pix: set.images.Item(i), Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
			pictures = append(pictures, kind.make(digit, rand.New(rand.NewPCG(uint64(i), 2))))
		}
		b.Run(kind.name, func(b *testing.B) {
			dst := make([]float32, 28*28)
			right := 0
			for i, img := range pictures {
				if top, err := m.Classify(img, 1); err == nil && top[0].Label == fmt.Sprint(set.labels.Data[i]) {
					right++
				}
			}
			for i := 0; b.Loop(); i++ {
				if _, err := picture.Prepare(dst, pictures[i%len(pictures)], &m.Meta().Preparation, picture.Planar); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(right), "right")
		})
	}
}
