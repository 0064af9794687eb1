package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/cmd/infer/internal/npy"
	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/digits"
)

// decode reads a JSON object that must have exactly the wanted keys.
func decode(t *testing.T, text string, into any, keys ...string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, k := range keys {
		if _, ok := object[k]; !ok {
			t.Errorf("no %q in %s", k, text)
		}
	}
	if len(object) != len(keys) {
		t.Errorf("%d keys, want %q: %s", len(object), keys, text)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// writeTensor writes a .npy file for a test.
func writeTensor(t *testing.T, shape []int, data []float32) string {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, npy.Floats(shape, data)); err != nil {
		t.Fatal(err)
	}
	return write(t, "x.npy", b.Bytes())
}

func readTensor(t *testing.T, file string) *npy.Array {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := npy.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestInspect(t *testing.T) {
	var v view
	decode(t, mustInfer(t, "inspect", "--json"), &v, "file", "name", "source", "producer", "note", "labels",
		"preparation", "answer", "inputs", "outputs", "open", "layers", "nodes", "parameters", "macs", "integer", "memory", "bytes", "sections")
	if v.Parameters != 211_690 || v.MACs != 2_234_112 || v.Bytes != len(digits.Data) || v.Labels == nil || len(v.Layers) < 4 {
		t.Errorf("the built-in net: %+v", v)
	}
	if len(v.Inputs) != 1 || !slices.Equal(v.Inputs[0].Shape, []int{-1, 1, 28, 28}) || !slices.Equal(v.Outputs[0].Shape, []int{-1, 10}) {
		t.Errorf("inputs %v, outputs %v", v.Inputs, v.Outputs)
	}
	if v.Memory.Arena <= 0 || v.Memory.Scratch <= 0 {
		t.Errorf("memory %+v", v.Memory)
	}
	sum := 0
	for _, s := range v.Sections {
		sum += s.Bytes
	}
	if sum > v.Bytes || sum < v.Bytes*9/10 {
		t.Errorf("sections of %d bytes in a file of %d", sum, v.Bytes)
	}
	text := mustInfer(t, "inspect", write(t, "copy.frz", digits.Data))
	for _, want := range []string{"copy.frz", "211,690", "2,234,112", "N×1×28×28", "WEIGHTS", "digit as MNIST's"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	mustFail(t, exitFailed, []string{"missing.frz: no such file"}, "inspect", "missing.frz")
}

func TestCPU(t *testing.T) {
	text := mustInfer(t, "cpu")
	for _, tier := range kernels.Tiers() {
		if !strings.Contains(text, "kernels    "+tier.Name) {
			t.Errorf("nothing of %s in\n%s", tier.Name, text)
		}
	}
	if strings.Count(text, "chosen: ") != 1 {
		t.Errorf("not one is chosen:\n%s", text)
	}
}

func TestOps(t *testing.T) {
	text := mustInfer(t, "ops")
	for _, op := range []string{"Conv ", "Relu ", "MaxPool ", "Gemm "} {
		if !strings.Contains(text, "\n"+op) {
			t.Errorf("no %s in\n%s", op, text)
		}
	}
}

func TestBench(t *testing.T) {
	var b measurement
	decode(t, mustInfer(t, "bench", "--json", "--layers", "--batch", "3", "--threads", "2", "--duration", "50ms"), &b,
		"model", "kernels", "batch", "threads", "runs", "us", "images_per_second", "allocs_per_run", "layers")
	u := b.Microseconds
	if b.Model != "digits" || b.Batch != 3 || b.Threads != 2 || b.Runs < 1 || b.Rate <= 0 ||
		!(u.Min > 0 && u.Min <= u.P50 && u.P50 <= u.P90 && u.P90 <= u.P99 && u.P99 <= u.Max) {
		t.Errorf("measured %+v", b)
	}
	if len(b.Layers) < 4 || b.Layers[0].Op != "Conv" || b.Layers[0].Microseconds <= 0 || b.Layers[0].GMACs <= 0 {
		t.Errorf("layers %+v", b.Layers)
	}
	decode(t, mustInfer(t, "bench", "--json", "--duration", "20ms"), &b,
		"model", "kernels", "batch", "threads", "runs", "us", "images_per_second", "allocs_per_run")
	if text := mustInfer(t, "bench", "--layers", "--duration", "20ms"); !strings.Contains(text, "p99") || !strings.Contains(text, "GMAC/s") {
		t.Errorf("for people:\n%s", text)
	}
}

func TestEval(t *testing.T) {
	mnist(t)
	images, labels := testenv.File(t, "mnist", "t10k-images-idx3-ubyte.gz"), testenv.File(t, "mnist", "t10k-labels-idx1-ubyte.gz")
	var e evaluation
	decode(t, mustInfer(t, "eval", "--images", images, "--labels", labels, "--json"), &e,
		"images", "correct", "blank", "accuracy", "seconds", "confusion")
	if e.Images != 10_000 || e.Accuracy < 0.995 || e.Accuracy != float64(e.Correct)/10_000 || e.Seconds <= 0 || len(e.Confusion) != 10 {
		t.Errorf("evaluated %+v", e)
	}
	diagonal, all := 0, 0
	for i, row := range e.Confusion {
		diagonal += row[i]
		for _, n := range row {
			all += n
		}
	}
	if diagonal != e.Correct || all != e.Images {
		t.Errorf("the confusion matrix has %d on its diagonal and %d in all", diagonal, all)
	}
	text := mustInfer(t, "eval", "--images", images, "--labels", labels, "--limit", "100", "--batch", "7")
	if !strings.Contains(text, "of 100 right") {
		t.Errorf("for people:\n%s", text)
	}
}

// idxFile is a file in IDX format.
func idxFile(t *testing.T, data []byte, shape ...uint32) string {
	t.Helper()
	b := []byte{0, 0, 8, byte(len(shape))}
	for _, d := range shape {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return write(t, "idx", append(b, data...))
}

func TestEvalErrors(t *testing.T) {
	two := idxFile(t, make([]byte, 2*28*28), 2, 28, 28)
	good := idxFile(t, []byte{1, 2}, 2)
	for _, c := range []struct{ images, labels, want string }{
		{"missing.idx", good, "no such file"},
		{two, "missing.idx", "no such file"},
		{two, idxFile(t, []byte{1, 2, 3}, 3), "2 pictures"},
		{two, idxFile(t, []byte{1, 10}, 2), "label 1 is 10, but the model knows 10 classes"},
		{good, good, "three dimensions"},
		{two, two, "one dimension"},
		{write(t, "text", []byte("no pictures")), good, "not an IDX file"},
		{idxFile(t, make([]byte, 100), 2, 28, 28), good, "cut off"},
	} {
		mustFail(t, exitFailed, []string{c.want}, "eval", "--images", c.images, "--labels", c.labels)
	}
}

// A blank picture is a wrong answer, and no end of all others.
func TestEvalBlank(t *testing.T) {
	pix := make([]byte, 3*30*30)
	for y := 4; y < 26; y++ {
		pix[2*900+30*y+14], pix[2*900+30*y+15] = 255, 255 // a one
	}
	args := []string{"eval", "--images", idxFile(t, pix, 3, 30, 30), "--labels", idxFile(t, []byte{0, 0, 1}, 3)}
	var e evaluation
	if err := json.Unmarshal([]byte(mustInfer(t, append(args, "--json")...)), &e); err != nil {
		t.Fatal(err)
	}
	if e.Images != 3 || e.Blank != 2 || e.Correct != 1 || e.Confusion[0][0] != 0 || e.Confusion[1][1] != 1 {
		t.Errorf("evaluated %+v", e)
	}
	if text := mustInfer(t, args...); !strings.Contains(text, "1 of 3 right") || !strings.Contains(text, "2 of the wrong are blank") {
		t.Errorf("for people:\n%s", text)
	}
}

// A detector is run on tensors; it is not a classifier.
func TestDetector(t *testing.T) {
	frozen, dir := filepath.Join(t.TempDir(), "face.frz"), t.TempDir()
	if code, _, complaint := infer("", "convert", testenv.File(t, "onnx", "real", "face_rfb320.onnx"), frozen,
		"--stretch", "--scale", "1", "--mean", "127", "--std", "128"); code != exitOK {
		t.Fatal(complaint)
	}
	two, good := idxFile(t, make([]byte, 2*28*28), 2, 28, 28), idxFile(t, []byte{1, 2}, 2)
	mustFail(t, exitFailed, []string{"not a list of classes"}, "eval", "--images", two, "--labels", good, "--model", frozen)
	mustFail(t, exitFailed, []string{"infer: " + frozen + ": ", "not a list of classes", "infer run"}, "--model", frozen, filepath.Join(testdata, "7.png"))

	outputs := []string{filepath.Join(dir, "scores.npy"), filepath.Join(dir, "boxes.npy")}
	mustInfer(t, "run", "--model", frozen, "--input", testenv.File(t, "onnx", "real", "face_rfb320.input.npy"),
		"--output", outputs[0], "--output", outputs[1])
	for i, want := range []string{"face_rfb320.output.npy", "face_rfb320.output_1.npy"} {
		got, want := readTensor(t, outputs[i]), readTensor(t, testenv.File(t, "onnx", "real", want))
		if !slices.Equal(got.Shape, want.Shape) {
			t.Fatalf("output %d has shape %v, want %v", i, got.Shape, want.Shape)
		}
		span := slices.Max(want.Floats()) - slices.Min(want.Floats())
		for j, v := range got.Floats() {
			if d := math.Abs(float64(v - want.Floats()[j])); d > 1e-3*float64(span) {
				t.Fatalf("output %d: element %d is %g, want %g", i, j, v, want.Floats()[j])
			}
		}
	}
}

func TestRunTensors(t *testing.T) {
	rng := uint32(1)
	x := make([]float32, 3*28*28)
	for i := range x {
		rng = rng*1664525 + 1013904223
		x[i] = float32(rng>>8) / (1 << 24)
	}
	out := filepath.Join(t.TempDir(), "y.npy")
	mustInfer(t, "run", "--input", writeTensor(t, []int{3, 1, 28, 28}, x), "--output", out)
	all := readTensor(t, out)
	if !slices.Equal(all.Shape, []int{3, 10}) {
		t.Fatalf("output of shape %v", all.Shape)
	}
	for i := range 3 { // each alone is the same to the bit
		mustInfer(t, "run", "--input", writeTensor(t, []int{1, 1, 28, 28}, x[i*784:][:784]), "--output", out)
		if one := readTensor(t, out); !slices.Equal(one.Floats(), all.Floats()[10*i:][:10]) {
			t.Errorf("item %d alone is %v, in a batch %v", i, one.Floats(), all.Floats()[10*i:][:10])
		}
	}

	// A model that is declared for one item.
	one := filepath.Join(t.TempDir(), "one.frz")
	code, _, told := infer("", "convert", testenv.File(t, "onnx", "real", "mnist_cntk.onnx"), one)
	if _, says, _ := strings.Cut(told, "session\n"); code != exitOK || says != "it takes tensors only: --crop, --stretch, --pad or --digits make it take pictures\n" {
		t.Errorf("convert: status %d, %q", code, told)
	}
	mustFail(t, exitFailed, []string{`3 items, but input "Input3" takes one at a time: export the model with an open batch, or freeze it with infer convert --batch`},
		"run", "--model", one, "--input", writeTensor(t, []int{3, 1, 28, 28}, x), "--output", out)

	good := writeTensor(t, []int{1, 1, 28, 28}, x[:784])
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no such file", []string{"--input", "missing.npy", "--output", out}},
		{"not a .npy file", []string{"--input", filepath.Join(testdata, "7.png"), "--output", out}},
		{"takes N×1×28×28", []string{"--input", writeTensor(t, []int{1, 784}, x[:784]), "--output", out}},
		{"takes N×1×28×28", []string{"--input", writeTensor(t, []int{0, 1, 28, 28}, nil), "--output", out}},
		{"the built-in net: it has 1 input, not 2", []string{"--input", good, "--input", good, "--output", out}},
		{"the built-in net: it has 1 output, not 2", []string{"--input", good, "--output", out, "--output", out}},
		{"no such file", []string{"--input", good, "--output", filepath.Join(t.TempDir(), "missing", "y.npy")}},
	} {
		mustFail(t, exitFailed, []string{c.want}, append([]string{"run"}, c.args...)...)
	}
}

// A model that is not this project's, all the way: its answers are those of
// ONNX Runtime.
func TestConvertAndRun(t *testing.T) {
	model := testenv.File(t, "onnx", "real", "mnist_cntk.onnx")
	dir := t.TempDir()
	frozen, out := filepath.Join(dir, "net.frz"), filepath.Join(dir, "y.npy")
	code, text, summary := infer("", "convert", model, frozen, "-v", "--note", "CNTK's")
	if code != exitOK || text != "" || !strings.Contains(summary, "operators became") {
		t.Fatalf("exit code %d, %q, %q", code, text, summary)
	}
	mustInfer(t, "run", "--model", frozen, "--input", testenv.File(t, "onnx", "real", "mnist_cntk.input.npy"), "--output", out)
	got, want := readTensor(t, out), readTensor(t, testenv.File(t, "onnx", "real", "mnist_cntk.output.npy"))
	if !slices.Equal(got.Shape, want.Shape) {
		t.Fatalf("shape %v, want %v", got.Shape, want.Shape)
	}
	span := slices.Max(want.Floats()) - slices.Min(want.Floats())
	for i, v := range got.Floats() {
		if d := math.Abs(float64(v - want.Floats()[i])); d > 1e-3*float64(span) {
			t.Errorf("output %d is %g, want %g", i, v, want.Floats()[i])
		}
	}
	// Nobody said what its pictures are.
	mustFail(t, exitFailed, []string{"infer: " + frozen + ": ", "does not say how a picture", "convert --crop", "infer run"}, "--model", frozen, filepath.Join(testdata, "7.png"))
	if text := mustInfer(t, "inspect", frozen); !strings.Contains(text, "CNTK's") || !strings.Contains(text, "mnist_cntk.onnx, SHA-256 ") {
		t.Errorf("inspect shows\n%s", text)
	}
}

// A photo gets the names of the classes.
func TestConvertForPhotos(t *testing.T) {
	if testing.Short() {
		t.Skip("a large model")
	}
	model, cat := testenv.File(t, "onnx", "real", "squeezenet_imagenet_f16.onnx"), testenv.File(t, "onnx", "real", "cat.png")
	labels := testenv.File(t, "onnx", "real", "imagenet_labels.txt")
	frozen := filepath.Join(t.TempDir(), "squeezenet.frz")
	code, _, complaint := infer("", "convert", model, frozen, "--weights", "half", "--labels", labels,
		"--stretch", "--channels", "bgr", "--scale", "1")
	if code != exitOK {
		t.Fatal(complaint)
	}
	if got := mustInfer(t, "--model", frozen, cat); got != "Egyptian cat\n" {
		t.Errorf("the cat is %q", got)
	}
	var a classesAnswer
	decode(t, mustInfer(t, "--model", frozen, "--json", cat), &a, "file", "top", "error")
	if p := a.Top[0].Probability; p < 0.9 || p > 0.96 {
		t.Errorf("the cat is probable by %g, want about 0.93", p)
	}
}

func TestConvertErrors(t *testing.T) {
	model := testenv.File(t, "onnx", "real", "mnist_cntk.onnx")
	data, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.frz")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"missing.onnx: no such file", []string{"missing.onnx", out}},
		{"it is a folder", []string{t.TempDir(), out}},
		{"text.onnx: it is not an ONNX model\n", []string{write(t, "text.onnx", []byte("not a model at all")), out}},
		{"empty.onnx: ", []string{write(t, "empty.onnx", nil), out}},
		{"half.onnx: ", []string{write(t, "half.onnx", data[:len(data)/2]), out}},
		{"labels: 2 labels, but the output", []string{model, out, "--labels", write(t, "labels", []byte("a\nb\n"))}},
		{"labels: it contains no labels", []string{model, out, "--labels", write(t, "labels", []byte("\n\n"))}},
		{"labels: line 2 is empty", []string{model, out, "--labels", write(t, "labels", []byte("a\n\nb\n"))}},
		{"labels: line 2 is not UTF-8", []string{model, out, "--labels", write(t, "labels", []byte("a\nb\xff\n"))}},
		{"7.png: it is a PNG picture, not an ONNX model\n", []string{filepath.Join(testdata, "7.png"), out}},
		{"net.frz: it is a frozen net, not an ONNX model\n", []string{write(t, "net.frz", digits.Data), out}},
		{"--mean and --std of three channels", []string{model, out, "--crop", "--mean", "1,2,3"}},
		{"it is a folder", []string{model, filepath.Dir(out)}},
		{"--channels rgb does not fit", []string{model, out, "--channels", "rgb"}},
		{"out.frz: no such file", []string{model, filepath.Join(t.TempDir(), "missing", "out.frz")}},
	} {
		mustFail(t, exitFailed, []string{c.want}, append([]string{"convert"}, c.args...)...)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%q: a file was written", c.args)
		}
	}
}

func TestReadLabels(t *testing.T) {
	file := write(t, "labels", []byte("\ufeffeins\r\n zwei\ndrei\n\n"))
	got, err := (&app{}).readLabels(file)
	if want := []string{"eins", "zwei", "drei"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// What is read is never written over, by whatever name.
func TestOutputIsInput(t *testing.T) {
	model := write(t, "net.onnx", []byte("not a model"))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(model, link); err != nil {
		t.Skip("no symbolic links:", err)
	}
	x := writeTensor(t, []int{1, 1, 28, 28}, make([]float32, 784))
	before, _ := os.ReadFile(x)
	for _, args := range [][]string{
		{"convert", model, model}, {"convert", model, link}, {"convert", link, model},
		{"convert", "--labels", model, "in.onnx", model}, {"run", "--input", x, "--output", x},
	} {
		mustFail(t, exitUsage, []string{"is an input too"}, args...)
	}
	if data, err := os.ReadFile(model); err != nil || string(data) != "not a model" {
		t.Errorf("the model is %q, %v", data, err)
	}
	if data, err := os.ReadFile(x); err != nil || !bytes.Equal(data, before) {
		t.Errorf("the tensor has changed, %v", err)
	}
}

// A net goes to standard output as to a file.
func TestConvertToOutput(t *testing.T) {
	code, out, complaint := infer("", "convert", exported("digits"), "-")
	if code != exitOK || !strings.Contains(complaint, "operators became") {
		t.Fatalf("exit code %d, %s", code, complaint)
	}
	if _, err := weights.Parse([]byte(out)); err != nil {
		t.Error(err)
	}
}

// What flags say of pictures is what the file says.
func TestPictureFlags(t *testing.T) {
	model := testenv.File(t, "onnx", "real", "mnist_cntk.onnx")
	for _, c := range []struct {
		flags string
		want  weights.Preparation
	}{
		{"", weights.Preparation{}},
		{"--digits --scale 1", weights.Preparation{Kind: weights.Digit, Width: 28, Height: 28, Scale: 1, Std: [3]float32{1, 1, 1}}},
		{"--crop --resize 32 --mean 0.1 --std 1/2", weights.Preparation{Kind: weights.Photo, Width: 28, Height: 28, Resize: 32,
			Scale: 1.0 / 255, Mean: [3]float32{0.1, 0.1, 0.1}, Std: [3]float32{0.5, 0.5, 0.5}}},
		{"--pad --channels gray", weights.Preparation{Kind: weights.Photo, Fit: weights.Pad, Width: 28, Height: 28, Scale: 1.0 / 255, Std: [3]float32{1, 1, 1}}},
	} {
		out := filepath.Join(t.TempDir(), "out.frz")
		args := append([]string{"convert", model, out}, strings.Fields(c.flags)...)
		if code, _, complaint := infer("", args...); code != exitOK {
			t.Fatal(complaint)
		}
		f, err := weights.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Net.Meta.Preparation; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.flags, got, c.want)
		}
		f.Close()
	}
}
