package onnx

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
)

// reports are models that people have, or the smallest graphs that show what
// went wrong with one: outputs are ONNX Runtime's. A reason says what is not
// computed as there.
var reports = map[string]string{
	"clip_no_max":                             "",
	"clip_no_min":                             "",
	"nan_ThresholdedRelu":                     "NaN stays NaN here",
	"resize_linear_align_corners_0.6":         "",
	"resize_linear_align_corners_1.5":         "",
	"resize_linear_half_pixel_symmetric_0.6":  "",
	"resize_linear_half_pixel_symmetric_2.3":  "",
	"resize_nearest_align_corners_1.5":        "",
	"resize_nearest_align_corners_2.3":        "",
	"resize_nearest_half_pixel_symmetric_0.6": "a coordinate that is whole by the formula is rounded down to the one below it there",
	"resize_nearest_half_pixel_symmetric_1.5": "",
	"resize_nearest_half_pixel_symmetric_2.3": "",
}

// TestReports compares within 1e-4 of the range of the output.
func TestReports(t *testing.T) {
	dir := testenv.File(t, "onnx", "reports")
	for name, reason := range reports {
		t.Run(name, func(t *testing.T) {
			if reason != "" {
				t.Skip(reason)
			}
			model, err := os.ReadFile(filepath.Join(dir, name, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			net, _, err := Freeze(model, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var in [][]float32
			for i := range net.Inputs {
				_, x := readNpy(t, filepath.Join(dir, name, fmt.Sprintf("input_%d.npy", i)))
				in = append(in, x)
			}
			out := run(t, net, 1, in...)
			for i := range net.Outputs {
				_, want := readNpy(t, filepath.Join(dir, name, fmt.Sprintf("expected_%d.npy", i)))
				if len(out[i]) != len(want) {
					t.Fatalf("output %d has %d elements, want %d", i, len(out[i]), len(want))
				}
				low, high := math.Inf(1), math.Inf(-1)
				for _, v := range want {
					if v != v {
						continue
					}
					low, high = min(low, float64(v)), max(high, float64(v))
				}
				for k, v := range want {
					if got := out[i][k]; got != got && v != v {
						continue
					} else if !(math.Abs(float64(got)-float64(v)) <= 1e-4*(high-low)) {
						t.Fatalf("output %d, element %d is %v, want %v", i, k, got, v)
					}
				}
			}
		})
	}
}
