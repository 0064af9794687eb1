package inferbeam

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// saveTable writes a net that looks an index up: 0 is 5, 1 is 6, 2 is 0, 3 is 8, and
// others have no result.
func saveTable(t *testing.T, path string) {
	t.Helper()
	long := tensor.Type{Elem: tensor.I64, Shape: tensor.Shape{1, 1}}
	check(t, weights.Save(path, &weights.Net{
		Batched: true,
		Values:  []weights.Value{{Name: "x", Type: long}, {Name: "y", Type: long}},
		Inputs:  []int{0}, Outputs: []int{1},
		Params: []kernels.Param{{Elem: tensor.I64, Shape: tensor.Shape{4}, Data: tensor.Bytes([]int64{5, 6, 0, 8})}},
		Steps:  []weights.Step{{Name: "y", Spec: &kernels.Gather{}, In: []int{0}, Out: []int{1}, Params: []int{0}}},
	}))
}

func archiveOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		check(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name]))}))
		_, err := w.Write(files[name])
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}
