package picture

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/weights"
)

// other is a picture of a type that nobody knows.
type other struct{ image.Image }

// pictures are one picture in every type there is, with bounds not at 0, 0.
func pictures(w, h int) map[string]image.Image {
	r := image.Rect(-3, 7, w-3, h+7)
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func(dst draw.Image) image.Image {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				dst.Set(x, y, color.NRGBA{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32() | 0x40)})
			}
		}
		return dst
	}
	palette := color.Palette{}
	for range 200 {
		palette = append(palette, color.NRGBA{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32())})
	}
	chroma := func(ratio image.YCbCrSubsampleRatio) image.Image {
		m := image.NewYCbCr(r, ratio)
		for _, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				plane[i] = uint8(rng.Uint32())
			}
		}
		return m
	}
	big := image.NewNRGBA(r.Inset(-5))
	fill(big)
	return map[string]image.Image{
		"RGBA":       fill(image.NewRGBA(r)),
		"NRGBA":      fill(image.NewNRGBA(r)),
		"part":       big.SubImage(r),
		"RGBA64":     fill(image.NewRGBA64(r)),
		"NRGBA64":    fill(image.NewNRGBA64(r)),
		"Gray":       fill(image.NewGray(r)),
		"Gray16":     fill(image.NewGray16(r)),
		"Alpha":      fill(image.NewAlpha(r)),
		"CMYK":       fill(image.NewCMYK(r)),
		"Paletted":   fill(image.NewPaletted(r, palette)),
		"YCbCr444":   chroma(image.YCbCrSubsampleRatio444),
		"YCbCr420":   chroma(image.YCbCrSubsampleRatio420),
		"YCbCr410":   chroma(image.YCbCrSubsampleRatio410),
		"NYCbCrA":    image.NewNYCbCrA(r, image.YCbCrSubsampleRatio422),
		"of unknown": other{fill(image.NewNRGBA(r))},
	}
}

