package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/image/draw"
)

// MNIST's test pictures as a person would have them: the net must read each
// kind nearly as well as the originals.
func TestPicturesOfTheWorld(t *testing.T) {
	set := mnist(t)
	m := builtIn(t)
	n := 1000
	if testing.Short() {
		n = 100
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var wg sync.WaitGroup
			right, wrong := 0, ""
			cpus := runtime.GOMAXPROCS(0)
			for part := range cpus {
				wg.Go(func() {
					for i := part; i < n; i += cpus {
						digit := &image.Gray{Pix: set.images.Item(i), Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
						got := "nothing"
						top, err := m.Classify(kind.make(digit, rand.New(rand.NewPCG(uint64(i), 1))), 1)
						if err == nil {
							got = top[0].Label
						}
						mu.Lock()
						if want := fmt.Sprint(set.labels.Data[i]); got == want {
							right++
						} else {
							wrong += fmt.Sprintf(" %d:%s→%s", i, want, got)
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			t.Logf("%d of %d right; wrong:%s", right, n, wrong)
			if 100*right < 98*n {
				t.Errorf("%d of %d right, want at least 98 %%", right, n)
			}
		})
	}
}

// kinds are ways in which a digit, bright on black, comes as a picture.
var kinds = []struct {
	name string
	make func(digit *image.Gray, rng *rand.Rand) image.Image
}{
	{"as it is", func(digit *image.Gray, rng *rand.Rand) image.Image { return digit }},
	{"inverted", func(digit *image.Gray, rng *rand.Rand) image.Image {
		return written(sheet(28, 28, color.White), digit, image.Point{}, image.Black)
	}},
	{"ten times as large", func(digit *image.Gray, rng *rand.Rand) image.Image {
		return enlarged(digit, 280, []draw.Scaler{draw.NearestNeighbor, draw.BiLinear, draw.CatmullRom}[rng.IntN(3)])
	}},
	{"off-centre on a page", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, []int{28, 60, 120, 280}[rng.IntN(4)], draw.BiLinear)
		return written(sheet(600, 400, color.White), d, somewhere(600, 400, d, rng), image.Black)
	}},
	{"photographed", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, []int{40, 100, 200, 280}[rng.IntN(4)], draw.BiLinear)
		bright := 160 + 50*rng.Float64()
		sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
		paper, ink := image.NewRGBA(image.Rect(0, 0, 600, 400)), image.NewRGBA(image.Rect(0, 0, 600, 400))
		start := rng.IntN(len(noise))
		for y := range 400 {
			for x := range 600 {
				u, v := float64(x)/300-1, float64(y)/200-1
				light := bright + 40*(u*cos+v*sin) - 12*(u*u+v*v)
				n := noise[(start+y*600+x)%len(noise)]
				paper.SetRGBA(x, y, color.RGBA{level(light + n), level(light - 4 + n), level(light - 12 + n), 255})
				ink.SetRGBA(x, y, color.RGBA{level(0.35*light + n), level(0.35*light + n), level(0.35*light + 15 + n), 255})
			}
		}
		return asJPEG(written(paper, d, somewhere(600, 400, d, rng), ink), 70+rng.IntN(20))
	}},
	{"in coloured ink", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, 112, draw.BiLinear)
		ink := []color.RGBA{{200, 20, 30, 255}, {20, 60, 200, 255}, {0, 130, 60, 255}, {150, 0, 160, 255}, {230, 120, 0, 255}}[rng.IntN(5)]
		return written(sheet(160, 140, color.White), d, somewhere(160, 140, d, rng), image.NewUniform(ink))
	}},
	{"in colour on coloured paper", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, 112, draw.BiLinear)
		any := func() color.RGBA {
			return color.RGBA{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32()), 255}
		}
		apart := func(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
		a, b := any(), any()
		for apart(a.R, b.R)+apart(a.G, b.G)+apart(a.B, b.B) < 150 {
			a, b = any(), any()
		}
		return asJPEG(written(sheet(160, 140, a), d, somewhere(160, 140, d, rng), image.NewUniform(b)), 85)
	}},
	{"transparent", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, []int{28, 112}[rng.IntN(2)], draw.BiLinear)
		ink := []color.NRGBA{{}, {255, 255, 255, 0}, {200, 30, 30, 0}}[rng.IntN(3)]
		m := image.NewNRGBA(d.Rect)
		for i, v := range d.Pix {
			ink.A = v
			m.SetNRGBA(i%d.Stride, i/d.Stride, ink)
		}
		return m
	}},
	{"among specks", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, 140, draw.BiLinear)
		m := written(sheet(400, 300, color.RGBA{240, 238, 230, 255}), d, somewhere(400, 300, d, rng), image.NewUniform(color.RGBA{60, 60, 110, 255}))
		for range 30 {
			at := image.Pt(rng.IntN(400), rng.IntN(300))
			size := 1 + rng.IntN(3)
			draw.Draw(m, image.Rectangle{at, at.Add(image.Pt(size, size))}, image.Black, image.Point{}, draw.Src)
		}
		return m
	}},
}

// noise is a sensor's, of 255.
var noise = func() []float64 {
	x := make([]float64, 65521)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = 5 * rng.NormFloat64()
	}
	return x
}()

func enlarged(digit *image.Gray, side int, by draw.Scaler) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, side, side))
	by.Scale(m, m.Rect, digit, digit.Rect, draw.Src, nil)
	return m
}

// somewhere is a place on a w×h page where the digit lies wholly.
func somewhere(w, h int, digit *image.Gray, rng *rand.Rand) image.Point {
	return image.Pt(rng.IntN(w-digit.Rect.Dx()+1), rng.IntN(h-digit.Rect.Dy()+1))
}

// level is a brightness as a byte.
func level(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }

// sheet is paper of one colour.
func sheet(w, h int, c color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// written is paper with a digit on it: where that is bright there is ink.
func written(paper *image.RGBA, digit *image.Gray, at image.Point, ink image.Image) *image.RGBA {
	cover := &image.Alpha{Pix: digit.Pix, Stride: digit.Stride, Rect: digit.Rect}
	draw.DrawMask(paper, digit.Rect.Add(at), ink, at, cover, image.Point{}, draw.Over)
	return paper
}

func asJPEG(m image.Image, quality int) image.Image {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	m, err := jpeg.Decode(&b)
	if err != nil {
		panic(err)
	}
	return m
}

// The picture path must cost no accuracy: MNIST's own pictures are ready as
// they are, and what is not recognised as ready is not spoiled.
func TestPreparationKeepsAccuracy(t *testing.T) {
	set, m := mnist(t), builtIn(t)
	a := &app{}
	raw, err := a.eval(m, "", set, evalOptions{batch: 64, threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := a.eval(m, "", set, evalOptions{batch: 64, threads: 1, prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d right as they are, %d prepared, of %d", raw.Correct, prepared.Correct, raw.Images)
	if raw.Correct-prepared.Correct > raw.Images/1000 {
		t.Errorf("prepared %d right, as they are %d", prepared.Correct, raw.Correct)
	}
}
