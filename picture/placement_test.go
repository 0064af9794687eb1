package picture

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/infer-go/infer/weights"
)

// coordinates is a picture whose red is its column, and whose green is its row.
func coordinates(r image.Rectangle) *image.NRGBA {
	m := image.NewNRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			m.SetNRGBA(r.Min.X+x, r.Min.Y+y, color.NRGBA{uint8(x), uint8(y), 0, 255})
		}
	}
	return m
}

// The colours that the scaler puts at a pixel of the input say where it took
// them from, and the Placement says the same.
func TestPlacementOfPhotos(t *testing.T) {
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, 200, 120), image.Rect(-7, 5, 113, 205), image.Rect(3, -4, 253, 27), image.Rect(0, 0, 30, 30),
	} {
		img := coordinates(r)
		for _, fit := range []weights.Fit{weights.Crop, weights.Stretch, weights.Pad} {
			for _, size := range []image.Point{{50, 50}, {64, 31}, {33, 90}, {224, 224}} {
				for _, resize := range []int{0, 77, 256} {
					p := photo(fit, weights.RGB, size.X, size.Y)
					p.Resize = resize
					p.Mean = [3]float32{-1000, -1000, 0} // nothing of the picture is 0, the padding is
					dst := make([]float32, 3*size.X*size.Y)
					placed, err := Prepare(dst, img, p, Interleaved)
					if err != nil {
						t.Fatal(err)
					}
					checkPlacement(t, placed, r, size)
					for y := range size.Y {
						for x := range size.X {
							pixel := dst[3*(y*size.X+x):]
							if in := image.Pt(x, y).In(placed.Input); !in && pixel[0] != 0 || in && pixel[0] == 0 {
								t.Fatalf("%v, fit %d into %v: the input is the picture at %v, but not at %d, %d", r, fit, size, placed.Input, x, y)
							} else if !in {
								continue
							}
							gotX, gotY := placed.ToPicture(float64(x)+0.5, float64(y)+0.5)
							compare := func(got, want float64, from, to int, step float64) {
								t.Helper()
								// At the edges the filter has samples on one side alone. Away
								// from them, samples of a line about its middle: a tenth of
								// a pixel of the picture, times the scale if it is reduced.
								step = max(step, 1)
								edge := math.Min(got-float64(from), float64(to)-got)
								if tolerance := 0.13 * step; edge > step && math.Abs(got-want) > tolerance {
									t.Fatalf("%v, fit %d, resize %d into %v: %d, %d is taken from %g, and placed at %g", r, fit, resize, size, x, y, want, got)
								}
							}
							compare(gotX, float64(pixel[0])-1000+0.5+float64(r.Min.X), r.Min.X, r.Max.X, (placed.X1-placed.X0)/float64(placed.Input.Dx()))
							compare(gotY, float64(pixel[1])-1000+0.5+float64(r.Min.Y), r.Min.Y, r.Max.Y, (placed.Y1-placed.Y0)/float64(placed.Input.Dy()))
						}
					}
				}
			}
		}
	}
}

// checkPlacement checks what holds of every Placement: a part of the picture,
// a rectangle of the input, and two ways that undo each other.
func checkPlacement(t *testing.T, p Placement, picture image.Rectangle, input image.Point) {
	t.Helper()
	const tiny = 1e-9
	if !p.Input.In(image.Rectangle{Max: input}) || p.Input.Empty() ||
		!(p.X0 >= float64(picture.Min.X)-tiny && p.X0 < p.X1 && p.X1 <= float64(picture.Max.X)+tiny) ||
		!(p.Y0 >= float64(picture.Min.Y)-tiny && p.Y0 < p.Y1 && p.Y1 <= float64(picture.Max.Y)+tiny) {
		t.Fatalf("%+v is no part of %v in an input of %v", p, picture, input)
	}
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-6 }
	for _, c := range [][4]float64{
		{p.X0, p.Y0, float64(p.Input.Min.X), float64(p.Input.Min.Y)},
		{p.X1, p.Y1, float64(p.Input.Max.X), float64(p.Input.Max.Y)},
	} {
		if x, y := p.ToPicture(c[2], c[3]); !near(x, c[0]) || !near(y, c[1]) {
			t.Fatalf("%+v leads from %g, %g in the input to %g, %g", p, c[2], c[3], x, y)
		}
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 10 {
		x, y := 300*rng.Float64()-100, 300*rng.Float64()-100
		if a, b := p.ToInput(p.ToPicture(x, y)); !near(a, x) || !near(b, y) {
			t.Fatalf("%+v leads from %g, %g to the picture and back to %g, %g", p, x, y, a, b)
		}
	}
}

