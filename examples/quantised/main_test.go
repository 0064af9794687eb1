package main

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// TestQuantised calibrates the digit net with strokes in many places.
func TestQuantised(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i := range 20 {
		img := image.NewGray(image.Rect(0, 0, 60, 60))
		for y := 8; y < 52; y++ {
			x := 20 + i + (y-30)*(i%5-2)/6
			for dx := range 4 + i%3 {
				img.Pix[60*y+x+dx] = 255
			}
		}
		file := filepath.Join(dir, fmt.Sprint(i, ".png"))
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	same, total, err := compare("../../weights/digits/digits.onnx", files)
	if err != nil {
		t.Fatal(err)
	}
	if total != 20 || same < 19 {
		t.Errorf("%d of %d answers are the same", same, total)
	}
	if _, _, err := compare("../../weights/digits/digits.onnx", files[:3]); err == nil {
		t.Error("three pictures are enough to calibrate a net")
	}
}
