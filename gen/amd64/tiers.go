package amd64

import "github.com/infer-go/infer/gen/spec"

// Targets are the tiers of amd64.
//
// Six rows of two vectors of eight are 12 of 16 registers; fourteen rows of one
// vector of sixteen are as many as general registers can point to.
var Targets = spec.Targets{
	{Name: "avx2", GOARCH: "amd64", Features: []string{"AVX2", "FMA3", "F16C"}, Rows: 6, Panels: 1, QuantisedRows: 4, QuantisedPanels: 1, Emitter: avx2},
	{Name: "avx512", GOARCH: "amd64", Base: "avx2", Features: []string{"AVX512F", "AVX512BW", "AVX512VL", "AVX512VNNI"}, Rows: 14, Panels: 1,
		QuantisedRows: 14, QuantisedPanels: 2, Emitter: avx512},
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
	"compare_f32_u8": compare,
	"select_f32":     selectElements,
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

	"gemm_u8i8":             gemmWords,
	"gemm_u8i8_f32":         gemmWords,
	"gemm_i16i8_u8":         gemmWords,
	"gemm_i16i8_f32":        gemmWords,
	"widen_u8_i16":          widenBytes,
	"convpool_u8i8":         gemmWords,
	"convpool_u8i8_f32":     gemmWords,
	"convpool3x3_u8i8":      planeWords,
	"fully_u8i8":            fullyWords,
	"fully_u8i8_f32":        fullyWords,
	"maxpool_u8":            maxPoolQuantised,
	"avgpool_u8":            averagePoolQuantised,
	"avgpool_u8_f32":        averagePoolQuantised,
	"depthwise_u8i8":        depthwiseQuantised,
	"depthwise_u8i8_f32":    depthwiseQuantised,
	"depthwise3x3_u8i8":     depthwiseWords,
	"binary_u8":             binaryQuantised,
	"binary_u8_f32":         binaryQuantised,
	"quantise_f32_u8":       quantise,
	"quantiseplanes_f32_u8": quantisePlanes,
	"dequantise_u8_f32":     dequantise,
	"table_u8":              byteTable,
	"rescale_u8":            rescale,

	"product_i16_i32":  productWords,
	"winograd_u8_i16":  winogradPatches,
	"winograd_i32_u8":  winogradTiles,
	"winograd_i32_f32": winogradTiles,
}

var avx512 = Emitters{
	"activate_f32": activateWide,
	"softmax_f32":  softmaxWide,

	"gemm_f32":     gemmWide,
	"grouped_f32":  groupedWide,
	"product_f32":  productWide,
	"winograd_f32": winogradWide,

	"gemm_u8i8":         gemmVNNI,
	"gemm_u8i8_f32":     gemmVNNI,
	"convpool_u8i8":     gemmVNNI,
	"convpool_u8i8_f32": gemmVNNI,
	"convpool3x3_u8i8":  planeVNNI,
	"fully_u8i8":        fullyVNNI,
	"fully_u8i8_f32":    fullyVNNI,

	"avgpool_u8":         averagePoolQuantised,
	"avgpool_u8_f32":     averagePoolQuantised,
	"depthwise_u8i8":     depthwiseQuantised,
	"depthwise_u8i8_f32": depthwiseQuantised,
	"depthwise3x3_u8i8":  depthwiseVNNI,
	"binary_u8":          binaryQuantised,
	"binary_u8_f32":      binaryQuantised,
	"dequantise_u8_f32":  dequantise,
	"table_u8":           byteTableWide,

	"product_i16_i32":  productWordsWide,
	"winograd_u8_i16":  winogradPatches,
	"winograd_i32_u8":  winogradTiles,
	"winograd_i32_f32": winogradTiles,
}
