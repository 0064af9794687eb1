package picture

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"testing"
)

func TestDecodeJPEG(t *testing.T) {
	for _, file := range []string{"../testdata/2.jpg", "../testdata/8.jpg"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, reduction := range []int{1, 2, 4, 8} {
			img, err := DecodeJPEG(data, reduction)
			if err != nil {
				t.Fatal(err)
			}
			up := func(n int) int { return (n + reduction - 1) / reduction }
			size := want.Bounds().Size()
			if b := img.Bounds(); b != image.Rect(0, 0, up(size.X), up(size.Y)) {
				t.Errorf("%s, reduced by %d: %v", file, reduction, b)
			}
		}
		for _, reduction := range []int{-1, 0, 3, 16} {
			if img, err := DecodeJPEG(data, reduction); err == nil || img != nil {
				t.Errorf("reduced by %d", reduction)
			}
		}
	}
	if _, err := DecodeJPEG([]byte("no picture"), 1); !errors.Is(err, image.ErrFormat) {
		t.Error(err)
	}
}
