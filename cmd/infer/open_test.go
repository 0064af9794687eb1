package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// colours writes a net that says which of a picture's channels is the greatest,
// at any size that is a multiple of 4. Its second output is its input.
func colours(t *testing.T, pictures bool) string {
	t.Helper()
	value := func(name string, shape ...int) weights.Value {
		return weights.Value{Name: name, Type: tensor.Floats(shape...)}
	}
	ones := [2]int{1, 1}
	net := &weights.Net{
		Batched: true,
		Values:  []weights.Value{value("x", 1, 3, 8, 12), value("map", 1, 8, 12, 3), value("mean", 1, 1, 1, 3), value("y", 1, 3), value("same", 1, 3, 8, 12)},
		Inputs:  []int{0}, Outputs: []int{3, 4},
		Steps: []weights.Step{
			{Name: "map", Spec: &kernels.Transpose{Perm: []int{0, 2, 3, 1}}, In: []int{0}, Out: []int{1}},
			{Name: "mean", Spec: &kernels.Pool{Window: kernels.Window{Kernel: [2]int{8, 12}, Stride: ones, Dilation: ones}, Kind: kernels.AveragePool}, In: []int{1}, Out: []int{2}},
			{Name: "y", Spec: &kernels.Reshape{Shape: []int{1, 3}}, In: []int{2}, Out: []int{3}},
			{Name: "same", Spec: &kernels.Unary{}, In: []int{0}, Out: []int{4}},
		},
		Open: []weights.OpenDim{
			{Name: "height", At: []weights.Axis{{Dim: 2}}, Size: 8, Multiple: 4, Least: 4, Most: 1024},
			{Name: "width", At: []weights.Axis{{Dim: 3}}, Size: 12, Multiple: 4, Least: 4, Most: 1024},
		},
		Growth: []weights.Growth{{Step: 1, Extent: 0, By: []int{4, 0, 0}}, {Step: 1, Extent: 1, By: []int{0, 4, 0}}},
		Meta:   weights.Meta{Name: "colours", Labels: []string{"red", "green", "blue"}},
	}
	if pictures {
		net.Meta.Preparation = weights.Preparation{Kind: weights.Photo, Order: weights.RGB, Fit: weights.Stretch, Scale: 1, Std: [3]float32{1, 1, 1}}
	}
	data, err := weights.Marshal(net)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "colours.frz", data)
}

// plainPicture writes a picture of one colour.
func plainPicture(t *testing.T, w, h int, c color.Color) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return write(t, "picture.png", b.Bytes())
}

func TestPicturesOfAnySize(t *testing.T) {
	net := colours(t, true)
	green, wide := plainPicture(t, 9, 5, color.NRGBA{10, 200, 30, 255}), plainPicture(t, 30, 4, color.NRGBA{10, 20, 250, 255})
	if got := mustInfer(t, "--model", net, green); got != "green\n" {
		t.Errorf("green is %q", got)
	}
	if got := mustInfer(t, "--model", net, green, wide); got != green+": green\n"+wide+": blue\n" {
		t.Errorf("two pictures are %q", got)
	}
	if got := mustInfer(t, "--model", net, "--input-size", "16x8", green, wide); got != green+": green\n"+wide+": blue\n" {
		t.Errorf("two pictures at one size are %q", got)
	}
	mustFail(t, exitFailed, []string{"picture.png", `"width" is 1028: at most 1024`}, "--model", net, plainPicture(t, 1025, 4, color.White))
	mustFail(t, exitFailed, []string{"colours.frz", `"height" is 15: only multiples of 4`}, "--model", net, "--input-size", "15x8", green)
	mustFail(t, exitFailed, []string{"the built-in net", "no dimension is open"}, "--input-size", "28x28", filepath.Join(testdata, "7.png"))
	mustFail(t, exitUsage, []string{"--input-size", "480x640"}, "--model", net, "--input-size", "big", green)
}

func TestRunAnySize(t *testing.T) {
	net, out, same := colours(t, false), filepath.Join(t.TempDir(), "y.npy"), filepath.Join(t.TempDir(), "same.npy")
	for _, shape := range [][]int{{1, 3, 8, 12}, {2, 3, 4, 4}, {3, 3, 16, 20}} {
		x := make([]float32, tensor.Shape(shape).Volume())
		for i := range x {
			x[i] = float32(i % 7)
		}
		mustInfer(t, "run", "--model", net, "--input", writeTensor(t, shape, x), "--output", out, "--output", same)
		if y := readTensor(t, out); !slices.Equal(y.Shape, []int{shape[0], 3}) {
			t.Errorf("%v: output of %v", shape, y.Shape)
		}
		if y := readTensor(t, same); !slices.Equal(y.Shape, shape) || !slices.Equal(y.Floats(), x) {
			t.Errorf("%v: the second output, of %v, is not the input", shape, y.Shape)
		}
	}
	for _, c := range []struct {
		shape []int
		words []string
	}{
		{[]int{1, 3, 8, 13}, []string{"colours.frz", `"width" is 13: only multiples of 4`}},
		{[]int{1, 4, 8, 12}, []string{"x.npy", `input "x" takes N×3×height×width`}},
		{[]int{1, 3, 8}, []string{"takes N×3×height×width"}},
	} {
		x := writeTensor(t, c.shape, make([]float32, tensor.Shape(c.shape).Volume()))
		mustFail(t, exitFailed, c.words, "run", "--model", net, "--input", x, "--output", out)
	}
}

