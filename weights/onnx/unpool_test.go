package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestMaxUnpool puts the maxima of pools back where they were, in one to three
// dimensions, of one item and of several.
func TestMaxUnpool(t *testing.T) {
	for _, dims := range [][]int{{1, 2, 8}, {0, 2, 8}, {2, 2, 4, 6}, {0, 3, 4, 6}, {1, 2, 4, 2, 6}, {2, 2, 4, 2, 6}} {
		for _, order := range []int{0, 1} {
			t.Run(fmt.Sprint(dims, order), func(t *testing.T) {
				m := newModel(12)
				m.input("x", dims...)
				window := slices.Repeat([]int64{2}, len(dims)-2)
				m.node("MaxPool", "x", "p i", attr{"kernel_shape", window}, attr{"strides", window}, attr{"storage_order", order})
				m.node("MaxUnpool", "p i", "y", attr{"kernel_shape", window}, attr{"strides", window})
				m.output("y")
				if dims[0] > 0 {
					m.output("i")
				}
				net, report, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				n, shape := 1, tensor.Shape(slices.Clone(dims))
				if dims[0] == 0 {
					if !net.Batched {
						t.Fatalf("not batched: %s", report.Unbatched)
					}
					n, shape[0] = 3, 3
				}
				x := make([]float32, shape.Volume())
				for i := range x {
					x[i] = m.rand.Float32() + 0.5
				}
				out := runBytes(t, net, nil, n, tensor.Bytes(x))
				y := tensor.Slice[float32](out[0])
				area, count := shape[2:].Volume(), 0
				for i, v := range y {
					if v == 0 {
						continue
					}
					count++
					at := i
					if order == 1 { // i counts the columns of a channel
						at = i / area * area
						rest := i % area
						size := shape[2:]
						stride := size.Strides()
						for d := range size {
							at += rest % size[d] * stride[d]
							rest /= size[d]
						}
					}
					if x[at] != v {
						t.Errorf("element %d is %v, want %v or 0", i, v, x[at])
					}
				}
				if want := len(x) >> len(window); count != want {
					t.Errorf("%d elements are not 0, want %d", count, want)
				}
				if dims[0] == 0 {
					return
				}
				for i, place := range tensor.Slice[int64](out[1]) {
					if y[place] == 0 || int(place) < i/(len(x)>>len(window)/shape[0])*shape[1:].Volume() {
						t.Errorf("place %d is %d", i, place)
					}
				}
			})
		}
	}
	// A shape of its own, in which the places are.
	m := newModel(11)
	m.input("x", 1, 1, 2, 2)
	m.tensors = append(m.tensors, testTensor{"i", typeInt64, []int{1, 1, 2, 2}, rawInts(6, 8, 20, 24)})
	m.ints("shape", 1, 1, 5, 5)
	m.node("MaxUnpool", "x i shape", "y", attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{2, 2}})
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 25)
	want[6], want[8], want[20], want[24] = 5, 6, 7, 8
	if got := run(t, net, 1, []float32{5, 6, 7, 8})[0]; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// rawInts are int64 as ONNX stores them.
func rawInts(x ...int64) []byte { return slices.Clone(tensor.Bytes(x)) }

// TestPlacesMixItems: places in a whole tensor are not those of an item, so that
// a net which returns them has no batch.
func TestPlacesMixItems(t *testing.T) {
	m := newModel(12)
	m.input("x", 0, 1, 4)
	m.node("MaxPool", "x", "p i", attr{"kernel_shape", []int64{2}})
	m.output("p", "i")
	net, report, err := Freeze(m.bytes(), Options{})
	if err != nil || net.Batched || !strings.Contains(report.Unbatched, "constants depend on the batch") {
		t.Errorf("batched, or for another reason than %q: %v", report.Unbatched, err)
	}
}

// TestSuppression picks boxes, and says how many.
func TestSuppression(t *testing.T) {
	m := newModel(11)
	m.input("boxes", 1, 4, 4)
	m.input("scores", 1, 2, 4)
	m.ints("most", 3)
	m.floats("overlap", []int{1}, 0.5)
	m.floats("least", []int{1}, 0.3)
	m.node("NonMaxSuppression", "boxes scores most overlap least", "y")
	m.output("y")
	net, report, err := Freeze(m.bytes(), Options{})
	if err != nil || net.Batched {
		t.Fatalf("batched is %v: %v, %v", net.Batched, report, err)
	}
	boxes := []float32{0, 0, 2, 2, 0, 0, 2, 1.9, 5, 5, 7, 7, 2, 2, 0, 0.1}
	scores := []float32{0.5, 0.6, 0.2, 0.9, 0.5, 0.4, 0.7, 0.1}
	got := tensor.Slice[int64](runBytes(t, net, nil, 1, tensor.Bytes(boxes), tensor.Bytes(scores))[0])
	want := []int64{0, 0, 3, 0, 1, 2, 0, 1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestHostileBoxes has counts that no memory holds.
func TestHostileBoxes(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  string
	}{
		{"boxes", func(m *model) {
			m.input("boxes", 1, 1<<22, 4)
			m.input("scores", 1, 1, 1<<22)
			m.ints("most", 1<<40)
			m.node("NonMaxSuppression", "boxes scores most", "y")
		}, "are too many"},
		{"bins", func(m *model) {
			m.input("x", 1, 1, 4, 4)
			m.input("rois", 1, 4)
			m.tensors = append(m.tensors, testTensor{"at", typeInt64, []int{1}, rawInts(0)})
			m.node("RoiAlign", "x rois at", "y", attr{"output_height", 1 << 24}, attr{"output_width", 1 << 24})
		}, "are empty, or too many"},
		{"samples", func(m *model) {
			m.input("x", 1, 1, 4, 4)
			m.input("rois", 1, 4)
			m.tensors = append(m.tensors, testTensor{"at", typeInt64, []int{1}, rawInts(0)})
			m.node("RoiAlign", "x rois at", "y", attr{"sampling_ratio", 1 << 24})
		}, "samples are not from 0 to 1024"},
		{"an unpooled map", func(m *model) {
			m.input("x", 1, 1, 4, 4)
			m.tensors = append(m.tensors, testTensor{"i", typeInt64, []int{1, 1, 4, 4}, make([]byte, 128)})
			m.node("MaxUnpool", "x i", "y", attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{1 << 28, 1 << 28}})
		}, "too large"},
	} {
		m := newModel(16)
		c.build(m)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
		}
	}
}
