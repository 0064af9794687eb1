package onnx

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
)

// reports are graphs that were once refused or computed wrongly.
var reports = []string{
	"argmax_out",
	"argmax_out",
	"clip_nan_bound",
	"clip_no_max",
	"clip_no_min",
	"cubic_resize",
	"expand_se",
	"gather_channel",
	"real_DominikKoller_bVAE_Interactive_ae_decoder_onnx",
	"real_ognition_using_onnx_model_keypoint_classifier_keypoint_classifier_onnx",
	"resize_linear_align_corners_0.6",
	"resize_linear_align_corners_1.5",
	"resize_linear_half_pixel_symmetric_0.6",
	"resize_linear_half_pixel_symmetric_2.3",
	"resize_nearest_align_corners_1.5",
	"resize_nearest_align_corners_2.3",
	"resize_nearest_half_pixel_symmetric_0.6",
	"resize_nearest_half_pixel_symmetric_1.5",
	"resize_nearest_half_pixel_symmetric_2.3",
	"tile_upsample",
	"torch_argmax_seg_o13",
	"torch_mean_std_o13",
	"torch_se_o13",
	"torch_sr_bicubic_skip_o13",
	"torch_tcn_o13",
	"torch_topk_o13",
	"uint8_input",
	"wrap_pad",
}

// TestReports compares the graphs of reports with ONNX Runtime.
func TestReports(t *testing.T) {
	dir := testenv.File(t, "onnx", "reports")
	for _, name := range reports {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			model, err := os.ReadFile(filepath.Join(path, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			net, _, err := Freeze(model, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var in [][]byte
			for i, v := range net.Inputs {
				elem, _, x := readBytes(t, filepath.Join(path, fmt.Sprintf("input_%d.npy", i)))
				if elem != net.Values[v].Elem {
					t.Fatalf("input %d is %v, want %v", i, net.Values[v].Elem, elem)
				}
				in = append(in, x)
			}
			for i, bytes := range runBytes(t, net, 1, in...) {
				got := asFloats(net.Values[net.Outputs[i]].Elem, bytes)
				elem, shape, raw := readBytes(t, filepath.Join(path, fmt.Sprintf("expected_%d.npy", i)))
				want := asFloats(elem, raw)
				if !net.Values[net.Outputs[i]].Shape.Equal(shape) {
					t.Fatalf("output %d of shape %v, want %v", i, net.Values[net.Outputs[i]].Shape, shape)
				}
				diff := finiteDifference(t, got, want)
				if !(diff <= 1e-4) {
					t.Errorf("output %d differs by %.2g of its range", i, diff)
				}
				t.Logf("output %d differs by %.2g of its range", i, diff)
			}
		})
	}
}

// finiteDifference is the largest difference of two tensors relative to the
// range of the second, of elements that are neither NaN, infinite nor the
// largest number: those must be the same.
func finiteDifference(t *testing.T, got, want []float32) float64 {
	t.Helper()
	var a, b []float32
	for i, w := range want {
		if math.Abs(float64(w)) < math.MaxFloat32 {
			a, b = append(a, got[i]), append(b, w)
		} else if g := got[i]; g != w && (g == g || w == w) {
			t.Errorf("element %d is %v, want %v", i, g, w)
		}
	}
	return relativeDifference(t, a, b)
}