func TestBenchAnySize(t *testing.T) {
	net := colours(t, false)
	mustFail(t, exitFailed, []string{`leaves "height", "width" open`, "--input-size gives them, as 8x12"}, "bench", "--model", net, "--duration", "10ms")
	var b measurement
	if err := json.Unmarshal([]byte(mustInfer(t, "bench", "--model", net, "--duration", "20ms", "--json", "--layers", "--input-size", "40x20")), &b); err != nil {
		t.Fatal(err)
	}
	if b.Runs < 1 || len(b.Layers) != 3 {
		t.Errorf("measured %+v", b)
	}
}

func TestEvalAnySize(t *testing.T) {
	net := colours(t, true)
	var e evaluation
	text := mustInfer(t, "eval", "--model", net, "--json", "--images", idxFile(t, make([]byte, 3*5*9), 3, 5, 9), "--labels", idxFile(t, []byte{0, 0, 1}, 3))
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.Images != 3 || e.Correct != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	large := idxFile(t, make([]byte, 1025), 1, 1, 1025)
	mustFail(t, exitFailed, []string{"colours.frz", `"width" is 1028: at most 1024`}, "eval", "--model", net, "--images", large, "--labels", idxFile(t, []byte{0}, 1))
}

func TestInspectOpen(t *testing.T) {
	net := colours(t, true)
	text := mustInfer(t, "inspect", net)
	for _, want := range []string{
		"x N×3×height×width\n", "y N×3\n", "same N×3×height×width\n", "photo, open×open, stretch",
		"height: multiples of 4 from 4 to 1,024; what follows is for 8\n", "width: multiples of 4 from 4 to 1,024; what follows is for 12\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("inspect does not show %q:\n%s", want, text)
		}
	}
	var v view
	if err := json.Unmarshal([]byte(mustInfer(t, "inspect", "--json", net)), &v); err != nil {
		t.Fatal(err)
	}
	if want := (openView{"height", 8, 4, 4, 1024}); len(v.Open) != 2 || v.Open[0] != want || !slices.Equal(v.Inputs[0].Shape, []int{-1, 3, -1, -1}) {
		t.Errorf("open %+v, input %v", v.Open, v.Inputs[0].Shape)
	}
}

// TestConvertQuantised converts a model of quantised elements: inspect says that it
// computes in integers, and of the built-in net nothing of the kind.
func TestConvertQuantised(t *testing.T) {
	model := filepath.Join(testenv.File(t, "onnx", "reports", "real_2bitbit_ECE_2026_08_model_int8_onnx"), "model.onnx")
	file := filepath.Join(t.TempDir(), "net.frz")
	if code, _, complaint := infer("", "convert", model, file); code != exitOK {
		t.Fatal(complaint)
	}
	for _, c := range []struct {
		args    []string
		integer bool
	}{{[]string{"inspect", file}, true}, {[]string{"inspect"}, false}} {
		if text := mustInfer(t, c.args...); strings.Contains(text, "integers: the same bits on every processor\n") != c.integer {
			t.Errorf("%v shows\n%s", c.args, text)
		}
		var v view
		if err := json.Unmarshal([]byte(mustInfer(t, append(c.args, "--json")...)), &v); err != nil || v.Integer != c.integer {
			t.Errorf("%v: integer is %v: %v", c.args, v.Integer, err)
		}
	}
}

func TestConvertOpen(t *testing.T) {
	folder := testenv.File(t, "onnx", "reports", "dyn_hw")
	model := filepath.Join(folder, "model.onnx")
	dir := t.TempDir()
	file := filepath.Join(dir, "net.frz")
	code, _, summary := infer("", "convert", model, file, "--pad", "--channels", "bgr")
	if code != exitOK || !strings.Contains(summary, "open: H (1 to 1,048,576), W (1 to 1,048,576)\n") || !strings.Contains(summary, "of memory for a session at 211×223") {
		t.Errorf("exit code %d, %q", code, summary)
	}
	out := filepath.Join(dir, "y.npy")
	mustInfer(t, "run", "--model", file, "--input", filepath.Join(folder, "input_0.npy"), "--output", out)
	open := readTensor(t, out)
	shape := readTensor(t, filepath.Join(folder, "input_0.npy")).Shape

	size := strings.ReplaceAll(strings.TrimPrefix(tensor.Dims(shape...), "1×3×"), "×", "x")
	for _, flag := range []string{size, "x=" + size, "x=1x3x" + size} {
		code, _, summary := infer("", "convert", model, file, "--shape", flag)
		if code != exitOK || strings.Contains(summary, "open:") {
			t.Errorf("--shape %s: exit code %d, %q", flag, code, summary)
		}
		mustInfer(t, "run", "--model", file, "--input", filepath.Join(folder, "input_0.npy"), "--output", out)
		if fixed := readTensor(t, out); !slices.Equal(fixed.Data, open.Data) {
			t.Errorf("--shape %s gives other numbers", flag)
		}
	}
	mustFail(t, exitFailed, []string{model, "there is only \"x\""}, "convert", model, file, "--shape", "z=4x4")
	mustFail(t, exitFailed, []string{model, "dimension 1 is 3 in the model"}, "convert", model, file, "--shape", "1x4x8x8")
	mustFail(t, exitUsage, []string{"--shape"}, "convert", model, file, "--shape", "x=0x8")
}
