package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/weights"
)

// A pictureResult is the way of a picture from its bytes to an ImageNet net's
// input: the least CPU time of each stage in nanoseconds, ours and that of others.
type pictureResult struct {
	Picture string `json:"picture"`
	Bytes   int    `json:"bytes"`

	Decode    float64    `json:"decode_ns"`
	Reduced   [3]float64 `json:"decode_reduced_ns"` // at 1/2, 1/4, 1/8
	Prepare   float64    `json:"prepare_ns"`        // of what was decoded whole
	FromBytes float64    `json:"from_bytes_ns"`     // decoded as the input needs it, and prepared
	ImageJPEG float64    `json:"image_jpeg_ns"`     // image/jpeg's decoding

	Pillow     *pillow `json:"pillow"`     // nil if there is none
	Difference float64 `json:"difference"` // from torchvision's input, of its range of values: 99.9th percentile
}

// pillow is what Pillow and torchvision take.
type pillow struct {
	Decode    float64 `json:"decode"`
	Draft     float64 `json:"draft"` // at a reduced size
	Transform float64 `json:"transform"`
}

// imagenet is how torchvision's models have their pictures.
var imagenet = weights.Preparation{
	Kind: weights.Photo, Fit: weights.Crop, Order: weights.RGB, Width: 224, Height: 224, Resize: 256,
	Scale: 1. / 255, Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
}

func (b *bench) racePictures() error {
	if b.photos != "" {
		return b.comparePhotos()
	}
	for _, p := range []struct {
		name          string
		width, height int
		noise         float64
		quality       int
	}{
		{"12 megapixels, smooth", 4000, 3000, 1, 92}, {"12 megapixels, dense", 4000, 3000, 8, 85},
		{"1280×960", 1280, 960, 4, 92}, {"640×480", 640, 480, 4, 92},
	} {
		var data bytes.Buffer
		if err := jpeg.Encode(&data, somePhoto(p.width, p.height, p.noise), &jpeg.Options{Quality: p.quality}); err != nil {
			return err
		}
		r, err := racePicture(p.name, data.Bytes(), b.rounds)
		if err != nil {
			return err
		}
		r.print()
		b.Pictures = append(b.Pictures, r)
	}
	return nil
}

// somePhoto has slopes, edges, and noise of a standard deviation.
func somePhoto(w, h int, noise float64) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			p := m.Pix[m.PixOffset(x, y):]
			for c := range 3 {
				s := 128 + 90*math.Sin(6*u+float64(c))*math.Cos(5*v*float64(c+1))
				if math.Hypot(u-0.5, v-0.4) < 0.25 {
					s = 255 - s
				}
				p[c] = uint8(min(255, max(0, s+noise*rng.NormFloat64())))
			}
			p[3] = 255
		}
	}
	return m
}

// racePicture measures one picture, all contenders in turns.
func racePicture(name string, data []byte, rounds int) (pictureResult, error) {
	r := pictureResult{Picture: name, Bytes: len(data)}
	input := make([]float32, 3*imagenet.Width*imagenet.Height)
	var whole image.Image
	works := []struct {
		best *float64
		run  func() error
	}{
		{&r.Decode, func() (err error) { whole, err = picture.DecodeJPEG(data, 1); return err }},
		{&r.Reduced[0], func() error { _, err := picture.DecodeJPEG(data, 2); return err }},
		{&r.Reduced[1], func() error { _, err := picture.DecodeJPEG(data, 4); return err }},
		{&r.Reduced[2], func() error { _, err := picture.DecodeJPEG(data, 8); return err }},
		{&r.ImageJPEG, func() error { _, err := jpeg.Decode(bytes.NewReader(data)); return err }},
		{&r.Prepare, func() error { _, err := picture.Prepare(input, whole, &imagenet, picture.Planar); return err }},
		{&r.FromBytes, func() error { _, err := picture.PrepareBytes(input, data, &imagenet, picture.Planar); return err }},
	}
	for round := range rounds {
		for _, w := range works {
			start := cpuTime()
			if err := w.run(); err != nil {
				return r, err
			}
			if took := float64(cpuTime() - start); round == 0 || took < *w.best {
				*w.best = took
			}
		}
	}
	// Without Pillow and torchvision there is nothing to compare with.
	if p, theirs, err := pillowOf(data); err == nil {
		r.Pillow, r.Difference = p, inputDifference(input, theirs)
	}
	return r, nil
}

// cpuTime is how long the process has computed.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		log.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// pillowOf measures Pillow and torchvision, and returns the input that they make.
func pillowOf(data []byte) (*pillow, []float32, error) {
	folder, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	file, written := filepath.Join(folder, "picture"), filepath.Join(folder, "input")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, nil, err
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		var out []byte
		if out, err = exec.Command(python, "picture_reference.py", file, written).Output(); err == nil {
			p := new(pillow)
			if err := json.Unmarshal(out, p); err != nil {
				return nil, nil, err
			}
			values, err := os.ReadFile(written)
			if err != nil {
				return nil, nil, err
			}
			theirs := make([]float32, 3*imagenet.Width*imagenet.Height)
			if n, err := binary.Decode(values, binary.LittleEndian, theirs); err != nil || n != len(values) {
				return nil, nil, fmt.Errorf("picture_reference.py wrote %d bytes, %v", len(values), err)
			}
			return p, theirs, nil
		}
	}
	return nil, nil, err
}

// inputDifference is the 99.9th percentile of the differences between two inputs,
// of the range that a channel's values have.
func inputDifference(a, b []float32) float64 {
	n := len(a) / 3
	all := make([]float64, len(a))
	for i, v := range a {
		all[i] = math.Abs(float64(v-b[i])) * float64(imagenet.Std[i/n])
	}
	slices.Sort(all)
	return all[len(all)*999/1000]
}

func (r pictureResult) print() {
	ms := func(ns float64) string { return fmt.Sprintf("%.2f ms", ns/1e6) }
	fmt.Printf("%s, %d KB\n", r.Picture, r.Bytes>>10)
	fmt.Printf("  decode %s: image/jpeg takes %.1f times that; at 1/8 %s, %.1f times\n", ms(r.Decode), r.ImageJPEG/r.Decode, ms(r.Reduced[2]), r.ImageJPEG/r.Reduced[2])
	fmt.Printf("  prepare %s, from bytes to the input %s\n", ms(r.Prepare), ms(r.FromBytes))
	if p := r.Pillow; p != nil {
		fmt.Printf("  of Pillow and torchvision: prepare %.2f, from bytes %.2f, with draft %.2f; differences %.4f\n",
			r.Prepare/p.Transform, r.FromBytes/(p.Decode+p.Transform), r.FromBytes/(p.Draft+p.Transform), r.Difference)
	}
}
