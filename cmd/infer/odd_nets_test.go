package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
)

// saveNet writes a net to a file and returns its name.
func saveNet(t *testing.T, net *weights.Net) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "net.frz")
	if err := weights.Save(file, net); err != nil {
		t.Fatal(err)
	}
	return file
}

// A net may end in a scalar, as a mean over everything does.
func TestRunScalarOutput(t *testing.T) {
	model := saveNet(t, &weights.Net{
		Values: []weights.Value{{Name: "x", Shape: []int{1, 4}}, {Name: "y", Shape: []int{}}},
		Inputs: []int{0}, Outputs: []int{1},
		Steps: []weights.Step{
			{Name: "mean", Spec: &kernels.ReduceMean{Axes: []int{0, 1}}, In: []int{0}, Out: []int{1}},
		},
	})
	out := filepath.Join(t.TempDir(), "y.npy")
	mustInfer(t, "run", "--model", model, "--input", writeTensor(t, []int{1, 4}, []float32{1, 2, 3, 6}), "--output", out)
	if got := readTensor(t, out); len(got.Shape) != 0 || !slices.Equal(got.Data, []float32{3}) {
		t.Errorf("the mean is %v of shape %v, want 3 of no dimension", got.Data, got.Shape)
	}
	mustInfer(t, "inspect", model)
}

// A net may begin with a scalar, which is a picture of one pixel to eval.
func TestEvalScalarInput(t *testing.T) {
	model := saveNet(t, &weights.Net{
		Values: []weights.Value{{Name: "x", Shape: []int{}}, {Name: "one", Shape: []int{1}}, {Name: "y", Shape: []int{2}}},
		Inputs: []int{0}, Outputs: []int{2},
		Steps: []weights.Step{
			{Name: "one", Spec: &kernels.Reshape{Shape: []int{1}}, In: []int{0}, Out: []int{1}},
			{Name: "two", Spec: &kernels.Concat{Axis: 0}, In: []int{1, 1}, Out: []int{2}},
		},
	})
	mustInfer(t, "eval", "--model", model,
		"--images", idxFile(t, []byte{10, 20, 30}, 3, 1, 1), "--labels", idxFile(t, []byte{0, 0, 0}, 3))
}

// A net without steps answers with its input: there is nothing to measure.
func TestBenchWithoutSteps(t *testing.T) {
	model := saveNet(t, &weights.Net{
		Values: []weights.Value{{Name: "x", Shape: []int{1, 4}}},
		Inputs: []int{0}, Outputs: []int{0},
	})
	mustInfer(t, "bench", "--model", model, "--duration", "10ms", "--layers")
}
