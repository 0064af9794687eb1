package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights/digits"
)

var testdata = filepath.Join("..", "..", "testdata")

func mnist(t testing.TB) dataSet {
	t.Helper()
	set, err := (&app{}).readDataSet(
		testenv.File(t, "mnist", "t10k-images-idx3-ubyte.gz"), testenv.File(t, "mnist", "t10k-labels-idx1-ubyte.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func builtIn(t testing.TB) *engine.Model {
	t.Helper()
	m, err := engine.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// infer runs the command.
func infer(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

// mustInfer runs the command, which must succeed silently, and returns its
// output.
func mustInfer(t *testing.T, args ...string) string {
	t.Helper()
	code, out, complaint := infer("", args...)
	if code != exitOK || complaint != "" {
		t.Fatalf("infer %q: exit code %d, %s", args, code, complaint)
	}
	return out
}

// mustFail runs the command, which must fail with one line that holds the
// words.
func mustFail(t *testing.T, code int, words []string, args ...string) {
	t.Helper()
	got, out, complaint := infer("", args...)
	if got != code {
		t.Errorf("infer %q: exit code %d, want %d; %s", args, got, code, complaint)
	}
	if out != "" {
		t.Errorf("infer %q: wrote %q to standard output", args, out)
	}
	if strings.Count(complaint, "\n") != 1 || !strings.HasPrefix(complaint, "infer: ") {
		t.Errorf("infer %q: complaint %q is not one line", args, complaint)
	}
	for _, w := range words {
		if !strings.Contains(complaint, w) {
			t.Errorf("infer %q: complaint %q lacks %q", args, complaint, w)
		}
	}
}

// write writes a file for a test and returns its name.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Every digit has a picture, each in another manner and format.
func TestEveryDigit(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "[0-9].*"))
	if err != nil || len(files) != 10 {
		t.Fatalf("pictures %v, %v; want one for each digit", files, err)
	}
	for _, file := range files {
		want := filepath.Base(file)[:1] + "\n"
		if got := mustInfer(t, file); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	seven, one := filepath.Join(testdata, "7.png"), filepath.Join(testdata, "1.png")
	data, err := os.ReadFile(seven)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := mustInfer(t, seven, one), seven+": 7\n"+one+": 1\n"; got != want {
		t.Errorf("two pictures: %q, want %q", got, want)
	}
	if code, got, _ := infer(string(data), "-"); code != 0 || got != "7\n" {
		t.Errorf("standard input: %q", got)
	}
	got := strings.Split(mustInfer(t, seven, "--top", "3"), "\n")
	if len(got) != 4 || !strings.HasSuffix(got[0], "%  7") || got[3] != "" {
		t.Errorf("the best three: %q", got)
	}
	if got := strings.Count(mustInfer(t, "--top=99", seven), "\n"); got != 10 {
		t.Errorf("the best 99 of 10 are %d", got)
	}
	// After --, everything is a file.
	mustFail(t, exitFailed, []string{"--json: "}, "--", "--json")
}

func TestJSON(t *testing.T) {
	seven := filepath.Join(testdata, "7.png")
	code, out, complaint := infer("", "--json", "--top", "2", seven, "missing.png", seven)
	if code != exitFailed || strings.Count(complaint, "\n") != 1 {
		t.Errorf("exit code %d, %q", code, complaint)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), out)
	}
	type result struct {
		File  *string
		Top   []struct{ Index, Label, Probability any }
		Error any
	}
	for i, line := range lines {
		var keys map[string]any
		var r result
		if err := json.Unmarshal([]byte(line), &keys); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if len(keys) != 3 || r.File == nil || r.Top == nil {
			t.Errorf("line %d: %s", i, line)
		}
		if i == 1 {
			if len(r.Top) != 0 || !strings.Contains(r.Error.(string), "missing.png") {
				t.Errorf("of a missing file: %s", line)
			}
			continue
		}
		p, ok := r.Top[0].Probability.(float64)
		if r.Error != nil || len(r.Top) != 2 || r.Top[0].Index != 7.0 || r.Top[0].Label != "7" || !ok || p < 0.9 || p > 1 {
			t.Errorf("of a seven: %s", line)
		}
	}
}

// encoded is a picture of a black bar in some format.
func encoded(t *testing.T, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(28, 8, 36, 56), image.Black, image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }

func asTIFF(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }

// header is a PNG that is nothing but a header of some size.
func header(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, 8, 2, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

func TestBadPictures(t *testing.T) {
	blank := image.NewGray(image.Rect(0, 0, 50, 50))
	var blankPNG bytes.Buffer
	png.Encode(&blankPNG, blank)
	half := func(data []byte) []byte { return data[:len(data)/2] }
	damaged := encoded(t, png.Encode)
	damaged[50] ^= 0xff
	webp, err := os.ReadFile(filepath.Join(testdata, "9.webp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty.png", nil, "the file is empty"},
		{"text.png", []byte("This is not a picture.\n"), "not a PNG, JPEG, GIF, BMP, TIFF or WebP picture"},
		{"drawing.svg", []byte("<svg></svg>"), "not a PNG"},
		{"start.png", []byte("\x89PNG\r\n\x1a\n"), "png picture is cut off"},
		{"half.png", half(encoded(t, png.Encode)), "png picture is cut off"},
		{"half.jpg", half(encoded(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })), "cut off"},
		{"half.gif", half(encoded(t, asGIF)), "gif picture is cut off"},
		{"half.bmp", half(encoded(t, bmp.Encode)), "cut off"},
		{"half.tiff", half(encoded(t, asTIFF)), "tiff picture is cut off"},
		{"half.webp", half(webp), "webp picture is cut off"},
		{"damaged.png", damaged, "png picture is damaged"},
		{"huge.png", header(60_000, 60_000), "too large: 60000×60000"},
		{"wide.png", header(1<<31-1, 2), "too large"},
		{"none.png", header(0, 5), "png picture is damaged"},
		{"blank.png", blankPNG.Bytes(), "nothing is drawn on it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := write(t, c.name, c.data)
			mustFail(t, exitFailed, []string{file, c.want}, file)
			// The others are answered.
			seven := filepath.Join(testdata, "7.png")
			code, out, _ := infer("", file, seven)
			if want := seven + ": 7\n"; code != exitFailed || out != want {
				t.Errorf("with another: exit code %d, %q, want %q", code, out, want)
			}
		})
	}
	mustFail(t, exitFailed, []string{"missing.png: no such file"}, "missing.png")
	mustFail(t, exitFailed, []string{"cat: no such file, nor a command"}, "cat")
	mustFail(t, exitFailed, []string{"the folder contains no pictures"}, t.TempDir())
	mustFail(t, exitFailed, []string{"-: the file is empty"}, "-")
}

