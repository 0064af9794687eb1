package onnx

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/weights"
)

// reports are graphs that were once refused or computed wrongly.
var reports = []string{
	"argmax_out",
	"clip_nan_bound",
	"clip_no_max",
	"clip_no_min",
	"conv3d",
	"cubic_resize",
	"dyn_hw",
	"erf_gelu",
	"expand_se",
	"gather_channel",
	"gelu20",
	"maxpool_indices",
	"nan_Max",
	"opset17_ln",
	"pow2",
	"real_2bitbit_ECE_2026_08_model_int8_onnx",
	"real_2bitbit_ECE_2026_08_v2_output_model_int8_onnx",
	"real_2bitbit_ECE_2026_08_v4_output_model_int8_onnx",
	"real_2bitbit_ECE_2026_08_v5_output_model_int8_onnx",
	"real_BioscaG_energy_disaggregation_mlops_model_onnx",
	"real_BrandonKi_mnist_in_factorio_model_quantized_onnx",
	"real_DominikKoller_bVAE_Interactive_ae_decoder_onnx",
	"real_RuDr8A_RealTime_PPE_Compliance_face_detection_yunet_2026may_onnx",
	"real_ShiqiYu_libfacedetection_train_onnx_yunet_s_dynamic_onnx",
	"real_alrevuelta_cONNXr_scripts_quantized_model_onnx",
	"real_cloudlab_aia_game_external_proc_FSRCNN_x2_onnx",
	"real_cloudlab_aia_game_external_proc_FSRCNN_x3_onnx",
	"real_cloudlab_aia_game_external_proc_FSRCNN_x4_onnx",
	"real_glorypumpkin_hive_web_app_public_model_onnx",
	"real_jameskermode_marimo_jax_onnx_demo_public_model_onnx",
	"real_mdturp_low_light_image_enhancement_model_model_onnx",
	"real_ognition_using_onnx_model_keypoint_classifier_keypoint_classifier_onnx",
	"reducemax_cbam",
	"resize_linear_align_corners_0.6",
	"resize_linear_align_corners_1.5",
	"resize_linear_half_pixel_symmetric_0.6",
	"resize_linear_half_pixel_symmetric_2.3",
	"resize_nearest_align_corners_1.5",
	"resize_nearest_align_corners_2.3",
	"resize_nearest_half_pixel_symmetric_0.6",
	"resize_nearest_half_pixel_symmetric_1.5",
	"resize_nearest_half_pixel_symmetric_2.3",
	"slow_convT_autoencoder_decoder",
	"slow_fsrcnn_abs",
	"tile_upsample",
	"torch_act_celu_o13",
	"torch_act_gelu_o13",
	"torch_act_logsigmoid_o13",
	"torch_argmax_seg_o13",
	"torch_conv3d_o13",
	"torch_conv_lstm_o13",
	"torch_layernorm_gelu_o13",
	"torch_mean_std_o13",
	"torch_se_o13",
	"torch_sr_bicubic_skip_o13",
	"torch_tcn_o13",
	"torch_topk_o13",
	"uint8_input",
	"winograd_huge",
	"winograd_inf",
	"winograd_nan",
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
			sizes := make([]int, len(net.Open))
			for i, v := range net.Inputs {
				elem, shape, x := readBytes(t, filepath.Join(path, fmt.Sprintf("input_%d.npy", i)))
				if elem != net.Values[v].Elem {
					t.Fatalf("input %d is %v, want %v", i, net.Values[v].Elem, elem)
				}
				in = append(in, x)
				for k, d := range net.Open {
					if at := d.At[0]; at.Input == i {
						sizes[k] = shape[at.Dim]
					}
				}
			}
			outputs := runBytes(t, net, sizes, 1, in...)
			if net, err = net.Sized(sizes); err != nil {
				t.Fatal(err)
			}
			for i, bytes := range outputs {
				got := asFloats(net.Values[net.Outputs[i]].Elem, bytes)
				elem, shape, raw := readBytes(t, filepath.Join(path, fmt.Sprintf("expected_%d.npy", i)))
				want := asFloats(elem, raw)
				if !net.Values[net.Outputs[i]].Shape.Equal(shape) {
					t.Fatalf("output %d of shape %v, want %v", i, net.Values[net.Outputs[i]].Shape, shape)
				}
				diff := finiteDifference(t, got, want)
				bound := 1e-4
				if slices.ContainsFunc(net.Values, func(v weights.Value) bool { return v.Quantised() }) {
					bound = 1e-2 // where a sum is rounded apart, an element is the next one
				}
				if !(diff <= bound) && !(slices.Max(want) < sigmoidStep*(1<<15) && near0(got, want)) {
					t.Errorf("output %d differs by %.2g of its range", i, diff)
				}
				t.Logf("output %d differs by %.2g of its range", i, diff)
			}
		})
	}
}

// sigmoidStep is what ONNX Runtime's Sigmoid rounds to near 0, where ours is
// exact to the last bit: it matters in outputs that hold nothing larger.
const sigmoidStep = 1.0 / (1 << 24)

// near0 says whether two tensors differ by two such steps at most.
func near0(got, want []float32) bool {
	for i, w := range want {
		if !(math.Abs(float64(got[i])-float64(w)) <= 2*sigmoidStep) {
			return false
		}
	}
	return true
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
