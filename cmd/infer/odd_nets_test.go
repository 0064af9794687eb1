package main

import (
	"bytes"
	"image"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/cmd/infer/internal/npy"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
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
		Values: []weights.Value{{Name: "x", Type: tensor.Floats(1, 4)}, {Name: "y", Type: tensor.Floats()}},
		Inputs: []int{0}, Outputs: []int{1},
		Steps: []weights.Step{
			{Name: "mean", Spec: &kernels.Reduce{Axes: []int{0, 1}}, In: []int{0}, Out: []int{1}},
		},
	})
	out := filepath.Join(t.TempDir(), "y.npy")
	mustInfer(t, "run", "--model", model, "--input", writeTensor(t, []int{1, 4}, []float32{1, 2, 3, 6}), "--output", out)
	if got := readTensor(t, out); len(got.Shape) != 0 || !slices.Equal(got.Floats(), []float32{3}) {
		t.Errorf("the mean is %v of shape %v, want 3 of no dimension", got.Floats(), got.Shape)
	}
	mustInfer(t, "inspect", model)
}

// Inputs and outputs are read and written as what they are.
func TestRunIntegers(t *testing.T) {
	long := tensor.Type{Elem: tensor.I64, Shape: tensor.Shape{1, 2}}
	model := saveNet(t, &weights.Net{
		Batched: true,
		Values:  []weights.Value{{Name: "x", Type: long}, {Name: "y", Type: long}},
		Inputs:  []int{0}, Outputs: []int{1},
		Steps: []weights.Step{{Name: "twice", Spec: &kernels.Binary{Kind: kernels.Add}, In: []int{0, 0}, Out: []int{1}}},
	})
	out := filepath.Join(t.TempDir(), "y.npy")
	var b bytes.Buffer
	if err := npy.Write(&b, &npy.Array{Elem: tensor.I64, Shape: []int{2, 2}, Data: tensor.Bytes([]int64{-3, 1 << 40, 5, -1 << 50})}); err != nil {
		t.Fatal(err)
	}
	mustInfer(t, "run", "--model", model, "--input", write(t, "x.npy", b.Bytes()), "--output", out)
	want := &npy.Array{Elem: tensor.I64, Shape: []int{2, 2}, Data: tensor.Bytes([]int64{-6, 1 << 41, 10, -1 << 51})}
	if got := readTensor(t, out); got.Elem != want.Elem || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("%v, want %v", got, want)
	}
	mustFail(t, exitFailed, []string{`its elements are f32, but input "x" takes i64`}, "run", "--model", model, "--input", writeTensor(t, []int{1, 2}, []float32{1, 2}), "--output", out)
}

// A tensor whose batch is not its first dimension is written as the model has it.
func TestRunBatchBehind(t *testing.T) {
	for _, c := range []struct {
		shape   []int
		x, want []float32
	}{
		{[]int{3, 2, 2}, []float32{1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400}, []float32{2, 4, 20, 40, 200, 400, 6, 8, 60, 80, 600, 800}},
		{[]int{1, 2, 2}, []float32{1, 2, 3, 4}, []float32{2, 4, 6, 8}},
	} {
		model := saveNet(t, &weights.Net{
			Batched: true,
			Values:  []weights.Value{{Name: "x", Type: tensor.Floats(1, 2, 2)}, {Name: "y", Type: tensor.Floats(1, 2, 2)}},
			Inputs:  []int{0}, Outputs: []int{1}, BatchDims: []int{1},
			Steps: []weights.Step{{Name: "twice", Spec: &kernels.Binary{Kind: kernels.Add}, In: []int{0, 0}, Out: []int{1}}},
		})
		out := filepath.Join(t.TempDir(), "y.npy")
		mustInfer(t, "run", "--model", model, "--output", out, "--input", writeTensor(t, c.shape, c.x))
		if got := readTensor(t, out); !slices.Equal(got.Shape, []int{2, c.shape[0], 2}) || !slices.Equal(got.Floats(), c.want) {
			t.Errorf("%v of shape %v, want %v", got.Floats(), got.Shape, c.want)
		}
	}
}