func TestRowsOfEveryType(t *testing.T) {
	for name, img := range pictures(13, 9) {
		t.Run(name, func(t *testing.T) {
			var r rowReader
			r.open(img)
			b := img.Bounds()
			for y := range b.Dy() {
				row := r.row(y)
				if len(row) != 4*b.Dx() {
					t.Fatalf("row of %d bytes for %d pixels", len(row), b.Dx())
				}
				for x := range b.Dx() {
					want := color.RGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.RGBA)
					got := color.RGBA{row[4*x], row[4*x+1], row[4*x+2], row[4*x+3]}
					for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B), int(got.A) - int(want.A)} {
						if d < -1 || d > 1 {
							t.Fatalf("pixel %d, %d is %v, want %v", x, y, got, want)
						}
					}
				}
			}
		})
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		name    string
		in      []float32
		lo, hi  float64
		support float64
		want    []float32
	}{
		{"same", []float32{1, 2, 3}, 0, 3, triangleSupport, []float32{1, 2, 3}},
		{"same, means", []float32{1, 2, 3}, 0, 3, boxSupport, []float32{1, 2, 3}},
		{"part", []float32{1, 2, 3, 4}, 1, 3, triangleSupport, []float32{2, 3}},
		{"grow", []float32{0, 100}, 0, 2, triangleSupport, []float32{0, 25, 75, 100}},
		// Weights 3/4, 3/4 and 1/4, of 7/4: there is nothing before the first.
		{"shrink", []float32{0, 100, 200, 300}, 0, 4, triangleSupport, []float32{125 / 1.75, 400 / 1.75}},
		{"means", []float32{0, 100, 200, 300}, 0, 4, boxSupport, []float32{50, 250}},
		{"means of parts", []float32{0, 90, 300}, 0, 3, boxSupport, []float32{30, 230}},
	} {
		var s scale
		s.set(len(c.in), c.lo, c.hi, len(c.want), c.support)
		got := make([]float32, len(c.want))
		s.row(got, c.in)
		for i := range got {
			if math.Abs(float64(got[i]-c.want[i])) > 1e-4 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// A constant stays constant, whatever the sizes: the weights sum to one, and
// no sample outside is read.
func TestScaleOfConstants(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		size, n := 1+rng.IntN(300), 1+rng.IntN(60)
		lo := rng.Float64() * float64(size) / 2
		hi := lo + (float64(size)-lo)*(0.01+0.99*rng.Float64())
		for _, support := range []float64{boxSupport, triangleSupport} {
			var s scale
			s.set(size, lo, hi, n, support)
			in, out := slices.Repeat([]float32{7}, size), make([]float32, n)
			s.row(out, in)
			for i, v := range out {
				if math.Abs(float64(v-7)) > 1e-4 {
					t.Fatalf("%d samples %g…%g to %d: output %d is %g, want 7", size, lo, hi, n, i, v)
				}
			}
		}
	}
}

func photo(fit weights.Fit, order weights.Order, w, h int) *weights.Preparation {
	return &weights.Preparation{Kind: weights.Photo, Fit: fit, Order: order, Width: w, Height: h, Scale: 1, Std: [3]float32{1, 1, 1}}
}

func TestPhoto(t *testing.T) {
	// A picture whose red is its column and whose green is its row.
	img := image.NewNRGBA(image.Rect(5, 5, 105, 55))
	for y := range 50 {
		for x := range 100 {
			img.SetNRGBA(5+x, 5+y, color.NRGBA{uint8(x), uint8(y), 200, 255})
		}
	}
	prepared := func(p *weights.Preparation) []float32 {
		t.Helper()
		dst := make([]float32, p.Order.Channels()*p.Width*p.Height)
		if _, err := Prepare(dst, img, p, Planar); err != nil {
			t.Fatal(err)
		}
		return dst
	}
	near := func(what string, got, want float32) {
		t.Helper()
		if math.Abs(float64(got-want)) > 0.02 {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}

	x := prepared(photo(weights.Stretch, weights.RGB, 50, 50))
	near("stretch: red in the middle", x[25*50+20], 40.5)
	near("stretch: green in the middle", x[2500+25*50+20], 25)
	near("stretch: blue", x[5000+7], 200)

	x = prepared(photo(weights.Stretch, weights.BGR, 50, 50))
	near("BGR: blue", x[7], 200)
	near("BGR: red", x[5000+25*50+20], 40.5)

	// The shorter side is 50 already: the columns 30…69 and the rows 5…44.
	p := photo(weights.Crop, weights.RGB, 40, 40)
	p.Resize = 50
	x = prepared(p)
	near("crop: left", x[0], 30)
	near("crop: right", x[39], 69)
	near("crop: top", x[1600], 5)
	near("crop: bottom", x[1600+39*40], 44)

	// Without Resize the whole height is taken.
	x = prepared(photo(weights.Crop, weights.RGB, 25, 25))
	near("whole height: left", x[1], 26.5) // half a pixel is rounded to even
	near("whole height: top", x[625+25], 2.5)

	p = photo(weights.Pad, weights.RGB, 50, 50)
	p.Mean = [3]float32{10, 20, 30}
	p.Std = [3]float32{2, 2, 2}
	x = prepared(p)
	near("pad: outside", x[3*50+20], 0)
	near("pad: red inside", x[25*50+20], (40.5-10)/2)
	near("pad: blue inside", x[5000+25*50+20], (200-30)/2)

	p = photo(weights.Stretch, weights.Gray, 100, 50)
	p.Scale = 1.0 / 255
	x = prepared(p)
	near("grey", x[20*100+60]*255, 0.299*60+0.587*20+0.114*200)
}

// What is transparent lies on white.
func TestPhotoTransparent(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	dst := make([]float32, 3*16)
	if _, err := Prepare(dst, img, photo(weights.Crop, weights.RGB, 4, 4), Planar); err != nil {
		t.Fatal(err)
	}
	for _, v := range dst {
		if v < 254.99 || v > 255.01 {
			t.Fatalf("transparent is %g, want white", v)
		}
	}
}

func TestPhotoSizes(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 3000}, {3000, 1}, {2, 2}, {223, 225}, {500, 31}} {
		img := image.NewGray(image.Rectangle{Max: size})
		for i := range img.Pix {
			img.Pix[i] = 100
		}
		for _, fit := range []weights.Fit{weights.Crop, weights.Stretch, weights.Pad} {
			for _, resize := range []int{0, 40, 10} {
				p := photo(fit, weights.RGB, 36, 24)
				p.Resize = resize
				p.Mean = [3]float32{100, 100, 100}
				dst := make([]float32, 3*36*24)
				for i := range dst {
					dst[i] = float32(math.NaN())
				}
				if _, err := Prepare(dst, img, p, Planar); err != nil {
					t.Fatal(err)
				}
				for i, v := range dst {
					if !(math.Abs(float64(v)) < 1e-3) {
						t.Fatalf("%v, fit %d, resize %d: element %d is %g, want 0", size, fit, resize, i, v)
					}
				}
			}
		}
	}
}

func TestPrepareErrors(t *testing.T) {
	good := image.NewGray(image.Rect(0, 0, 4, 4))
	for _, c := range []struct {
		name string
		img  image.Image
		p    *weights.Preparation
		n    int
		want error
	}{
		{"no preparation", good, &weights.Preparation{}, 16, ErrNoPicture},
		{"no pixels", image.NewGray(image.Rect(3, 3, 3, 9)), photo(0, weights.Gray, 4, 4), 16, ErrEmpty},
		{"no picture", nil, photo(0, weights.Gray, 4, 4), 16, ErrEmpty},
		{"another size", good, photo(0, weights.Gray, 4, 4), 17, nil},
		{"a plane of colour", image.White, photo(0, weights.Gray, 4, 4), 16, ErrTooLarge},
		{"a digit on a plane", image.White, digitPreparation, 28 * 28, ErrTooLarge},
		{"a line", image.NewGray(image.Rect(0, 0, 1, maxSide+1)), photo(0, weights.Gray, 4, 4), 16, ErrTooLarge},
		{"too many pixels", &image.Gray{Rect: image.Rect(0, 0, maxSide, maxPixels/maxSide+1)}, photo(0, weights.Gray, 4, 4), 16, ErrTooLarge},
		{"bounds that no int can tell apart", &image.Gray{Rect: image.Rect(math.MinInt, 0, math.MaxInt, 1)}, photo(0, weights.Gray, 4, 4), 16, ErrTooLarge},
	} {
		_, err := Prepare(make([]float32, c.n), c.img, c.p, Planar)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}
