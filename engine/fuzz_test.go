package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
)

// fixSums puts right the checksums of a model file, as weights/FORMAT.md has
// them: otherwise no changed file would get past them.
func fixSums(data []byte) {
	const header, entry, table = 32, 32, 128
	if len(data) < table {
		return
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	for e := data[header:table]; len(e) > 0; e = e[entry:] {
		offset, length := binary.LittleEndian.Uint64(e[8:]), binary.LittleEndian.Uint64(e[16:])
		if offset <= uint64(len(data)) && length <= uint64(len(data))-offset {
			binary.LittleEndian.PutUint32(e[24:], crc32.Checksum(data[offset:offset+length], castagnoli))
		}
	}
	sum := crc32.Update(crc32.Checksum(data[:28], castagnoli), castagnoli, data[header:table])
	binary.LittleEndian.PutUint32(data[28:], sum)
}

// FuzzModel opens and runs whatever a file can say: it is refused, or it
// computes within the memory that it was given, and the same twice.
func FuzzModel(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("..", "weights", "testdata", "v1.frz"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	l := newLayers(f, kernels.F32)
	x := l.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, l.input(1, 3, 8, 8))
	x = l.conv(kernels.Conv{Groups: 1, Channels: 4, Act: relu, Pool: true, Algorithm: kernels.WinogradF4}, 3, 1, x)
	x = l.conv(kernels.Conv{Groups: 4, Channels: 4}, 3, 1, x)
	x = l.step(&kernels.Softmax{Axis: 1}, l.fully(5, relu, l.step(&kernels.Reshape{Shape: []int{1, 64}}, x)))
	l.output(x)
	l.net.Meta.Preparation = weights.Preparation{Kind: weights.Photo, Order: weights.BGR, Fit: weights.Pad, Width: 8, Height: 8, Scale: 1, Std: [3]float32{1, 1, 1}}
	small, err := weights.Marshal(l.net)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	// Steps whose tables are made from numbers in the file.
	l = newLayers(f, kernels.F32)
	x = l.input(1, 8, 8, 4)
	x = l.step(&kernels.Pool{Window: kernels.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}}, Ceil: true}, x)
	x = l.step(&kernels.Resize{Mode: kernels.Linear, Scale: [2]float32{2, 2}, Size: [2]int{10, 10}}, x)
	x = l.step(&kernels.Padding{Mode: kernels.PadEdge, Before: []int{0, 1, 1, 0}, After: []int{0, 2, 0, 0}}, x)
	l.output(l.step(&kernels.Concat{Axis: 3}, x, x))
	tables, err := weights.Marshal(l.net)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tables)
	for _, data := range [][]byte{golden, small, tables} {
		if _, err := Parse(data); err != nil {
			f.Fatal(err) // a seed that is refused leads nowhere
		}
	}

	picture := image.NewNRGBA(image.Rect(-3, 2, 12, 9))
	for i := range picture.Pix {
		picture.Pix[i] = byte(37 * i)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data)
		fixSums(data)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Parse(data)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<30+64*uint64(len(data)) {
			t.Fatalf("%d bytes were allocated for a file of %d", n, len(data))
		}
		if err != nil {
			if !errors.Is(err, weights.ErrFormat) && !errors.Is(err, weights.ErrVersion) {
				t.Fatalf("an error of an unknown kind: %v", err)
			}
			return
		}
		defer m.Close()
		m.Inputs()
		m.Outputs()
		work := int64(0)
		for _, s := range m.Steps() {
			work = add(work, s.Work)
		}
		batch := 1
		if m.net.Batched {
			batch = 2
		}
		memory, err := m.Memory(batch)
		if err != nil && !errors.Is(err, ErrMemory) {
			t.Fatal(err)
		}
		// A file may ask for more work than a fuzzer has time for.
		if err != nil || work > 3e7 || memory.Tensors > 1<<22 {
			return
		}
		s, err := m.NewSession(SessionOptions{Batch: batch, Threads: 2, MaxMemory: 1 << 24})
		if err != nil {
			if !errors.Is(err, ErrMemory) {
				t.Fatal(err)
			}
			return
		}
		defer s.Close()
		for i := range m.Inputs() {
			for j := range s.Input(i) {
				s.Input(i)[j] = float32(j%7) - 3
			}
		}
		if err := s.Run(batch); err != nil {
			t.Fatal(err)
		}
		var first [][]float32
		for i := range m.Outputs() {
			first = append(first, slices.Clone(s.Output(i)))
		}
		if err := s.Run(batch); err != nil {
			t.Fatal(err)
		}
		for i := range first {
			compare(t, "the second run", s.Output(i), first[i])
		}
		m.Classify(picture, 3)
	})
}