// An open dimension in front is not the batch.
func TestRunOpenFirst(t *testing.T) {
	model := saveNet(t, &weights.Net{
		Values: []weights.Value{{Name: "x", Type: tensor.Floats(5, 1, 2)}, {Name: "y", Type: tensor.Floats(5, 1, 2)}},
		Inputs: []int{0}, Outputs: []int{1},
		Open:  []weights.OpenDim{{Name: "time", At: []weights.Axis{{Input: 0, Dim: 0}}, Size: 5, Multiple: 1, Least: 1, Most: 100}},
		Steps: []weights.Step{{Name: "twice", Spec: &kernels.Binary{Kind: kernels.Add}, In: []int{0, 0}, Out: []int{1}}},
	})
	out := filepath.Join(t.TempDir(), "y.npy")
	mustInfer(t, "run", "--model", model, "--output", out, "--input", writeTensor(t, []int{3, 1, 2}, []float32{1, 2, 3, 4, 5, 6}))
	if got := readTensor(t, out); !slices.Equal(got.Shape, []int{3, 1, 2}) || !slices.Equal(got.Floats(), []float32{2, 4, 6, 8, 10, 12}) {
		t.Errorf("%v of shape %v", got.Floats(), got.Shape)
	}
}

// Of an output whose number of rows is found at a run, only these are written.
func TestRunRows(t *testing.T) {
	model := saveNet(t, &weights.Net{
		Values: []weights.Value{
			{Name: "boxes", Type: tensor.Floats(1, 3, 4)}, {Name: "scores", Type: tensor.Floats(1, 1, 3)},
			{Name: "rows", Type: tensor.Type{Elem: tensor.I64, Shape: tensor.Shape{3, 3}}},
		},
		Inputs: []int{0, 1}, Outputs: []int{2},
		Steps: []weights.Step{{Name: "best", Spec: &kernels.NonMaxSuppression{Most: 3, Overlap: 0.5}, In: []int{0, 1}, Out: []int{2}}},
	})
	out := filepath.Join(t.TempDir(), "y.npy")
	mustInfer(t, "run", "--model", model,
		"--input", writeTensor(t, []int{1, 3, 4}, []float32{0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 5, 5}),
		"--input", writeTensor(t, []int{1, 1, 3}, []float32{0.5, 0.6, 0.7}), "--output", out)
	want := tensor.Bytes([]int64{0, 0, 2, 0, 0, 1})
	if got := readTensor(t, out); !slices.Equal(got.Shape, []int{2, 3}) || !bytes.Equal(got.Data, want) {
		t.Errorf("% x of shape %v, want % x", got.Data, got.Shape, want)
	}
}

// A net may begin with a scalar, which is a picture of one pixel to eval.
func TestEvalScalarInput(t *testing.T) {
	model := saveNet(t, &weights.Net{
		Values: []weights.Value{{Name: "x", Type: tensor.Floats()}, {Name: "one", Type: tensor.Floats(1)}, {Name: "y", Type: tensor.Floats(2)}},
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
		Values: []weights.Value{{Name: "x", Type: tensor.Floats(1, 4)}},
		Inputs: []int{0}, Outputs: []int{0},
	})
	mustInfer(t, "bench", "--model", model, "--duration", "10ms", "--layers")
}

// What a net computes one at a time is asked for in batches.
func TestBatchOfOne(t *testing.T) {
	model := saveNet(t, twoClasses(1, 1))
	remedy := []string{"infer: " + model + ": batch out of range: 4", "infer convert --batch"}
	mustFail(t, exitFailed, remedy, "bench", "--model", model, "--batch", "4")
	images, labels := idxFile(t, make([]byte, 8), 4, 1, 2), idxFile(t, make([]byte, 4), 4)
	mustFail(t, exitFailed, remedy, "eval", "--model", model, "--images", images, "--labels", labels, "--batch", "4")
	mustInfer(t, "eval", "--model", model, "--images", images, "--labels", labels)
	mustFail(t, exitFailed, []string{"infer: " + model + ": 2000 threads"}, "bench", "--model", model, "--threads", "2000")
}