func TestBadModels(t *testing.T) {
	seven := filepath.Join(testdata, "7.png")
	flipped := slices.Clone(digits.Data)
	flipped[len(flipped)/2] ^= 4
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty.frz", nil, "empty"},
		{"text.frz", []byte("not a model"), "begin like one"},
		{"half.frz", digits.Data[:len(digits.Data)/2], ""},
		{"flipped.frz", flipped, "checksum"},
		{"long.frz", append(slices.Clone(digits.Data), 0), ""},
	} {
		file := write(t, c.name, c.data)
		mustFail(t, exitFailed, []string{file, c.want}, "--model", file, seven)
		mustFail(t, exitFailed, []string{file, c.want}, "inspect", file)
	}
	mustFail(t, exitFailed, []string{"infer: missing.frz: no such file"}, "--model", "missing.frz", seven)
	dir := t.TempDir()
	mustFail(t, exitFailed, []string{"infer: " + dir + ": it is a folder"}, "--model", dir, seven)
	mustFail(t, exitFailed, []string{"infer: " + seven + ": it is a PNG picture, not a frozen net"}, "--model", seven, seven)
	model := exported("digits")
	for _, args := range [][]string{{"--model", model, seven}, {"bench", "--model", model}, {"inspect", model}} {
		mustFail(t, exitFailed, []string{"infer: " + model + ": it is an ONNX model: freeze it with infer convert\n"}, args...)
	}
}

