package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exportsVar names the environment variable that lists folders of exported
// models, as testdata/exports.py makes them: NAME.onnx, NAME.input.npy,
// NAME.output.npy, with _1 and so on for further inputs and outputs. They are
// too many to be kept here.
const exportsVar = "INFER_EXPORTS"

// TestExports compares exported models with what their exporter computed.
func TestExports(t *testing.T) {
	dirs := filepath.SplitList(os.Getenv(exportsVar))
	if len(dirs) == 0 {
		t.Skipf("%s names no folder of exported models", exportsVar)
	}
	for _, dir := range dirs {
		models, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
		if err != nil || len(models) == 0 {
			t.Fatalf("no models in %s: %v", dir, err)
		}
		for _, path := range models {
			t.Run(filepath.Base(path), func(t *testing.T) { testExport(t, strings.TrimSuffix(path, ".onnx")) })
		}
	}
}

func testExport(t *testing.T, path string) {
	model, err := os.ReadFile(path + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	net, report, err := Freeze(model, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Unbatched != "" {
		t.Errorf("not batched: %s", report.Unbatched)
	}
	numbered := func(what string, i int) string {
		if i == 0 {
			return fmt.Sprintf("%s.%s.npy", path, what)
		}
		return fmt.Sprintf("%s.%s_%d.npy", path, what, i)
	}
	n, repeat := 1, 1
	var in [][]float32
	for i := range net.Inputs {
		shape, x := readNpy(t, numbered("input", i))
		if net.Batched {
			n = shape[0]
		}
		in = append(in, x)
	}
	if net.Batched && n == 1 {
		repeat = 8
		for i, x := range in {
			for range repeat - 1 {
				in[i] = append(in[i], x...)
			}
		}
	}
	for i, got := range run(t, net, n*repeat, in...) {
		_, want := readNpy(t, numbered("output", i))
		for r := range repeat {
			if diff := relativeDifference(t, got[r*len(want):][:len(want)], want); !(diff <= 1e-4) {
				t.Errorf("output %d differs by %.2g of its range", i, diff)
			}
		}
		t.Logf("output %d differs by %.2g of its range", i, relativeDifference(t, got[:len(want)], want))
	}
}