// A confusion matrix of many classes would be no use to people.
func TestEvalManyClasses(t *testing.T) {
	net := twoClasses(make([]float32, 30)...)
	net.Meta.Preparation.Width = 30
	for i := range net.Values {
		net.Values[i].Shape[3] = 30
	}
	text := mustInfer(t, "eval", "--model", saveNet(t, net), "--images", idxFile(t, make([]byte, 30), 1, 1, 30), "--labels", idxFile(t, []byte{0}, 1))
	if !strings.Contains(text, "no confusion matrix of 30 classes") {
		t.Errorf("it says %q", text)
	}
}

// twoClasses is a net whose scores are those of two pixels, times factors.
func twoClasses(factors ...float32) *weights.Net {
	return &weights.Net{
		Meta: weights.Meta{Preparation: weights.Preparation{
			Kind: weights.Photo, Fit: weights.Stretch, Width: 2, Height: 1, Scale: 1, Std: [3]float32{1, 1, 1},
		}},
		Values: []weights.Value{{Name: "x", Type: tensor.Floats(1, 1, 1, 2)}, {Name: "y", Type: tensor.Floats(1, 1, 1, 2)}},
		Inputs: []int{0}, Outputs: []int{1},
		Steps:  []weights.Step{{Name: "scale", Spec: &kernels.Binary{Kind: kernels.Mul}, In: []int{0}, Out: []int{1}, Params: []int{0}}},
		Params: []kernels.Param{kernels.PlainParam([]int{len(factors)}, factors)},
	}
}

func gray(t *testing.T, pixels ...byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, &image.Gray{Pix: pixels, Stride: len(pixels), Rect: image.Rect(0, 0, len(pixels), 1)}); err != nil {
		t.Fatal(err)
	}
	return write(t, "gray.png", b.Bytes())
}

// JSON has no infinities: an answer with one is an error, and the other
// pictures are still answered.
func TestAnswerThatIsNoJSON(t *testing.T) {
	net := twoClasses(1, -3e38)
	net.Meta.Answer.Kind = weights.Probabilities
	bad := gray(t, 255, 255)
	code, out, complaint := infer("", "--model", saveNet(t, net), "--top", "2", "--json", bad, gray(t, 255, 0))
	if code != exitFailed || strings.Count(out, "\n") != 1 || !strings.Contains(complaint, bad) {
		t.Errorf("exit code %d, output %q, complaint %q", code, out, complaint)
	}
}

// TestOtherElements gives the command a net of bytes: what it cannot show it
// refuses, and the rest works.
func TestOtherElements(t *testing.T) {
	bytesOf := func(shape ...int) tensor.Type { return tensor.Type{Elem: tensor.U8, Shape: shape} }
	net := &weights.Net{
		Values: []weights.Value{{Name: "x", Type: bytesOf(1, 1, 1, 2)}, {Name: "y", Type: bytesOf(1, 2)}},
		Inputs: []int{0}, Outputs: []int{1},
		Steps: []weights.Step{{Name: "flat", Spec: &kernels.Reshape{Shape: []int{1, 2}}, In: []int{0}, Out: []int{1}}},
	}
	file := saveNet(t, net)
	x := write(t, "x.npy", npyOf(t, 1, 1, 1, 2))
	for _, args := range [][]string{
		{"run", "--model", file, "--input", x, "--output", filepath.Join(t.TempDir(), "y.npy")},
		{"eval", "--model", file, "--images", idxFile(t, make([]byte, 2), 1, 1, 2), "--labels", idxFile(t, []byte{0}, 1)},
	} {
		if code, _, complaint := infer("", args...); code != exitFailed || strings.Count(complaint, "\n") != 1 {
			t.Errorf("%s: exit code %d, complaint %q", args[0], code, complaint)
		}
	}
	for _, args := range [][]string{{"inspect", file}, {"bench", "--model", file, "--duration", "10ms"}} {
		mustInfer(t, args...)
	}
}

// npyOf is a file of zeros.
func npyOf(t *testing.T, shape ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, npy.Floats(shape, make([]float32, tensor.Shape(shape).Volume()))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
