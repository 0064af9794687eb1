package main

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/infer-go/infer/cmd/infer/internal/npy"
	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/digits"
	"github.com/infer-go/infer/weights/onnx"
)

// The nets that this repository ships, as they were exported by training.
var shipped = []struct {
	name     string
	accuracy float64 // on MNIST's test set, at least
}{
	{"digits", 0.995},
	{"seed", 0.98},
}

func exported(name string) string {
	return filepath.Join("..", "..", "weights", "digits", name+".onnx")
}

// frozen freezes a shipped net.
func frozen(t *testing.T, name string, e tensor.Elem) []byte {
	t.Helper()
	model, err := os.ReadFile(exported(name))
	if err != nil {
		t.Fatal(err)
	}
	net, _, err := onnx.Freeze(model, onnx.Options{Weights: e})
	if err != nil {
		t.Fatal(err)
	}
	data, err := weights.Marshal(net)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// logits computes the first n of MNIST's test pictures, in batches.
func logits(t *testing.T, data []byte, tier string, set dataSet, n int) [][]float32 {
	t.Helper()
	m, err := engine.Options{Kernels: tier}.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const batch = 100
	s, err := m.NewSession(engine.SessionOptions{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out [][]float32
	for first := 0; first < n; first += batch {
		for i := range batch {
			for j, v := range set.images.Item(first + i) {
				s.Input(0)[784*i+j] = float32(v) / 255
			}
		}
		if err := s.Run(batch); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			out = append(out, slices.Clone(s.Output(0)[10*i:10*i+10]))
		}
	}
	return out
}

// compare returns the number of right answers of got, of answers that differ
// from want's, and the largest difference of a logit.
func compare(got, want [][]float32, set dataSet) (right, differ int, worst float64) {
	for i, g := range got {
		answer := argmax(g)
		if answer == int(set.labels.Data[i]) {
			right++
		}
		if answer != argmax(want[i]) {
			differ++
		}
		for j, v := range g {
			worst = max(worst, math.Abs(float64(v)-float64(want[i][j])))
		}
	}
	return right, differ, worst
}

func argmax(x []float32) (best int) {
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// TestShippedNets measures the accuracy of each net, what half precision costs
// it, and what the tiers make of it.
func TestShippedNets(t *testing.T) {
	set := mnist(t)
	n := set.images.Len()
	if testing.Short() {
		n = 1000
	}
	for _, net := range shipped {
		t.Run(net.name, func(t *testing.T) {
			single, half := frozen(t, net.name, tensor.F32), frozen(t, net.name, tensor.F16)
			want := logits(t, single, "", set, n)
			right, _, _ := compare(want, want, set)
			t.Logf("float32, %d bytes: %d of %d right", len(single), right, n)
			if !testing.Short() && float64(right) < net.accuracy*float64(n) {
				t.Errorf("%d of %d right, want %v", right, n, net.accuracy)
			}
			rightHalf, differ, worst := compare(logits(t, half, "", set, n), want, set)
			t.Logf("half precision, %d bytes: %d right, %d other answers, logits differ by %.2g", len(half), rightHalf, differ, worst)
			if 2000*max(right-rightHalf, rightHalf-right) > n { // 0.05 points
				t.Errorf("half precision has %d right, float32 %d", rightHalf, right)
			}
			for _, tier := range kernels.Tiers() {
				if !tier.Supported {
					continue
				}
				_, differ, worst := compare(logits(t, single, tier.Name, set, n), want, set)
				t.Logf("%s: %d other answers, logits differ by %.2g", tier.Name, differ, worst)
				if differ > 0 || worst > 1e-4 {
					t.Errorf("%s: %d other answers than the default kernels', logits differ by %.2g", tier.Name, differ, worst)
				}
			}
		})
	}
}

// digitsNote is what the embedded net says of itself.
const digitsNote = "Trained on MNIST (CC BY-SA 3.0), drawn and printed digits by weights/digits/train; Apache-2.0; 99.63 % of MNIST's test pictures"

// TestEmbeddedNet checks that the embedded file is what the command in the
// documentation of package digits makes of digits.onnx, but for the version of
// the program that made it.
func TestEmbeddedNet(t *testing.T) {
	got, err := weights.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "digits.frz")
	if code, _, complaint := infer("", "convert", exported("digits"), file, "--weights", "half", "--digits", "--note", digitsNote); code != exitOK {
		t.Fatal(complaint)
	}
	f, err := weights.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := f.Net
	got.Meta.Producer, want.Meta.Producer = "", ""
	if !reflect.DeepEqual(got, want) {
		t.Error("it is another net")
	}
	if len(digits.Data) > 430_000 {
		t.Errorf("%d bytes", len(digits.Data))
	}
}

// TestAgainstPyTorch compares the shipped nets with PyTorch on MNIST's 10,000
// test pictures. It needs a python3 that has PyTorch.
func TestAgainstPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	set := mnist(t)
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(p, "-c", "import torch, onnx").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		testenv.Missing(t, errors.New("no python3 with torch and onnx"))
	}
	for _, net := range shipped {
		t.Run(net.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "logits.npy")
			script := filepath.Join("..", "..", "weights", "digits", "train", "reference.py")
			out, err := exec.Command(python, script, "--data", testenv.File(t, "mnist"), exported(net.name), file).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			reference, err := npy.Read(f)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Collect(slices.Chunk(reference.Floats(), 10))
			got := logits(t, frozen(t, net.name, tensor.F32), "", set, set.images.Len())
			_, differ, worst := compare(got, want, set)
			t.Logf("%d other answers than PyTorch's, logits differ by %.2g", differ, worst)
			if differ > 0 || worst >= 1e-4 {
				t.Errorf("%d other answers than PyTorch's, logits differ by %.2g", differ, worst)
			}
		})
	}
}
