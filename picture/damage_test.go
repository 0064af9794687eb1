package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/infer-go/infer/weights"
)

// whole files of each format that is damaged.
func undamaged(t testing.TB) map[string][]byte {
	t.Helper()
	small := scene(45, 31)
	list := map[string][]byte{"baseline": encoded(t, small, asJPEG), "png": encoded(t, small, png.Encode), "tiff": encoded(t, small, asTIFF)}
	for name, file := range map[string]string{"progressive": "progressive.jpg", "cmyk": "cmyk.jpg", "webp": "small.webp"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		list[name] = data
	}
	return list
}

// What is not for the decoder of this package is image/jpeg's, to the bit, and not
// reduced.
func TestUncommonJPEG(t *testing.T) {
	for _, file := range []string{"progressive.jpg", "cmyk.jpg"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, reduction := range []int{1, 4} {
			got, err := DecodeJPEG(data, reduction)
			if err != nil || got.Bounds() != want.Bounds() {
				t.Fatalf("%s: %v, %v", file, got.Bounds(), err)
			}
			for y := range got.Bounds().Dy() {
				for x := range got.Bounds().Dx() {
					if got.At(x, y) != want.At(x, y) {
						t.Fatalf("%s: %d, %d is %v, want %v", file, x, y, got.At(x, y), want.At(x, y))
					}
				}
			}
		}
	}
}

// Whatever is cut off or damaged is an error or a picture, which can be prepared,
// and takes no more memory than its size asks for.
func TestDamagedFiles(t *testing.T) {
	p := photo(weights.Crop, weights.RGB, 8, 8)
	dst := make([]float32, 3*8*8)
	try := func(t *testing.T, data []byte) (decoded bool) {
		t.Helper()
		c, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err == nil && c.Width*c.Height > 1<<16 {
			return false // it may well be that size
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = PrepareBytes(dst, data, p, Planar)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
			t.Fatalf("%d MB were taken", taken>>20)
		}
		return err == nil
	}
	rounds := 10_000
	if testing.Short() {
		rounds = 300
	}
	for name, whole := range undamaged(t) {
		t.Run(name, func(t *testing.T) {
			if !try(t, whole) {
				t.Fatal("is not decoded as it is")
			}
			for n := range whole {
				if n%7 == 0 || len(whole) < 3000 {
					try(t, whole[:n])
				}
			}
			rng := rand.New(rand.NewPCG(9, 10))
			for range rounds {
				data := bytes.Clone(whole)
				for range 1 + rng.IntN(4) {
					data[rng.IntN(len(data))] = byte(rng.Uint32())
				}
				try(t, data)
			}
		})
	}
}

// A header that claims much is refused before memory is taken.
func TestClaimedSizes(t *testing.T) {
	data := encoded(t, scene(45, 31), asJPEG)
	sof := bytes.Index(data, []byte{0xff, 0xc0})
	claim := func(w, h uint16) []byte {
		d := bytes.Clone(data)
		binary.BigEndian.PutUint16(d[sof+5:], h)
		binary.BigEndian.PutUint16(d[sof+7:], w)
		return d
	}
	dst := make([]float32, 3*8*8)
	p := photo(weights.Crop, weights.RGB, 8, 8)
	for _, c := range []struct {
		w, h uint16
		want error
	}{{0, 31, ErrEmpty}, {45, 0, ErrEmpty}, {65_535, 65_535, ErrTooLarge}, {10_001, 10_000, ErrTooLarge}} {
		if _, err := PrepareBytes(dst, claim(c.w, c.h), p, Planar); !errors.Is(err, c.want) {
			t.Errorf("%d×%d: %v, want %v", c.w, c.h, err, c.want)
		}
	}
	// As large as is allowed, and nothing of it there.
	if _, err := PrepareBytes(dst, claim(10_000, 10_000)[:sof+300], p, Planar); err == nil {
		t.Error("a picture of nothing")
	}
}
