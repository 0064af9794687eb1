package jpeg

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
)

// photo is something like one: light, edges and noise.
func photo(w, h int, noise float64, seed uint64) *image.RGBA {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			for c := range 3 {
				s := 128 + 90*math.Sin(6*u+float64(c))*math.Cos(5*v*float64(c+1))
				if math.Hypot(u-0.5, v-0.4) < 0.25 {
					s = 255 - s
				}
				m.Pix[m.PixOffset(x, y)+c] = uint8(min(255, max(0, s+noise*rng.NormFloat64())))
			}
			m.Pix[m.PixOffset(x, y)+3] = 255
		}
	}
	return m
}

func encode(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// planes are the samples of a picture, by component.
func planes(t testing.TB, m image.Image) (p [][]byte, strides []int) {
	t.Helper()
	switch m := m.(type) {
	case *image.Gray:
		return [][]byte{m.Pix}, []int{m.Stride}
	case *image.YCbCr:
		return [][]byte{m.Y, m.Cb, m.Cr}, []int{m.YStride, m.CStride, m.CStride}
	}
	t.Fatalf("a %T", m)
	return nil, nil
}

// compare checks that a picture decoded whole is image/jpeg's.
func compare(t testing.TB, data []byte, got image.Image) {
	t.Helper()
	want, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("image/jpeg: %v", err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("bounds %v, want %v", got.Bounds(), want.Bounds())
	}
	g, gs := planes(t, got)
	w, ws := planes(t, want)
	if len(g) != len(w) {
		t.Fatalf("%T, want %T", got, want)
	}
	if a, ok := got.(*image.YCbCr); ok && a.SubsampleRatio != want.(*image.YCbCr).SubsampleRatio {
		t.Fatalf("subsampled %v", a.SubsampleRatio)
	}
	for i := range g {
		if gs[i] != ws[i] || len(g[i]) != len(w[i]) {
			t.Fatalf("component %d: %d bytes in rows of %d, want %d in rows of %d", i, len(g[i]), gs[i], len(w[i]), ws[i])
		}
		for j := range g[i] {
			if d := int(g[i][j]) - int(w[i][j]); d < -1 || d > 1 {
				t.Fatalf("component %d: row %d, column %d is %d, want %d", i, j/gs[i], j%gs[i], g[i][j], w[i][j])
			}
		}
	}
}

func TestDecode(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {8, 8}, {16, 16}, {17, 9}, {100, 75}, {333, 222}} {
		for _, quality := range []int{1, 50, 92, 100} {
			for _, noise := range []float64{0, 20, 300} {
				m := photo(size.X, size.Y, noise, uint64(quality))
				gray := image.NewGray(m.Rect)
				for y := range size.Y {
					for x := range size.X {
						gray.Set(x, y, m.At(x, y))
					}
				}
				for _, m := range []image.Image{m, gray} {
					data := encode(t, m, quality)
					got, err := Decode(data, 0, nil)
					if err != nil {
						t.Errorf("%v, quality %d, noise %v: %v", size, quality, noise, err)
						continue
					}
					compare(t, data, got)
				}
			}
		}
	}
	if _, err := Decode([]byte("no picture"), 0, nil); !errors.Is(err, ErrOdd) {
		t.Error(err)
	}
}
