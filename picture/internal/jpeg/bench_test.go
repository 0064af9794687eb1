package jpeg

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"testing"
)

// BenchmarkDecode compares with image/jpeg, on pictures that are smooth and
// dense.
func BenchmarkDecode(b *testing.B) {
	for _, p := range []struct {
		name    string
		w, h    int
		noise   float64
		quality int
	}{{"smooth", 4000, 3000, 2, 85}, {"dense", 4000, 3000, 9, 92}, {"medium", 1280, 960, 9, 92}, {"small", 640, 480, 12, 92}} {
		data := encode(b, photo(p.w, p.h, p.noise, 1), p.quality)
		b.Run(fmt.Sprintf("%s/image-jpeg", p.name), func(b *testing.B) {
			for b.Loop() {
				if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(8*float64(len(data))/float64(p.w*p.h), "bits/pixel")
		})
		for shift := range MaxShift + 1 {
			b.Run(fmt.Sprintf("%s/%d", p.name, 1<<shift), func(b *testing.B) {
				for b.Loop() {
					if _, err := Decode(data, shift, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