// TestNothingAsked checks that the command alone says how to begin.
func TestNothingAsked(t *testing.T) {
	code, stdout, stderr := infer("")
	if lines := strings.Count(stderr, "\n"); code != exitUsage || stdout != "" || lines < 2 || lines > 15 {
		t.Errorf("status %d, %d lines: %s", code, lines, stderr)
	}
	for _, c := range commands()[1:] {
		if !strings.Contains(stderr, c.name) {
			t.Errorf("nothing is said of %s: %s", c.name, stderr)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no picture", []string{"--json"}},
		{"no such flag: --frobnicate", []string{"--frobnicate", "a.png"}},
		{"--top 0", []string{"--top", "0", "a.png"}},
		{"infer: --top needs a number (", []string{"--top", "many", "a.png"}},
		{"infer: --top needs a number (", []string{"--top", `"3" for flag -x: y`, "a.png"}},
		{"infer: --json takes no value (", []string{"--json=maybe", "a.png"}},
		{"infer: bench: --duration needs a time", []string{"bench", "--duration", "3"}},
		{"infer: --model needs an argument, FILE (", []string{"a.png", "--model"}},
		{"infer: --model: no file is given (", []string{"--model", "", "a.png"}},
		{"--model: no file", []string{"eval", "--model="}},
		{"--model: no file", []string{"bench", "--model="}},
		{"--model: no file", []string{"run", "--model="}},
		{"inspekt; did you mean infer inspect?", []string{"inspekt"}},
		{"did you mean infer eval?", []string{"evel", "--images", "a"}},
		{"help: no such command: inspekt; did you mean infer help inspect?", []string{"help", "inspekt"}},
		{"help: no such command: serv; did you mean infer help serve?", []string{"help", "serv"}},
		{"help: no such command: xyzzy (", []string{"help", "xyzzy"}},
		{"inspect: one file", []string{"inspect", "a", "--model", "b"}},
		{"bench: one file", []string{"bench", "a", "b"}},
		{"eval: one file", []string{"eval", "a", "--model", "b", "--images", "a", "--labels", "b"}},
		{"is not expected", []string{"version", "now"}},
		{"no output file", []string{"convert", "a.onnx", ""}},
		{"no output file", []string{"run", "--input", "x.npy", "--output", ""}},
		{"convert: two files", []string{"convert"}},
		{"convert: two files", []string{"convert", "a.onnx"}},
		{"--weights int3", []string{"convert", "a.onnx", "b.frz", "--weights", "int3"}},
		{"exclude each other", []string{"convert", "a.onnx", "b.frz", "--crop", "--pad"}},
		{"--resize", []string{"convert", "a.onnx", "b.frz", "--stretch", "--resize", "256"}},
		{"--channels cmyk", []string{"convert", "a.onnx", "b.frz", "--channels", "cmyk"}},
		{"convert: --mean: one number or three", []string{"convert", "a.onnx", "b.frz", "--mean", "1,2"}},
		{"not a number", []string{"convert", "a.onnx", "b.frz", "--scale", "1/0"}},
		{"--std", []string{"convert", "a.onnx", "b.frz", "--std", "1,0,1"}},
		{"--scale must not be 0", []string{"convert", "a.onnx", "b.frz", "--scale", "0"}},
		{"--scale is one number", []string{"convert", "a.onnx", "b.frz", "--scale", "1,2,3"}},
		{"--resize", []string{"convert", "a.onnx", "b.frz", "--resize", "3000000000"}},
		{"inspect: one file", []string{"inspect", "a", "b"}},
		{"eval: --images and --labels", []string{"eval", "--images", "a"}},
		{"--batch 0: at least 1", []string{"eval", "--images", "a", "--labels", "b", "--batch", "0"}},
		{"--limit -1: at least 1, or 0 for all", []string{"eval", "--images", "a", "--labels", "b", "--limit", "-1"}},
		{"run: --input and --output", []string{"run", "--output", "y.npy"}},
		{"not expected", []string{"run", "x.npy", "--input", "x.npy", "--output", "y.npy"}},
		{"--duration -1s: more than 0", []string{"bench", "--duration", "-1s"}},
		{"not expected", []string{"cpu", "now"}},
		{"not expected", []string{"ops", "now"}},
	} {
		mustFail(t, exitUsage, []string{c.want}, c.args...)
	}
}

func TestHelp(t *testing.T) {
	all := mustInfer(t, "--help")
	if short := mustInfer(t, "help"); short != all {
		t.Error("help and --help differ")
	}
	for _, c := range commands() {
		if !strings.Contains(all, strings.TrimSpace("infer "+c.name)) {
			t.Errorf("--help says nothing of %q", c.name)
		}
		if c.name != "" {
			own := mustInfer(t, c.name, "-h")
			if !strings.Contains(all, own) {
				t.Errorf("%s --help differs from --help", c.name)
			}
			if mustInfer(t, "help", c.name) != own {
				t.Errorf("help %s differs from %s --help", c.name, c.name)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	text := mustInfer(t, "version")
	if text != mustInfer(t, "--version") {
		t.Error("version and --version differ")
	}
	tier, err := kernels.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"infer      ", runtime.Version(), "kernels    " + tier.Name + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A closed pipe is an error, told once, and no endless work.
func TestClosedOutput(t *testing.T) {
	seven := filepath.Join(testdata, "7.png")
	x := writeTensor(t, []int{1, 1, 28, 28}, make([]float32, 784))
	for _, args := range [][]string{
		{seven, seven}, {"--json", seven}, {"--json", "missing.png"}, {"--help"}, {"inspect"}, {"inspect", "--json"},
		{"bench", "--duration", "1ms", "--json"}, {"run", "--input", x, "--output", "-"}, {"version"},
	} {
		var complaint bytes.Buffer
		r, w := io.Pipe()
		r.Close()
		code := run(args, nil, w, &complaint)
		if text := complaint.String(); code != exitFailed || strings.Count(text, "closed pipe") != 1 || !strings.Contains(text, "infer: standard output: ") {
			t.Errorf("infer %q: exit code %d, %q", args, code, text)
		}
	}
}

// A file's name is told as it is, but for what a terminal would not show.
func TestNameInComplaint(t *testing.T) {
	mustFail(t, exitFailed, []string{`infer: two  spaces \n\x1b.png: no such`}, "two  spaces \n\x1b.png")
}
