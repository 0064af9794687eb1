// Quantised makes a net of integers from an ONNX model and pictures like those
// that it will meet, and compares both nets' answers.
//
//	go run ./examples/quantised -model weights/digits/digits.onnx testdata/*.png testdata/*.jpg …
//
// `infer convert --int8 --calibrate` does the same, and takes folders and data
// sets.
package main

import (
	"flag"
	"fmt"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"log"
	"os"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

func main() {
	model := flag.String("model", "weights/digits/digits.onnx", "a float model that reads digits")
	flag.Parse()
	same, total, err := compare(*model, flag.Args())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d answers are the same\n", same, total)
}

// compare freezes a model twice, as float32 and quantised by what the pictures
// make of it, and counts the pictures that both give the same answer to.
func compare(path string, pictures []string) (same, total int, err error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	options := onnx.Options{Meta: weights.Meta{Preparation: weights.Preparation{
		Kind: weights.Digit, Width: 28, Height: 28, Scale: 1.0 / 255, Std: [3]float32{1, 1, 1},
	}}}
	float, _, err := freeze(source, options)
	if err != nil {
		return 0, 0, err
	}
	defer float.Close()

	inputs, err := prepare(float, pictures)
	if err != nil {
		return 0, 0, err
	}
	options.Quantise = &onnx.Quantisation{
		Items: func(*weights.Net) (onnx.Items, error) { return inputs, nil },
	}
	quantised, report, err := freeze(source, options)
	if err != nil {
		return 0, 0, err
	}
	defer quantised.Close()
	fmt.Printf("quantised: %.1f dB between signal and noise; integers alone: %v\n", report.Quantised.SNR, quantised.Integer())

	for _, file := range pictures {
		data, err := os.ReadFile(file)
		if err != nil {
			return 0, 0, err
		}
		a, err := float.ClassifyBytes(data, 1)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", file, err)
		}
		b, err := quantised.ClassifyBytes(data, 1)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", file, err)
		}
		total++
		if a[0].Index == b[0].Index {
			same++
		}
	}
	return same, total, nil
}

func freeze(source []byte, options onnx.Options) (*engine.Model, *onnx.Report, error) {
	net, report, err := onnx.Freeze(source, options)
	if err != nil {
		return nil, nil, err
	}
	data, err := weights.Marshal(net)
	if err != nil {
		return nil, nil, err
	}
	m, err := engine.Parse(data)
	return m, report, err
}

// prepare makes inputs of pictures, in the way that the net will.
func prepare(m *engine.Model, pictures []string) (onnx.Items, error) {
	var list items
	for _, file := range pictures {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		img, err := picture.Decode(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		input := make([]float32, 28*28)
		if err := m.Prepare(input, img); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, input)
	}
	return list, nil
}

// items are inputs of 1×28×28.
type items [][]float32

func (l items) Len() int { return len(l) }

func (l items) Item(i int) ([]onnx.Tensor, error) {
	return []onnx.Tensor{{Type: tensor.Floats(1, 1, 28, 28), Data: tensor.Bytes(l[i])}}, nil
}
