package picture

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/infer-go/infer/weights"
)

var digitPreparation = &weights.Preparation{
	Kind: weights.Digit, Width: digitSide, Height: digitSide, Scale: 1.0 / 255, Std: [3]float32{1, 1, 1},
}

// five covers the strokes of a 5 of a given height whose bar does not touch
// the rest: three bars and a bow of squares, as a mask of opacity.
func five(h int) *image.Alpha {
	m := image.NewAlpha(image.Rect(0, 0, h*7/10, h))
	at := func(x0, y0, x1, y1 int) { // in hundredths of the height
		draw.Draw(m, image.Rect(x0*h/100, y0*h/100, x1*h/100, y1*h/100), image.Opaque, image.Point{}, draw.Src)
	}
	at(26, 0, 70, 10)  // bar, with a gap to the left of it
	at(8, 0, 20, 50)   // stem
	at(8, 42, 60, 52)  // belly
	at(58, 50, 70, 92) // its back
	at(0, 88, 62, 100) // its foot
	return m
}

// drawn is a picture of ink on paper, through a mask at a place.
func drawn(w, h int, mask *image.Alpha, at image.Point, paper, ink color.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	draw.DrawMask(m, mask.Rect.Add(at), image.NewUniform(ink), image.Point{}, mask, image.Point{}, draw.Over)
	return m
}

func mustDigit(t *testing.T, img image.Image) []float32 {
	t.Helper()
	dst := make([]float32, digitSide*digitSide)
	if _, err := Prepare(dst, img, digitPreparation, Planar); err != nil {
		t.Fatal(err)
	}
	checkDigit(t, dst)
	return dst
}

// checkDigit checks what holds of every prepared digit.
func checkDigit(t *testing.T, x []float32) {
	t.Helper()
	var top, sum, sumX, sumY float64
	box := image.Rectangle{}
	for i, v := range x {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("element %d is %g", i, v)
		}
		top = max(top, float64(v))
		sum += float64(v)
		sumX += float64(v) * float64(i%digitSide)
		sumY += float64(v) * float64(i/digitSide)
		if v > 0 {
			box = box.Union(image.Rect(i%digitSide, i/digitSide, i%digitSide+1, i/digitSide+1))
		}
	}
	if top < 0.99 {
		t.Errorf("the brightest ink is %g, want 1", top)
	}
	if long := max(box.Dx(), box.Dy()); long != digitBody && long != digitBody-1 {
		t.Errorf("the ink takes %v, want 20 on the longer side", box)
	}
	// Half a pixel of rounding; or the picture's edge was in the way.
	x0, y0 := sumX/sum-digitCentre, sumY/sum-digitCentre
	inside := box.In(image.Rect(1, 1, digitSide-1, digitSide-1))
	if inside && (math.Abs(x0) > 0.51 || math.Abs(y0) > 0.51) {
		t.Errorf("the mass lies %g, %g off the centre", x0, y0)
	}
}

// difference is the mean absolute difference of two prepared digits.
func difference(a, b []float32) (sum float64) {
	for i := range a {
		sum += math.Abs(float64(a[i] - b[i]))
	}
	return sum / float64(len(a))
}

