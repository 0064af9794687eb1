package onnx_test

import (
	"fmt"
	"log"
	"os"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// Freeze a model with weights in half precision, and write the file that
// package engine opens.
func ExampleFreeze() {
	model, err := os.ReadFile("model.onnx")
	if err != nil {
		log.Fatal(err)
	}
	net, report, err := onnx.Freeze(model, onnx.Options{
		Weights: kernels.F16,
		Meta:    weights.Meta{Name: "model", Labels: []string{"cat", "dog"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range report.Passes {
		fmt.Printf("%-22s %d removed\n", p.Name, p.Removed)
	}
	if err := weights.Save("model.frz", net); err != nil {
		log.Fatal(err)
	}
}