// FuzzPicture prepares pictures of every type and any size, whole or parts of
// larger ones, for inputs of every kind: numbers come out, or an error.
func FuzzPicture(f *testing.F) {
	f.Add([]byte{0, 9, 7, 0, 0, 0, 5, 4, 0, 1, 2, 3, 255})
	f.Add([]byte{1, 1, 1, 1, 1, 1, 8, 8, 3, 9})
	f.Add([]byte{2, 255, 3, 2, 2, 2, 1, 30, 200, 0, 200, 100, 50, 255})
	f.Add([]byte{3, 40, 44, 9, 0, 0, 0, 0, 0, 0, 0, 255, 7})
	f.Add([]byte("\x04p0\x03 strokes of a pen on paper that was lying about"))
	f.Add([]byte("\x05@@\x01\x01 sixteen bits and a palette \x00\xff\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 10 {
			return
		}
		head, pixels := data[:9], data[9:]
		img := picture(head[0], int(head[1]), int(head[2]), pixels)
		p := &weights.Preparation{
			Kind: weights.Photo, Order: weights.Order(head[3] % 3), Fit: weights.Fit(head[4] % 3),
			Width: 1 + int(head[6])%64, Height: 1 + int(head[7])%64, Resize: int(head[8]) * int(head[5]),
			Scale: 1. / 255, Mean: [3]float32{0.5, 0.4, 0.3}, Std: [3]float32{0.2, 0.3, 0.4},
		}
		if head[3] >= 128 {
			p = digitPreparation
		}
		dst := make([]float32, p.Order.Channels()*p.Width*p.Height)
		for i := range dst {
			dst[i] = float32(math.NaN()) // what is not written shows
		}
		if err := prepare(dst, img, p); err != nil {
			if !errors.Is(err, ErrBlank) && !errors.Is(err, ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		for i, v := range dst {
			if !(v >= -5 && v <= 5) {
				t.Fatalf("element %d of %d is %v", i, len(dst), v)
			}
		}
	})
}

// picture makes an image of one of the types of package image. Those of odd
// kinds are a part of a larger one.
func picture(kind byte, w, h int, pixels []byte) image.Image {
	r := image.Rect(-2, 1, w-2, h+1)
	var img interface {
		image.Image
		SubImage(image.Rectangle) image.Image
	}
	var pix []byte
	switch kind / 2 % 8 {
	case 0:
		m := image.NewGray(r)
		img, pix = m, m.Pix
	case 1:
		m := image.NewNRGBA(r)
		img, pix = m, m.Pix
	case 2:
		m := image.NewRGBA(r) // more colour than opacity allows, too
		img, pix = m, m.Pix
	case 3:
		// Left of zero, package image makes fewer samples of colour than its
		// own At reads.
		r = r.Add(image.Pt(2, 0))
		m := image.NewYCbCr(r, image.YCbCrSubsampleRatio(kind/16%6))
		copy(m.Cb, pixels)
		img, pix = m, m.Y
	case 4:
		m := image.NewPaletted(r, color.Palette{color.Black, color.White, color.NRGBA{9, 200, 30, 40}, color.CMYK{1, 2, 3, 4}})
		img, pix = m, m.Pix
	case 5:
		m := image.NewNRGBA64(r)
		img, pix = m, m.Pix
	case 6:
		m := image.NewGray16(r)
		img, pix = m, m.Pix
	default:
		m := image.NewCMYK(r)
		img, pix = m, m.Pix
	}
	for i := range pix {
		pix[i] = pixels[i*31%len(pixels)]
	}
	if kind%2 == 1 {
		return img.SubImage(r.Inset(1))
	}
	return img
}
