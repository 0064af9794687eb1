package main

import (
	"strings"
	"testing"
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
