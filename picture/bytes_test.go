package picture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/weights"
)

// scene is a picture with slopes, edges and a fine pattern.
func scene(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			c := color.NRGBA{uint8(255 * u), uint8(255 * v), uint8(128 + 100*math.Sin(20*u*v)), 255}
			if math.Hypot(u-0.6, v-0.4) < 0.2 {
				c = color.NRGBA{200, uint8(60 + (x+y)%3), 40, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func TestShiftFor(t *testing.T) {
	p := photo(weights.Crop, weights.RGB, 224, 224)
	p.Resize = 256
	digit := digitPreparation
	for _, c := range []struct {
		size image.Point
		p    *weights.Preparation
		want int
	}{
		{image.Pt(4000, 3000), p, 3}, {image.Pt(3000, 4000), p, 3}, {image.Pt(1280, 960), p, 1}, {image.Pt(640, 480), p, 0},
		{image.Pt(717, 900), p, 1}, {image.Pt(716, 900), p, 0}, {image.Pt(1, 1), p, 0}, {image.Pt(65535, 20), p, 0},
		{image.Pt(640, 480), digit, 0}, {image.Pt(4000, 3000), digit, 2}, {image.Pt(9000, 9000), digit, 3},
	} {
		if got := shiftFor(c.size, c.p); got != c.want {
			t.Errorf("%v is reduced by 1/%d, want 1/%d", c.size, 1<<got, 1<<c.want)
		}
	}
}

// PrepareBytes gives what Decode and Prepare give, to the bit where nothing is
// reduced, and close to it where something is; the placement is the same.
func TestPrepareBytes(t *testing.T) {
	fine := func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 95}) }
	for _, size := range []image.Point{{300, 200}, {901, 1283}} {
		if testing.Short() && size.X > 300 {
			continue
		}
		img := scene(size.X, size.Y)
		for orientation := range 9 {
			exif := tiffHeader(binary.LittleEndian, "II", uint16(orientation))
			for name, data := range map[string][]byte{
				"jpeg": exifJPEG(encoded(t, img, fine), exif), "png": exifPNG(encoded(t, img, png.Encode), exif),
			} {
				if size.X > 300 && (name == "png" || orientation%3 > 0) {
					continue // slow
				}
				for fit := range weights.Fit(3) {
					p := photo(fit, weights.RGB, 96, 64)
					p.Scale = 1. / 255
					what := fmt.Sprintf("%s of %v, orientation %d, fit %d", name, size, orientation, fit)
					whole, err := Decode(data)
					if err != nil {
						t.Fatal(err)
					}
					n := 3 * 96 * 64
					got, want := slices.Repeat([]float32{float32(math.NaN())}, n), make([]float32, n)
					gotAt, err := PrepareBytes(got, data, p, Interleaved)
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					wantAt, err := Prepare(want, whole, p, Interleaved)
					if err != nil {
						t.Fatal(err)
					}
					if gotAt != wantAt {
						t.Errorf("%s: placed %+v, want %+v", what, gotAt, wantAt)
					}
					img, err := DecodeFor(data, p)
					if err != nil {
						t.Fatal(err)
					}
					again := make([]float32, n)
					if at, err := Prepare(again, img, p, Interleaved); err != nil || at != gotAt || !slices.Equal(again, got) {
						t.Errorf("%s: decoded and prepared, it is another at %v: %v", what, at, err)
					}
					if img.Bounds() != whole.Bounds() {
						t.Errorf("%s: bounds %v, want %v", what, img.Bounds(), whole.Bounds())
					}
					x, y := whole.Bounds().Dx()-9, 9
					for k, c := range [2]color.RGBA64{color.RGBA64Model.Convert(img.At(x, y)).(color.RGBA64), color.RGBA64Model.Convert(img.At(y, x)).(color.RGBA64)} {
						want := color.RGBA64Model.Convert(whole.At(x, y)).(color.RGBA64)
						if k == 1 {
							want = color.RGBA64Model.Convert(whole.At(y, x)).(color.RGBA64)
						}
						if d := max(int(c.R)-int(want.R), int(want.R)-int(c.R), int(c.G)-int(want.G), int(want.G)-int(c.G)); d > 20<<8 {
							t.Errorf("%s: a pixel is %v, want %v", what, c, want)
						}
					}
					reduced := name == "jpeg" && shiftFor(whole.Bounds().Size(), p) > 0
					differences := make([]float64, n)
					for i := range got {
						differences[i] = math.Abs(float64(got[i] - want[i]))
						if !reduced && got[i] != want[i] || got[i] != got[i] {
							t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
						}
					}
					slices.Sort(differences)
					if d := differences[n*99/100]; d > 0.03 {
						t.Errorf("%s: a hundredth of the elements is %v off", what, d)
					}
				}
			}
		}
	}
}

