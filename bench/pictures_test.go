package main

import (
	"bytes"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestRacePicture(t *testing.T) {
	var data bytes.Buffer
	if err := jpeg.Encode(&data, somePhoto(640, 480, 3), nil); err != nil {
		t.Fatal(err)
	}
	r, err := racePicture("small", data.Bytes(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Bytes != data.Len() || r.Decode <= 0 || r.Prepare <= 0 || r.FromBytes <= 0 || r.ImageJPEG <= 0 {
		t.Errorf("%+v", r)
	}
	// Pillow interpolates chroma, and edges of this picture are all colours.
	if r.Pillow != nil && r.Difference > 0.05 {
		t.Errorf("the input is %v of its range off torchvision's", r.Difference)
	}
	if _, err := racePicture("none", []byte("no picture"), 1); err == nil {
		t.Error("no picture was measured")
	}
}

func TestInputDifference(t *testing.T) {
	a, b := make([]float32, 3000), make([]float32, 3000)
	for i := range a {
		a[i], b[i] = float32(i), float32(i)+0.5
		if i < 2 {
			b[i] += 100 // a thousandth may be anything
		}
	}
	if d := inputDifference(a, b); math.Abs(d-0.5*0.229) > 1e-3 {
		t.Errorf("%v", d)
	}
}

func TestComparePhotos(t *testing.T) {
	folder := t.TempDir()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, somePhoto(640, 480, 3), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := pillowOf(data.Bytes()); err != nil {
		t.Skip("there is no torchvision: ", err)
	}
	if _, err := os.Stat(photoNet); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.jpg"), data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b := bench{photos: folder}
	if err := b.comparePhotos(); err != nil {
		t.Fatal(err)
	}
	if r := b.Photos[0]; r.Photo != "a.jpg" || r.Width != 640 || r.Height != 480 || r.Difference > 0.05 || r.Whole == 0 {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(filepath.Join(folder, "b.jpg"), []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.comparePhotos(); err == nil {
		t.Error("a file that is not a picture was compared")
	}
}
