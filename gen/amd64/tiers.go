package amd64

import "github.com/infer-go/infer/gen/spec"

// Targets are the tiers of amd64.
//
// Six rows of two vectors of eight are 12 of 16 registers.
var Targets = spec.Targets{
	{Name: "avx2", GOARCH: "amd64", Features: []string{"AVX2", "FMA3", "F16C"}, Rows: 6, Panels: 1, Emitter: avx2},
}

var avx2 = Emitters{
	"gemm_f32":       gemm,
	"product_f32":    product,
	"convpool_f32":   convPool,
	"winograd_f32":   winograd,
	"fully_f32":      fully,
	"fully_f32f16":   fully,
	"activate_f32":   activate,
	"binary_f32":     binary,
	"im2col_f32":     im2col,
	"interleave_f32": interleave,
	"clamp_f32":      clampAll,
	"maxpool_f32":    maxPool,
	"avgpool_f32":    averagePool,
	"depthwise_f32":  depthwise,
	"widen_f16_f32":  widen,
	"idct_i16_u8":    idct,

	"weigh_u8f32_f32": weigh,
	"resample_f32":    resample,
	"planes_u8":       planes,
	"ycbcr_u8":        ycbcr,
}
