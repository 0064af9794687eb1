package main

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"math"
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
	input := make([]float32, 3000)
	var values []byte
	for i := range input {
		input[i] = float32(i)
		off := float32(0.5)
		if i < 2 {
			off = 100 // a thousandth may be anything
		}
		values = binary.LittleEndian.AppendUint32(values, math.Float32bits(input[i]+off))
	}
	if d := inputDifference(input, values); math.Abs(d-0.5*0.229) > 1e-3 {
		t.Errorf("%v", d)
	}
}
