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
		return page(28, 28, digit, image.Point{}, flat(255, 255, 255), flat(0, 0, 0))
	}},
	{"ten times as large", func(digit *image.Gray, rng *rand.Rand) image.Image {
		return enlarged(digit, 280, []draw.Scaler{draw.NearestNeighbor, draw.BiLinear, draw.CatmullRom}[rng.IntN(3)])
	}},
	{"off-centre on a page", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, []int{28, 60, 120, 280}[rng.IntN(4)], draw.BiLinear)
		return page(600, 400, d, somewhere(600, 400, d, rng), flat(255, 255, 255), flat(0, 0, 0))
	}},
	{"photographed", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, []int{40, 100, 200, 280}[rng.IntN(4)], draw.BiLinear)
		bright, turn := 160+50*rng.Float64(), 2*math.Pi*rng.Float64()
		light := func(x, y int) float64 {
			u, v := float64(x)/300-1, float64(y)/200-1
			return bright + 40*(u*math.Cos(turn)+v*math.Sin(turn)) - 12*(u*u+v*v)
		}
		paper := func(x, y int) [3]float64 {
			l, n := light(x, y), 5*rng.NormFloat64()
			return [3]float64{l + n, l - 4 + n, l - 12 + n}
		}
		ink := func(x, y int) [3]float64 {
			l, n := 0.35*light(x, y), 5*rng.NormFloat64()
			return [3]float64{l + n, l + n, l + 15 + n}
		}
		return asJPEG(page(600, 400, d, somewhere(600, 400, d, rng), paper, ink), 70+rng.IntN(20))
	}},
	{"in coloured ink", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, 112, draw.BiLinear)
		ink := [][3]float64{{200, 20, 30}, {20, 60, 200}, {0, 130, 60}, {150, 0, 160}, {230, 120, 0}}[rng.IntN(5)]
		return page(160, 140, d, somewhere(160, 140, d, rng), flat(255, 255, 255), flat(ink[0], ink[1], ink[2]))
	}},
	{"in colour on coloured paper", func(digit *image.Gray, rng *rand.Rand) image.Image {
		d := enlarged(digit, 112, draw.BiLinear)
		var a, b [3]float64
		for math.Abs(a[0]-b[0])+math.Abs(a[1]-b[1])+math.Abs(a[2]-b[2]) < 150 {
			for k := range 3 {
				a[k], b[k] = 255*rng.Float64(), 255*rng.Float64()
			}
		}
		return asJPEG(page(160, 140, d, somewhere(160, 140, d, rng), flat(a[0], a[1], a[2]), flat(b[0], b[1], b[2])), 85)
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
		m := page(400, 300, d, somewhere(400, 300, d, rng), flat(240, 238, 230), flat(60, 60, 110))
		for range 30 {
			at := image.Pt(rng.IntN(400), rng.IntN(300))
			size := 1 + rng.IntN(3)
			draw.Draw(m, image.Rectangle{at, at.Add(image.Pt(size, size))}, image.Black, image.Point{}, draw.Src)
		}
		return m
	}},
}

func enlarged(digit *image.Gray, side int, by draw.Scaler) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, side, side))
	by.Scale(m, m.Rect, digit, digit.Rect, draw.Src, nil)
	return m
}

// somewhere is a place on a w×h page where the digit lies wholly.
func somewhere(w, h int, digit *image.Gray, rng *rand.Rand) image.Point {
	return image.Pt(rng.IntN(w-digit.Rect.Dx()+1), rng.IntN(h-digit.Rect.Dy()+1))
}

func flat(r, g, b float64) func(x, y int) [3]float64 {
	return func(int, int) [3]float64 { return [3]float64{r, g, b} }
}

// page lays a digit on paper: where it is bright there is ink.
func page(w, h int, digit *image.Gray, at image.Point, paper, ink func(x, y int) [3]float64) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := paper(x, y)
			if cover := float64(digit.GrayAt(x-at.X, y-at.Y).Y) / 255; cover > 0 {
				i := ink(x, y)
				for k := range c {
					c[k] += cover * (i[k] - c[k])
				}
			}
			p := m.Pix[m.PixOffset(x, y):][:4:4]
			for k, v := range c {
				p[k] = uint8(max(0, min(255, v+0.5)))
			}
			p[3] = 255
		}
	}
	return m
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
	raw, err := a.eval(m, set, evalOptions{batch: 64, threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := a.eval(m, set, evalOptions{batch: 64, threads: 1, prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d right as they are, %d prepared, of %d", raw.Correct, prepared.Correct, raw.Images)
	if raw.Correct-prepared.Correct > raw.Images/1000 {
		t.Errorf("prepared %d right, as they are %d", prepared.Correct, raw.Correct)
	}
}
