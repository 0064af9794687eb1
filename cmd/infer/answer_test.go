package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// oneBox is a detector that finds the same box on every picture.
func oneBox() *weights.Net {
	head := []float32{8, 8, 8, 4, 1, 0.1, 0.75}
	panels := kernels.PanelsParam(kernels.Panels{Elem: tensor.F32, Groups: 1, K: 768, N: 7},
		func(_, _, _ int) float32 { return 0 }, func(_, n int) float32 { return head[n] })
	return &weights.Net{
		Meta: weights.Meta{
			Labels: []string{"cat", "dog"},
			Preparation: weights.Preparation{
				Kind: weights.Photo, Fit: weights.Stretch, Order: weights.RGB, Width: 16, Height: 16, Scale: 1, Std: ones,
			},
			Answer: weights.Answer{Kind: weights.Boxes, Head: "yolov5", Least: 0.5, Overlap: 0.5, Most: 9},
		},
		Values: []weights.Value{
			{Name: "x", Type: tensor.Floats(1, 3, 16, 16)}, {Name: "flat", Type: tensor.Floats(1, 768)},
			{Name: "row", Type: tensor.Floats(1, 7)}, {Name: "y", Type: tensor.Floats(1, 1, 7)},
		},
		Inputs: []int{0}, Outputs: []int{3},
		Steps: []weights.Step{
			{Name: "flat", Spec: &kernels.Reshape{Shape: []int{1, 768}}, In: []int{0}, Out: []int{1}},
			{Name: "dense", Spec: &kernels.FullyConnected{Channels: 7}, In: []int{1}, Out: []int{2}, Params: []int{0}},
			{Name: "head", Spec: &kernels.Reshape{Shape: []int{1, 1, 7}}, In: []int{2}, Out: []int{3}},
		},
		Params: []kernels.Param{panels},
	}
}

// blank is a gray picture.
func blank(t *testing.T, width, height int) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 90
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return write(t, "blank.png", b.Bytes())
}

func readPNG(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestDetections(t *testing.T) {
	net, picture := saveNet(t, oneBox()), blank(t, 320, 160)
	drawing := filepath.Join(t.TempDir(), "out.png")
	if got, want := mustInfer(t, "--model", net, "--draw", drawing, picture), " 75.00%  dog  160×40 at 80,60\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	img := readPNG(t, drawing)
	if img.Bounds().Size() != image.Pt(320, 160) {
		t.Errorf("a drawing of %v", img.Bounds())
	}
	ground := img.At(5, 5)
	for _, p := range []image.Point{{80, 80}, {239, 80}, {200, 60}, {200, 99}} {
		if img.At(p.X, p.Y) == ground {
			t.Errorf("nothing is drawn at %v", p)
		}
	}
	if img.At(160, 80) != ground {
		t.Error("the box is full")
	}

	var a answers.Boxes
	decode(t, mustInfer(t, "--model", net, "--json", picture), &a, "file", "boxes", "error")
	if want := (engine.Detection{Index: 1, Label: "dog", Score: 0.75, X: 80, Y: 60, Width: 160, Height: 40}); len(a.Boxes) != 1 || a.Boxes[0] != want || a.File != picture {
		t.Errorf("%+v, want %+v", a, want)
	}
	code, out, _ := infer("", "--model", net, "--json", "missing.png")
	if want := `{"file":"missing.png","boxes":[],"error":"missing.png: no such file or directory"}` + "\n"; code != exitFailed || out != want {
		t.Errorf("exit code %d, %s, want %s", code, out, want)
	}
	mustFail(t, exitUsage, []string{"--draw takes one picture"}, "--model", net, "--draw", drawing, picture, picture)
	mustFail(t, exitUsage, []string{"classes cannot be drawn"}, "--draw", drawing, filepath.Join(testdata, "7.png"))
	if text := mustInfer(t, "inspect", net); !strings.Contains(text, "boxes of yolov5, score at least 0.5, overlap at most 0.5, at most 9") {
		t.Errorf("inspect shows\n%s", text)
	}
}

// pixels is a net that scales the channels of each pixel.
func pixels(kind weights.AnswerKind) *weights.Net {
	net := oneBox()
	net.Meta.Answer = weights.Answer{Kind: kind}
	net.Meta.Labels = nil
	if kind == weights.Mask {
		net.Meta.Labels = []string{"red", "green", "blue"}
	}
	net.Values = []weights.Value{{Name: "x", Type: tensor.Floats(1, 3, 16, 16)}, {Name: "y", Type: tensor.Floats(1, 3, 16, 16)}}
	net.Outputs = []int{1}
	net.Steps = []weights.Step{{Name: "scale", Spec: &kernels.Binary{Kind: kernels.Mul}, In: []int{0}, Out: []int{1}, Params: []int{0}}}
	net.Params = []kernels.Param{kernels.PlainParam([]int{3, 1, 1}, []float32{0.5, 1, 0.25})}
	return net
}

// TestAnswersOfPixels gives a net of one convolution, whose result has the size
// of the picture, every answer that there is of such.
func TestAnswersOfPixels(t *testing.T) {
	picture, drawing := blank(t, 32, 16), filepath.Join(t.TempDir(), "out.png")

	file := saveNet(t, pixels(weights.Mask))
	if got, want := mustInfer(t, "--model", file, "--draw", drawing, picture), "100.00%  green\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := readPNG(t, drawing).Bounds().Size(); got != image.Pt(32, 16) {
		t.Errorf("a mask of %v", got)
	}
	var m answers.Mask
	decode(t, mustInfer(t, "--model", file, "--json", picture), &m, "file", "width", "height", "classes", "error")
	if want := (answers.Area{Index: 1, Label: "green", Pixels: 512, Share: 1}); len(m.Classes) != 1 || m.Classes[0] != want || m.Width != 32 || m.Height != 16 {
		t.Errorf("%+v, want %+v", m, want)
	}

	file = saveNet(t, pixels(weights.Picture))
	if got, want := mustInfer(t, "--model", file, "--draw", drawing, picture), "a picture of 16×16\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if r, g, b, _ := readPNG(t, drawing).At(3, 3).RGBA(); r>>8 != 45 || g>>8 != 90 || b>>8 != 22 {
		t.Errorf("the picture has %d, %d, %d, want 45, 90, 22", r>>8, g>>8, b>>8)
	}
}