// By hand: 400×200 cropped to its middle 200×200, stretched, and padded above
// and below.
func TestPlacement(t *testing.T) {
	img := image.NewGray(image.Rect(10, 20, 410, 220))
	for _, c := range []struct {
		fit                weights.Fit
		x, y, wantX, wantY float64
	}{
		{weights.Crop, 0, 0, 110, 20},
		{weights.Crop, 100, 100, 310, 220},
		{weights.Crop, 25, 50, 160, 120},
		{weights.Stretch, 25, 50, 110, 120},
		{weights.Pad, 0, 25, 10, 20},
		{weights.Pad, 100, 75, 410, 220},
		{weights.Pad, 50, 0, 210, -80}, // above the picture
	} {
		placed, err := Prepare(make([]float32, 100*100), img, photo(c.fit, weights.Gray, 100, 100), Planar)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := placed.ToPicture(c.x, c.y); x != c.wantX || y != c.wantY {
			t.Errorf("fit %d: %g, %g leads to %g, %g, want %g, %g", c.fit, c.x, c.y, x, y, c.wantX, c.wantY)
		}
		if x, y := placed.ToInput(c.wantX, c.wantY); x != c.x || y != c.y {
			t.Errorf("fit %d: %g, %g leads back to %g, %g, want %g, %g", c.fit, c.wantX, c.wantY, x, y, c.x, c.y)
		}
	}
}

// The box of a digit is where it was drawn, and where it lies in the input.
func TestPlacementOfDigits(t *testing.T) {
	for _, c := range []struct {
		w, h, digit int
		at          image.Point
		most        float64 // pixels, about as many as it is reduced by
	}{
		{300, 200, 120, image.Pt(80, 50), 1},
		{60, 50, 30, image.Pt(20, 10), 1},
		{2000, 900, 600, image.Pt(1200, 100), 11},
		{3000, 2000, 90, image.Pt(100, 1800), 4},
		{240, 320, 300, image.Pt(0, 20), 2}, // at an edge
	} {
		mask := five(c.digit)
		img := drawn(c.w, c.h, mask, c.at, color.White, color.Black)
		// The strokes of a 5 do not fill its mask to the left.
		want := image.Rect(0, 0, c.digit*70/100, c.digit).Add(c.at)
		for x := 0; mask.AlphaAt(x, c.digit-1).A == 0; x++ {
			want.Min.X++
		}
		img.Rect = img.Rect.Add(image.Pt(-9, 1000))
		want = want.Add(image.Pt(-9, 1000))

		dst := make([]float32, digitSide*digitSide)
		placed, err := Prepare(dst, img, digitPreparation, Planar)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []float64{placed.X0 - float64(want.Min.X), placed.Y0 - float64(want.Min.Y), placed.X1 - float64(want.Max.X), placed.Y1 - float64(want.Max.Y)} {
			if math.Abs(d) > c.most {
				t.Errorf("a digit of %d is found at %+v, want %v", c.digit, placed, want)
				break
			}
		}
		ink := image.Rectangle{}
		for i, v := range dst {
			if v > 0 {
				ink = ink.Union(image.Rect(i%digitSide, i/digitSide, i%digitSide+1, i/digitSide+1))
			}
		}
		if !ink.In(placed.Input) || placed.Input.Dx() > ink.Dx()+1 || placed.Input.Dy() > ink.Dy()+1 {
			t.Errorf("a digit of %d lies at %v in the input, want %v", c.digit, placed.Input, ink)
		}
	}
}

// A picture in MNIST's form is its own input.
func TestPlacementOfADigitThatIsReady(t *testing.T) {
	img := image.NewGray(image.Rect(100, 50, 128, 78))
	for y := 4; y < 24; y++ {
		for x := 12; x < 17; x++ {
			img.SetGray(100+x, 50+y, color.Gray{255})
		}
	}
	placed, err := Prepare(make([]float32, digitSide*digitSide), img, digitPreparation, Planar)
	if want := (Placement{112, 54, 117, 74, image.Rect(12, 4, 17, 24)}); err != nil || placed != want {
		t.Errorf("placed at %+v, error %v, want %+v", placed, err, want)
	}
}
