package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/infer-go/infer/cmd/infer/internal/npy"
	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/tensor"
)

// strokes are n pictures of 28×28, with some lines each.
func strokes(n int) [][]byte {
	var all [][]byte
	for i := range n {
		pix := make([]byte, 28*28)
		for j := range 3 {
			angle := float64(i)*0.7 + float64(j)*1.9
			for step := range 90 {
				r := float64(step)/10 - 4.5
				x, y := 14+float64(j-1)*3+r*math.Cos(angle), 14+r*math.Sin(angle)
				pix[int(y)*28+int(x)] = byte(min(150+5*i, 255))
			}
		}
		all = append(all, pix)
	}
	return all
}

// idxOf is pictures in MNIST's format.
func idxOf(pictures [][]byte) []byte {
	b := []byte{0, 0, 8, 3}
	for _, n := range []int{len(pictures), 28, 28} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return append(b, bytes.Join(pictures, nil)...)
}

// grayFolder is a folder of pictures.
func grayFolder(t *testing.T, pictures [][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for i, pix := range pictures {
		var b bytes.Buffer
		if err := png.Encode(&b, &image.Gray{Pix: pix, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.png", i)), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// asTensor is pictures as 0…1.
func asTensor(pictures [][]byte) []float32 {
	var x []float32
	for _, pix := range pictures {
		for _, v := range pix {
			x = append(x, float32(v)*float32(1.0/255))
		}
	}
	return x
}

// quantised freezes a shipped net with --int8 and returns the file and what the
// command said.
func quantised(t *testing.T, args ...string) (file, said string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "int8.frz")
	code, out, said := infer("", append([]string{"convert", exported("digits"), file, "--int8"}, args...)...)
	if code != exitOK || out != "" {
		t.Fatalf("%q: exit code %d, %q, %s", args, code, out, said)
	}
	return file, said
}

// scoresOf are the outputs of a net for pictures as tensors.
func scoresOf(t *testing.T, file string, pictures [][]byte) []float32 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "y.npy")
	mustInfer(t, "run", "--model", file, "--input", writeTensor(t, []int{len(pictures), 1, 28, 28}, asTensor(pictures)), "--output", out)
	return readTensor(t, out).Floats()
}

// TestConvertToIntegers calibrates with each kind of data, of the same pictures:
// they give the same net, which answers nearly as the float one.
func TestConvertToIntegers(t *testing.T) {
	pictures := strokes(24)
	plain := filepath.Join(t.TempDir(), "plain.frz")
	if code, _, complaint := infer("", "convert", exported("digits"), plain); code != exitOK {
		t.Fatal(complaint)
	}
	want := scoresOf(t, plain, pictures)
	span := 0.0
	for _, v := range want {
		span = max(span, math.Abs(float64(v)))
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(idxOf(pictures))
	z.Close()
	tensors := []string{}
	for i := range pictures {
		tensors = append(tensors, writeTensor(t, []int{1, 1, 28, 28}, asTensor(pictures[i:i+1])))
	}
	var first []float32
	for name, args := range map[string][]string{
		"IDX":             {"--calibrate", write(t, "strokes", idxOf(pictures))},
		"IDX and gzip":    {"--calibrate", write(t, "strokes.gz", zipped.Bytes())},
		"a tensor":        {"--calibrate", writeTensor(t, []int{24, 1, 28, 28}, asTensor(pictures))},
		"a row of images": {"--calibrate", writeTensor(t, []int{24, 1, 1, 28, 28}, asTensor(pictures))},
		"many tensors":    append([]string{"--calibrate"}, tensors...),
		"two sources":     {"--calibrate", write(t, "some", idxOf(pictures[:10])), "--calibrate", write(t, "others", idxOf(pictures[10:]))},
		"a folder":        {"--calibrate", grayFolder(t, pictures), "--stretch"},
	} {
		file, said := quantised(t, args...)
		for _, part := range []string{"SIGNAL TO NOISE", "/conv1/Conv", "FullyConnected", "calibrated with 24 items: ", "of 24 answers changed"} {
			if !strings.Contains(said, part) {
				t.Errorf("%s: no %q in\n%s", name, part, said)
			}
		}
		got := scoresOf(t, file, pictures)
		if first == nil {
			first = got
		}
		for i := range got {
			if got[i] != first[i] {
				t.Errorf("%s: answer %d is %v, not %v", name, i, got[i], first[i])
				break
			}
			if d := math.Abs(float64(got[i] - want[i])); d > 0.03*span {
				t.Errorf("%s: answer %d is %v, in float32 %v", name, i, got[i], want[i])
				break
			}
		}
		if a, b := size(t, file), size(t, plain); float64(a) > 0.27*float64(b) {
			t.Errorf("%s: %d bytes, of float32 %d", name, a, b)
		}
	}
	if _, said := quantised(t, "--calibrate", write(t, "x", idxOf(pictures)), "--range", "percentile:99.9", "--keep-float", "/conv2/Conv"); !strings.Contains(said, "stays float: asked for") {
		t.Errorf("nothing stays float:\n%s", said)
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestConvertToIntegersFails checks what is said of data that cannot calibrate,
// and of flags that do not fit together.
func TestConvertToIntegersFails(t *testing.T) {
	good := write(t, "good.idx", idxOf(strokes(16)))
	nan := asTensor(strokes(16))
	nan[28*28*3+7] = float32(math.NaN())
	for _, c := range []struct {
		code  int
		words []string
		args  []string
	}{
		{exitUsage, []string{"--int8 needs --calibrate"}, []string{"--int8"}},
		{exitUsage, []string{"go with --int8"}, []string{"--calibrate", good}},
		{exitUsage, []string{"go with --int8"}, []string{"--range", "percentile:99"}},
		{exitUsage, []string{"--range", "minmax"}, []string{"--int8", "--calibrate", good, "--range", "percentile:10"}},
		{exitUsage, []string{"--range", "minmax"}, []string{"--int8", "--calibrate", good, "--range", "99.9"}},
		{exitUsage, []string{"two files are needed"}, []string{good, "--int8"}},
		{exitFailed, []string{"/conv1/Con", "perhaps", "/conv1/Conv"}, []string{"--int8", "--calibrate", good, "--keep-float", "/conv1/Con"}},
		{exitFailed, []string{"missing: no such file"}, []string{"--int8", "--calibrate", filepath.Join(t.TempDir(), "missing"), "--stretch"}},
		{exitFailed, []string{"the folder contains no pictures"}, []string{"--int8", "--calibrate", t.TempDir(), "--stretch"}},
		{exitFailed, []string{"nothing says how a picture becomes the net's input", "--crop"}, []string{"--int8", "--calibrate", grayFolder(t, strokes(16))}},
		{exitFailed, []string{"15 items are too few"}, []string{"--int8", "--calibrate", write(t, "few.idx", idxOf(strokes(15)))}},
		{exitFailed, []string{"nothing says how"}, []string{"--int8", "--calibrate", write(t, "flat.idx", []byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9})}},
		{exitFailed, []string{"bad.idx"}, []string{"--int8", "--calibrate", write(t, "bad.idx", idxOf(strokes(16))[:999])}},
		{exitFailed, []string{"every calibration item", "a single number"}, []string{"--int8", "--calibrate", writeTensor(t, []int{16, 1, 28, 28}, make([]float32, 16*28*28))}},
		{exitFailed, []string{"every calibration item", "a single number"}, []string{"--int8", "--calibrate", grayFolder(t, slices.Repeat([][]byte{bytes.Repeat([]byte{90}, 28*28)}, 16)), "--stretch"}},
		{exitFailed, []string{"x.npy: item 3: element 7", "not finite"}, []string{"--int8", "--calibrate", writeTensor(t, []int{16, 1, 28, 28}, nan)}},
		{exitFailed, []string{"shape 16×1×27×28", "takes 1×1×28×28"}, []string{"--int8", "--calibrate", writeTensor(t, []int{16, 1, 27, 28}, make([]float32, 16*27*28))}},
		{exitFailed, []string{"2 tensors, where the net has 1 input"}, []string{"--int8", "--calibrate", "a.npy,b.npy"}},
		{exitFailed, []string{"its elements are u8"}, []string{"--int8", "--calibrate", writeBytes(t, []int{1, 1, 28, 28}, strokes(1)[0])}},
	} {
		args := append([]string{"convert", exported("digits"), filepath.Join(t.TempDir(), "out.frz")}, c.args...)
		mustFail(t, c.code, c.words, args...)
		if _, err := os.Stat(args[2]); err == nil {
			t.Errorf("%q wrote a file", c.args)
		}
	}
}

// writeBytes writes a .npy file of uint8.
func writeBytes(t *testing.T, shape []int, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, &npy.Array{Elem: tensor.U8, Shape: shape, Data: data}); err != nil {
		t.Fatal(err)
	}
	return write(t, "bytes.npy", b.Bytes())
}

// TestIntegersAnswerMNIST checks that the shipped nets answer MNIST as well in
// integers, calibrated with its training pictures.
func TestIntegersAnswerMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("it calibrates two nets, and asks each 20,000 pictures")
	}
	images, labels := testenv.File(t, "mnist", "t10k-images-idx3-ubyte.gz"), testenv.File(t, "mnist", "t10k-labels-idx1-ubyte.gz")
	train := testenv.File(t, "mnist", "train-images-idx3-ubyte.gz")
	for _, name := range []string{"seed", "digits"} {
		right := map[bool]int{}
		for _, integers := range []bool{false, true} {
			file := filepath.Join(t.TempDir(), name+".frz")
			args := []string{"convert", exported(name), file, "--digits"}
			if integers {
				args = append(args, "--int8", "--calibrate", train)
			}
			code, _, said := infer("", args...)
			if code != exitOK {
				t.Fatal(said)
			}
			if integers && !strings.Contains(said, "calibrated with 1,000 items") {
				t.Errorf("%s:\n%s", name, said)
			}
			text := mustInfer(t, "eval", "--model", file, "--images", images, "--labels", labels)
			right[integers], _ = strconv.Atoi(regexp.MustCompile(`^\d+`).FindString(text))
		}
		if right[true] < right[false]-5 || right[false] < 9900 {
			t.Errorf("%s: %d of 10,000 right in integers, %d in float32", name, right[true], right[false])
		}
	}
}