// TestConvertDetector freezes a published detector of faces as one.
func TestConvertDetector(t *testing.T) {
	model := testenv.File(t, "onnx", "real", "face_rfb320.onnx")
	frozen := filepath.Join(t.TempDir(), "faces.frz")
	if code, _, complaint := infer("", "convert", model, frozen, "--answer", "detect", "--head", "ssd", "--least", "0.6"); code != exitOK {
		t.Fatal(complaint)
	}
	text := mustInfer(t, "inspect", frozen)
	for _, want := range []string{"boxes of ssd, score at least 0.6, overlap at most 0.3", "320×240, stretch, rgb, (v·1 − [127 127 127]) / [128 128 128]"} {
		if !strings.Contains(text, want) {
			t.Errorf("inspect does not say %q:\n%s", want, text)
		}
	}
	if got := mustInfer(t, "--model", frozen, blank(t, 640, 480)); got != "" {
		t.Errorf("a face on a blank picture: %s", got)
	}
	if code, _, complaint := infer("", "convert", model, frozen, "--answer", "detect", "--head", "ssd", "--overlap", "0"); code != exitOK {
		t.Fatal(complaint)
	}
	if text := mustInfer(t, "inspect", frozen); !strings.Contains(text, "overlap at most 0,") {
		t.Errorf("--overlap 0 is not what inspect says:\n%s", text)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--answer detect needs --head", []string{"--answer", "detect"}},
		{"--head yolo: it must be yolov5", []string{"--answer", "detect", "--head", "yolo"}},
		{"go with --answer detect", []string{"--head", "ssd"}},
		{"--answer boxes: it must be classes", []string{"--answer", "boxes"}},
		{"--overlap 2: it must be from 0 to 1", []string{"--answer", "detect", "--head", "ssd", "--overlap", "2"}},
		{"--boxes 0: from 1 to 10000", []string{"--answer", "detect", "--head", "ssd", "--boxes", "0"}},
	} {
		mustFail(t, exitUsage, []string{c.want}, append([]string{"convert", model, frozen}, c.args...)...)
	}
	mustFail(t, exitFailed, []string{"there should be one output, not 2"}, "convert", model, frozen, "--answer", "detect", "--head", "yolox")
}
