package main

import (
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/onnx"
)

func TestCounted(t *testing.T) {
	for _, c := range []struct {
		n    int
		of   string
		want string
	}{
		{0, "steps", "0 steps"}, {1, "steps", "1 step"}, {2, "steps", "2 steps"}, {11, "bytes", "11 bytes"},
		{1, "multiply-adds", "1 multiply-add"}, {1, "classes", "1 class"}, {1, "pictures", "1 picture"}, {1234567, "bytes", "1,234,567 bytes"},
	} {
		if got := counted(c.n, c.of); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.n, c.of, got, c.want)
		}
	}
	for n, want := range map[string]string{"1": "1 image", "0.5": "0.5 images", "NaN": "NaN images"} {
		if got := numbered(n, "images"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// One of anything is not called several.
func TestOneOfAThing(t *testing.T) {
	net := twoClasses(1, 1)
	net.Meta.Nodes = 1
	model := saveNet(t, net)
	images, labels := idxFile(t, []byte{1, 2}, 1, 1, 2), idxFile(t, []byte{0}, 1)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"1, frozen into 1 step\n", []string{"inspect", model}},
		{"1 run\n", []string{"bench", "--model", model, "--duration", "1ns"}},
		{"has 1 input, not 2", []string{"run", "--model", model, "--input", "a", "--input", "b", "--output", "y.npy"}},
		{"has 1 output, not 2", []string{"run", "--model", model, "--input", "a", "--output", "y.npy", "--output", "z.npy"}},
		{"has 1 picture, but", []string{"eval", "--model", model, "--images", images, "--labels", idxFile(t, []byte{0, 1}, 2)}},
		{"has 1 label\n", []string{"eval", "--model", model, "--images", idxFile(t, []byte{1, 2, 3, 4}, 2, 1, 2), "--labels", labels}},
		{"1 of the wrong is blank: nothing is drawn on it", []string{"eval", "--images", idxFile(t, make([]byte, 900), 1, 30, 30), "--labels", labels}},
	} {
		_, out, complaint := infer("", c.args...)
		if text := out + complaint; !strings.Contains(text, c.want) {
			t.Errorf("infer %q says %q, want %q", c.args, text, c.want)
		}
	}
}

// What convert says of a model of one operator, and of one whose batch it could
// not keep open.
func TestSummary(t *testing.T) {
	m, err := engine.Open(saveNet(t, twoClasses(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var text strings.Builder
	a := &app{stderr: &text}
	if err := a.summarize("out.frz", m, 1, &onnx.Report{Operators: 1, Parameters: 1, MACs: 1, Unbatched: "of\x1bthis"}, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"one item at a time, although the model leaves the batch open: of\\x1bthis\n",
		"out.frz: 1 operator became 1 step; 1 parameter, 1 multiply-add, 1 byte, ",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the summary is %q, want %q", text.String(), want)
		}
	}
}
