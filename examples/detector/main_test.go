package main

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// TestDetector looks for faces with a published detector. Its threshold is low
// enough to let it see some in a cat.
func TestDetector(t *testing.T) {
	data, err := os.ReadFile(testenv.File(t, "onnx", "real", "face_rfb320.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	net, _, err := onnx.Freeze(data, onnx.Options{Meta: weights.Meta{
		Preparation: weights.Preparation{
			Kind: weights.Photo, Fit: weights.Stretch, Order: weights.RGB, Width: 320, Height: 240,
			Scale: 1, Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128},
		},
		Answer: weights.Answer{Kind: weights.Boxes, Head: "ssd", Least: 0.05, Overlap: 0.3, Most: 100},
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model, out := filepath.Join(dir, "faces.frz"), filepath.Join(dir, "boxes.png")
	if err := weights.Save(model, net); err != nil {
		t.Fatal(err)
	}
	cat := testenv.File(t, "onnx", "real", "cat.png")
	if err := detect(model, cat, out); err != nil {
		t.Fatal(err)
	}

	was, is := read(t, cat), read(t, out)
	if was.Bounds() != is.Bounds() {
		t.Fatalf("%v, want %v", is.Bounds(), was.Bounds())
	}
	red := 0
	for y := is.Bounds().Min.Y; y < is.Bounds().Max.Y; y++ {
		for x := is.Bounds().Min.X; x < is.Bounds().Max.X; x++ {
			if r, g, b, _ := is.At(x, y).RGBA(); r == 0xffff && g == 0 && b == 0 {
				red++
			}
		}
	}
	if red < 100 {
		t.Errorf("%d pixels of boxes", red)
	}
	if err := detect(model, "missing.png", out); err == nil {
		t.Error("no error for a picture that is missing")
	}
}

func read(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