// A digit on a large photo is found on the reduced one, at the same place.
func TestPrepareBytesOfADigit(t *testing.T) {
	data := encoded(t, drawn(4000, 3000, five(1600), image.Pt(1200, 700), color.White, color.Black), asJPEG)
	if shiftFor(image.Pt(4000, 3000), digitPreparation) == 0 {
		t.Fatal("is not reduced")
	}
	img, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	n := digitSide * digitSide
	got, want := make([]float32, n), make([]float32, n)
	gotAt, err := PrepareBytes(got, data, digitPreparation, Planar)
	if err != nil {
		t.Fatal(err)
	}
	wantAt, err := Prepare(want, img, digitPreparation, Planar)
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(got, want); d > 0.02 {
		t.Errorf("differs by %v", d)
	}
	for _, d := range []float64{gotAt.X0 - wantAt.X0, gotAt.Y0 - wantAt.Y0, gotAt.X1 - wantAt.X1, gotAt.Y1 - wantAt.Y1} {
		if math.Abs(d) > 64 {
			t.Errorf("placed %+v, want %+v", gotAt, wantAt)
		}
	}
}

func TestPrepareBytesErrors(t *testing.T) {
	p := photo(weights.Crop, weights.RGB, 8, 8)
	dst := make([]float32, 3*8*8)
	square := encoded(t, image.NewGray(image.Rect(0, 0, 64, 64)), asJPEG)
	for _, c := range []struct {
		name string
		dst  []float32
		data []byte
		p    *weights.Preparation
		want error
	}{
		{"nothing", dst, nil, p, image.ErrFormat},
		{"no picture", dst, square, &weights.Preparation{}, ErrNoPicture},
		{"too large", dst, header(10_001, 10_000), p, ErrTooLarge},
		{"blank", make([]float32, digitSide*digitSide), square, digitPreparation, ErrBlank},
	} {
		if _, err := PrepareBytes(c.dst, c.data, c.p, Planar); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, data := range [][]byte{square[:len(square)/2], []byte("panics")} {
		if _, err := PrepareBytes(dst, data, p, Planar); err == nil {
			t.Errorf("%d bytes are enough", len(data))
		}
	}
	if _, err := PrepareBytes(dst[1:], square, p, Planar); err == nil {
		t.Error("another length was accepted")
	}
}

// Once there is memory for a picture, the next one is decoded into it.
func TestDecodeKeepsMemory(t *testing.T) {
	data := encoded(t, scene(640, 480), asJPEG)
	p := photo(weights.Crop, weights.RGB, 224, 224)
	var planes []byte
	var first *uint8
	for i := range 3 {
		v, err := decodeFor(data, p, &planes)
		if err != nil {
			t.Fatal(err)
		}
		luma := &v.img.(*image.YCbCr).Y[0]
		if i > 0 && luma != first {
			t.Error("other memory was taken")
		}
		first = luma
	}
}

// signs is a picture of few strong colours with hard edges, at which chroma changes
// as luma does.
func signs(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			c := color.NRGBA{20, 60, 200, 255}
			switch {
			case math.Hypot(u-0.3, v-0.4) < 0.2:
				c = color.NRGBA{230, 30, 40, 255}
			case math.Abs(u-0.7)+math.Abs(v-0.6) < 0.25:
				c = color.NRGBA{30, 180, 50, 255}
			case v > 0.85:
				c = color.NRGBA{240, 200, 20, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// Where colours are coded with fewer samples than brightness, a reduced picture has
// as many of both, so that its colours are not softer than the whole one's.
func TestReducedColours(t *testing.T) {
	whole := encoded(t, signs(800, 600), func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 95}) })
	for _, side := range []int{32, 64, 128} {
		p := photo(weights.Stretch, weights.RGB, side, side)
		p.Scale = 1. / 255
		got, want := make([]float32, 3*side*side), make([]float32, 3*side*side)
		if _, err := PrepareBytes(got, whole, p, Planar); err != nil {
			t.Fatal(err)
		}
		img, err := Decode(whole)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Prepare(want, img, p, Planar); err != nil {
			t.Fatal(err)
		}
		var squares float64
		for i := range got {
			squares += math.Pow(float64(got[i]-want[i]), 2)
		}
		if d := 255 * math.Sqrt(squares/float64(len(got))); d > 0.8 {
			t.Errorf("to %d×%d, reduced by %d: %.2f of 255 off in the mean square", side, side, 1<<shiftFor(image.Pt(800, 600), p), d)
		}
	}
}
