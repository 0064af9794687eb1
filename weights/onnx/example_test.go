package onnx_test

import (
	"fmt"
	"log"
	"os"

	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// Freeze a model with weights in half precision. weights.Save writes the file
// that package engine opens.
func ExampleFreeze() {
	model, err := os.ReadFile("../digits/seed.onnx")
	if err != nil {
		log.Fatal(err)
	}
	net, report, err := onnx.Freeze(model, onnx.Options{
		Weights: tensor.F16,
		Meta:    weights.Meta{Name: "seed", Labels: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range report.Passes {
		if p.Removed > 0 {
			fmt.Printf("%s: %d removed\n", p.Name, p.Removed)
		}
	}
	data, err := weights.Marshal(net)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d operators, %d bytes instead of %d\n", report.Operators, len(data), len(model))
	// Output:
	// fold batch norm and bias: 2 removed
	// fuse activation: 2 removed
	// fuse max-pool: 1 removed
	// 7 operators, 1390848 bytes instead of 2776896
}
