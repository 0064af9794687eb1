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
	"largest_f32":    largest,
	"fully_f32":      fully,
	"fully_f32f16":   fully,
	"activate_f32":   activate,
	"binary_f32":     binary,
	"im2col_f32":     im2col,
	"interleave_f32": interleave,
	"transpose_f32":  transpose,
	"clamp_f32":      clampAll,
	"maxpool_f32":    maxPool,
	"avgpool_f32":    averagePool,
	"depthwise_f32":  depthwise,
	"blend_f32":      blend,
	"grouped_f32":    grouped,
	"widen_f16_f32":  widen,

	"reducerows_f32":       reduceRows,
	"reducecolumns_f32":    reduceColumns,
	"normaliserows_f32":    normaliseRows,
	"normalisecolumns_f32": normaliseColumns,
	"softmax_f32":          softmax,
	"idct_i16_u8":          idct,

	"weigh_u8f32_f32": weigh,
	"resample_f32":    resample,
	"planes_u8":       planes,
	"ycbcr_u8":        ycbcr,
}