// The same strokes give the same digit, however they come; a fiftieth is what
// a shift by a fraction of a pixel makes.
func TestDigitsInAnyGarb(t *testing.T) {
	want := mustDigit(t, drawn(300, 300, five(200), image.Pt(80, 50), color.White, color.Black))

	noisy := drawn(600, 400, five(180), image.Pt(350, 40), color.White, color.Black)
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range 400 {
		for x := range 600 {
			c := noisy.NRGBAAt(x, y)
			light := 130 + 0.2*float64(x) - 0.1*float64(y) + 5*rng.NormFloat64()
			if c.R == 0 {
				light *= 0.4
			}
			v := uint8(min(255, max(0, light)))
			noisy.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	dusty := drawn(600, 400, five(180), image.Pt(100, 100), color.White, color.Gray{60})
	for range 40 {
		x, y := rng.IntN(600), rng.IntN(400)
		draw.Draw(dusty, image.Rect(x, y, x+2, y+2), image.Black, image.Point{}, draw.Src)
	}
	round := drawn(300, 300, five(200), image.Pt(60, 50), color.White, color.Black)
	for y := range 300 {
		for x := range 300 {
			if math.Hypot(float64(x-150), float64(y-150)) > 180 {
				round.SetNRGBA(x, y, color.NRGBA{})
			}
		}
	}

	for _, c := range []struct {
		name string
		img  image.Image
		most float64
	}{
		{"white on black", drawn(300, 300, five(200), image.Pt(50, 60), color.Black, color.White), 0.02},
		{"blue on yellow", drawn(300, 300, five(200), image.Pt(50, 60), color.NRGBA{255, 230, 0, 255}, color.NRGBA{0, 0, 255, 255}), 0.02},
		{"as bright as the paper", drawn(300, 300, five(200), image.Pt(50, 60), color.NRGBA{200, 60, 60, 255}, color.NRGBA{0, 138, 155, 255}), 0.02},
		{"pale", drawn(300, 300, five(200), image.Pt(50, 60), color.Gray{200}, color.Gray{180}), 0.02},
		{"black on nothing", drawn(300, 300, five(200), image.Pt(50, 60), color.Transparent, color.Black), 0.02},
		{"white on nothing", drawn(300, 300, five(200), image.Pt(50, 60), color.Transparent, color.White), 0.02},
		{"a page with round corners", round, 0.02},
		{"in a corner", drawn(2000, 300, five(200), image.Pt(0, 0), color.White, color.Black), 0.02},
		{"cut out", drawn(148, 208, five(200), image.Pt(4, 4), color.White, color.Black), 0.02},
		{"large", drawn(3000, 2500, five(1800), image.Pt(900, 500), color.White, color.Black), 0.02},
		{"small", drawn(60, 50, five(30), image.Pt(20, 10), color.White, color.Black), 0.04},
		{"on a page in uneven light", noisy, 0.02},
		{"with dust", dusty, 0.02},
		{"of an unknown type", other{drawn(300, 300, five(200), image.Pt(50, 60), color.White, color.Black)}, 0.02},
		{"16 bits", deep(drawn(300, 300, five(200), image.Pt(50, 60), color.White, color.Black)), 0.02},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := difference(mustDigit(t, c.img), want); d > c.most {
				t.Errorf("differs by %g, want at most %g", d, c.most)
			}
		})
	}
}

func deep(img image.Image) image.Image {
	m := image.NewNRGBA64(img.Bounds())
	draw.Draw(m, m.Rect, img, image.Point{}, draw.Src)
	return m
}

// A picture that is as MNIST's are comes out to the bit, in either polarity.
func TestDigitThatIsReady(t *testing.T) {
	ready := image.NewGray(image.Rect(0, 0, digitSide, digitSide))
	for y := 4; y < 24; y++ {
		for x := 12; x < 17; x++ {
			ready.SetGray(x, y, color.Gray{uint8(150 + 2*y + 3*x)})
		}
	}
	ready.SetGray(14, 10, color.Gray{255})
	inverted := image.NewGray(ready.Rect)
	for i, v := range ready.Pix {
		inverted.Pix[i] = 255 - v
	}
	for _, img := range []image.Image{ready, inverted} {
		for i, v := range mustDigit(t, img) {
			if want := float32(ready.Pix[i]) / 255; v != want {
				t.Fatalf("element %d is %g, want %g", i, v, want)
			}
		}
	}
}

