package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// check decodes data: the result is image/jpeg's answer, or ErrOdd.
func check(t testing.TB, data []byte) (decoded bool) {
	t.Helper()
	img, err := Decode(data, 0, nil)
	switch {
	case err == nil:
		compare(t, data, img)
	case !errors.Is(err, ErrOdd) || img != nil:
		t.Fatalf("%v, %v", img, err)
	}
	for shift := 1; shift <= MaxShift; shift++ {
		if img, err := Decode(data, shift, nil); (img == nil) != (err != nil) || err != nil && !errors.Is(err, ErrOdd) {
			t.Fatalf("shift %d: %v, %v", shift, img, err)
		}
	}
	return err == nil
}

// pictures are files of every kind: subsampled in any way, with restart markers,
// with a scan for each component.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	list := map[string][]byte{}
	for name, f := range map[string]file{
		"444": {h: 1, v: 1}, "440": {h: 1, v: 2}, "422": {h: 2, v: 1}, "420": {h: 2, v: 2}, "411": {h: 4, v: 1}, "410": {h: 4, v: 2},
		"gray":              {gray: true, h: 1, v: 1},
		"gray, 2×2":         {gray: true, h: 2, v: 2},
		"restarts":          {h: 2, v: 2, restart: 3},
		"gray restarts":     {gray: true, h: 1, v: 1, restart: 1},
		"scans":             {h: 2, v: 2, scans: true},
		"444 scans":         {h: 1, v: 1, scans: true, restart: 5},
		"extended":          {h: 2, v: 1, extended: true},
		"wide quantisers":   {h: 1, v: 1, extended: true, wide: true},
		"long codes":        {h: 2, v: 2, long: true},
		"long codes, again": {h: 2, v: 2, long: true, restart: 2, scans: false},
	} {
		f.width, f.height = 61, 43
		list[name] = f.encode()
	}
	return list
}

func TestKinds(t *testing.T) {
	for name, data := range files(t) {
		t.Run(name, func(t *testing.T) {
			if !check(t, data) {
				t.Error("is odd")
			}
		})
	}
}

// What is reduced is the mean of what is not, or close to it. Chroma of fewer
// samples than luma is reduced to as many samples, as long as it has them.
func TestReduced(t *testing.T) {
	list := files(t)
	list["a photo"] = encode(t, photo(333, 222, 2, 1), 90)
	for name, data := range list {
		whole, err := Decode(data, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		size := whole.Bounds().Size()
		for shift := 1; shift <= MaxShift; shift++ {
			small, err := Decode(data, shift, nil)
			if err != nil {
				t.Fatal(err)
			}
			n := 1 << shift
			if b := small.Bounds(); b != image.Rect(0, 0, (size.X+n-1)/n, (size.Y+n-1)/n) {
				t.Errorf("%s, shift %d: %v", name, shift, b)
			}
			w, ws := planes(t, whole)
			s, ss := planes(t, small)
			for c := range w {
				var squares, count float64
				// So many samples of the whole become one.
				columns, rows := ws[c]/ss[c], len(w[c])/ws[c]/(len(s[c])/ss[c])
				if a, b := max(1, n*ws[c]/ws[0]), max(1, n*(len(w[c])/ws[c])/(len(w[0])/ws[0])); columns != a || rows != b {
					t.Errorf("%s, shift %d, component %d: %d×%d samples become one, want %d×%d", name, shift, c, columns, rows, a, b)
				}
				for y := range len(s[c]) / ss[c] {
					for x := range ss[c] {
						mean, limited := 0.0, false
						for j := range rows {
							for _, v := range w[c][(rows*y+j)*ws[c]+columns*x:][:columns] {
								mean += float64(v) / float64(columns*rows)
								limited = limited || v == 0 || v == 255
							}
						}
						d := mean - float64(s[c][y*ss[c]+x])
						squares += d * d
						count++
						if columns == 8 && rows == 8 && math.Abs(d) > 1 && !limited {
							t.Fatalf("%s, component %d: %d, %d is %v off the mean", name, c, x, y, d)
						}
					}
				}
				if deviation := math.Sqrt(squares / count); name == "a photo" && deviation > 2 {
					t.Errorf("%s, shift %d, component %d: %v off the mean", name, shift, c, deviation)
				}
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	data := encode(t, photo(40, 30, 20, 1), 90)
	for n := range data {
		if check(t, data[:n]) {
			t.Fatalf("%d of %d bytes are enough", n, len(data))
		}
	}
}

func TestDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	rounds := 10_000
	if testing.Short() {
		rounds = 500
	}
	var kinds [][]byte
	for _, data := range files(t) {
		kinds = append(kinds, data)
	}
	decoded := 0
	for i := range rounds {
		data := bytes.Clone(kinds[i%len(kinds)])
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(data))
			switch rng.IntN(4) {
			case 0:
				data[at] ^= 1 << rng.IntN(8)
			case 1:
				data[at] = byte(rng.Uint32())
			case 2:
				data = append(data[:at], data[min(len(data), at+1+rng.IntN(4)):]...)
			default:
				data = append(data[:at], append(data[max(0, at-8):at:at], data[at:]...)...)
			}
			if len(data) == 0 {
				break
			}
		}
		if w, h := claimed(data); w*h > 1<<20 {
			continue
		}
		if check(t, data) {
			decoded++
		}
	}
	if decoded < rounds/10 {
		t.Errorf("only %d of %d were decoded", decoded, rounds)
	}
}

// claimed is the size that a file's frame header says.
func claimed(data []byte) (w, h int) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, 0
	}
	return c.Width, c.Height
}

// A header of a few bytes does not take memory before there are data, and no
// more than it asks for.
func TestMemory(t *testing.T) {
	f := file{h: 1, v: 1, width: 10_000, height: 10_000}
	data := f.encodeBlocks(1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Decode(data, 0, nil); !errors.Is(err, ErrOdd) {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 3*10_010*10_010+1<<20 {
		t.Errorf("%d MB were taken", taken>>20)
	}
	binary.BigEndian.PutUint16(data[bytes.Index(data, []byte{0xff, 0xc0})+5:], 0) // no rows
	if _, err := Decode(data, 0, nil); !errors.Is(err, ErrOdd) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range files(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h := claimed(data); w*h <= 1<<18 {
			check(t, data)
		}
	})
}
