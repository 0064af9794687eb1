package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
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
	l := newLayers(f, tensor.F32)
	x := l.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, l.input(1, 3, 8, 8))
	x = l.conv(kernels.Conv{Groups: 1, Channels: 4, Act: relu, Pool: true, Winograd: kernels.WinogradF4}, 3, 1, x)
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
	l = newLayers(f, tensor.F32)
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
	open, err := weights.Marshal(openPicture(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(open)
	for _, data := range [][]byte{golden, small, tables, open} {
		if _, err := Parse(data); err != nil {
			f.Fatal(err) // a seed that is refused leads nowhere
		}
	}

	img := image.NewNRGBA(image.Rect(-3, 2, 12, 9))
	for i := range img.Pix {
		img.Pix[i] = byte(37 * i)
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
		tryOtherSizes(t, m)
		work := int64(0)
		for _, s := range m.Steps() {
			work = add(work, s.Work)
		}
		batch := 1
		if m.net.Batched {
			batch = 2
		}
		sizes := ownSizes(m.net)
		memory, err := m.Memory(batch, sizes...)
		if err != nil && !errors.Is(err, ErrMemory) {
			t.Fatal(err)
		}
		// A file may ask for more work than a fuzzer has time for.
		if err != nil || work > 3e7 || memory.Tensors > 1<<22 {
			return
		}
		s, err := m.NewSession(SessionOptions{Batch: batch, Threads: 2, MaxMemory: 1 << 24, Sizes: sizes})
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
		m.Classify(img, 3)
	})
}

// tryOtherSizes runs a model at the sizes of its open dimensions that come next,
// if that does not take long.
func tryOtherSizes(t *testing.T, m *Model) {
	if len(m.Open()) == 0 {
		return
	}
	var sizes []int
	for _, d := range m.Open() {
		sizes = append(sizes, min(d.Size+d.Multiple, d.Most))
	}
	s, err := m.NewSession(SessionOptions{MaxMemory: 1 << 24, Sizes: sizes})
	if err != nil {
		if !errors.Is(err, ErrMemory) && !errors.Is(err, ErrSize) {
			t.Fatal(err)
		}
		return
	}
	defer s.Close()
	work := int64(0)
	for _, step := range s.Steps() {
		work = add(work, step.Work)
	}
	if work < 3e7 {
		if err := s.Run(1); err != nil {
			t.Fatal(err)
		}
	}
}