func TestBlank(t *testing.T) {
	noise := image.NewGray(image.Rect(0, 0, 600, 400))
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(180 + 6*rng.NormFloat64() + float64(i%600)/20)
	}
	for _, c := range []struct {
		name string
		img  image.Image
	}{
		{"white", drawn(100, 80, five(1), image.Point{}, color.White, color.White)},
		{"black", image.NewGray(image.Rect(0, 0, 28, 28))},
		{"transparent", image.NewNRGBA(image.Rect(0, 0, 40, 40))},
		{"one pixel", image.NewGray(image.Rect(0, 0, 1, 1))},
		{"a line of one pixel's height", image.NewNRGBA(image.Rect(0, 0, maxSide, 1))},
		{"noise on a page", noise},
	} {
		_, err := Prepare(make([]float32, digitSide*digitSide), c.img, digitPreparation, Planar)
		if !errors.Is(err, ErrBlank) {
			t.Errorf("%s: error %v, want ErrBlank", c.name, err)
		}
	}
}

func TestPreparingADigitAllocatesNothing(t *testing.T) {
	img := drawn(300, 300, five(200), image.Pt(80, 50), color.White, color.Black)
	dst := make([]float32, digitSide*digitSide)
	var p preparer
	p.rows.open(img)
	if _, err := p.digit.find(dst, &p.rows); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() {
		p.rows.open(img)
		p.digit.find(dst, &p.rows)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever the picture, there is a digit of numbers in 0…1 or an error.
func FuzzDigit(f *testing.F) {
	f.Add([]byte{28, 28, 0, 1, 2, 3, 255})
	f.Add([]byte{1, 1, 1, 9})
	f.Add([]byte{255, 3, 2, 0, 0, 0, 0, 200, 100, 50, 255})
	f.Add([]byte("@0\x03 strokes of a pen on paper that was lying about"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4 {
			return
		}
		r := image.Rect(0, 0, int(data[0]), int(data[1]))
		if r.Empty() {
			return
		}
		kind, data := data[2], data[3:]
		var img image.Image
		var pix []uint8
		switch kind % 4 {
		case 0:
			m := image.NewGray(r)
			img, pix = m, m.Pix
		case 1:
			m := image.NewNRGBA(r)
			img, pix = m, m.Pix
		case 2:
			m := image.NewRGBA(r) // more colour than opacity allows, too
			img, pix = m, m.Pix
		default:
			m := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
			img, pix = m, m.Y
			copy(m.Cb, data)
		}
		for i := range pix {
			pix[i] = data[i*31%len(data)]
		}
		dst := make([]float32, digitSide*digitSide)
		if _, err := Prepare(dst, img, digitPreparation, Planar); err != nil {
			if !errors.Is(err, ErrBlank) {
				t.Fatal(err)
			}
			return
		}
		for i, v := range dst {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("element %d is %g", i, v)
			}
		}
	})
}

func BenchmarkDigit(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	photographed := func(w, h, size int) *image.NRGBA { // a page with noise, and a shadow
		page := drawn(w, h, five(size), image.Pt(w/2, h/10), color.NRGBA{220, 210, 200, 255}, color.Black)
		for i := range page.Pix {
			if i%4 < 3 {
				page.Pix[i] = uint8(max(0, min(255, float64(page.Pix[i])*0.8-40*float64(i/4%w)/float64(w)+4*rng.NormFloat64())))
			}
		}
		return page
	}
	for _, c := range []struct {
		name string
		img  image.Image
	}{
		{"28x28", drawn(28, 28, five(18), image.Pt(8, 5), color.White, color.Black)},
		{"200x200", drawn(200, 200, five(120), image.Pt(60, 40), color.White, color.Black)},
		{"640x480 photo", asDecoded(b, encoded(b, photographed(640, 480, 180), asJPEG))},
		{"1000x800 page", asDecoded(b, encoded(b, photographed(1000, 800, 300), png.Encode))},
	} {
		b.Run(c.name, func(b *testing.B) {
			dst := make([]float32, digitSide*digitSide)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Prepare(dst, c.img, digitPreparation, Planar); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func asDecoded(t testing.TB, data []byte) image.Image {
	t.Helper()
	img, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
