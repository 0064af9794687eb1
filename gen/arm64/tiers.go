package arm64

import "github.com/infer-go/infer/gen/spec"

// Targets are the tiers of arm64.
//
// Six rows of four vectors are 24 of 32 registers, a vector of each row of A 6
// more, and two are left for B. Of quantised operands two rows, with two sums of
// each column, are 16 registers, B takes four and products six; of dot products five
// rows are 20, and A five.
var Targets = spec.Targets{
	{Name: "neon", GOARCH: "arm64", Features: []string{"ASIMD"}, Rows: 6, Panels: 1, QuantisedRows: 2, QuantisedPanels: 1, Emitter: neon},
	{Name: "neondot", GOARCH: "arm64", Base: "neon", Features: []string{"ASIMDDP"}, Rows: 6, Panels: 1, QuantisedRows: 5, QuantisedPanels: 1, Emitter: neondot},
}

var neon = Emitters{
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

	"gemm_u8i8":             gemmBytes,
	"gemm_u8i8_f32":         gemmBytes,
	"convpool_u8i8":         convPoolBytes,
	"convpool_u8i8_f32":     convPoolBytes,
	"fully_u8i8":            fullyBytes,
	"fully_u8i8_f32":        fullyBytes,
	"convpool3x3_u8i8":      planeWords,
	"maxpool_u8":            maxPoolQuantised,
	"avgpool_u8":            averagePoolQuantised,
	"avgpool_u8_f32":        averagePoolQuantised,
	"depthwise_u8i8":        depthwiseQuantised,
	"depthwise_u8i8_f32":    depthwiseQuantised,
	"depthwise3x3_u8i8":     depthwiseThrees,
	"binary_u8":             binaryQuantised,
	"binary_u8_f32":         binaryQuantised,
	"quantise_f32_u8":       quantise,
	"quantiseplanes_f32_u8": quantisePlanes,
	"dequantise_u8_f32":     dequantise,
	"table_u8":              byteTable,
	"product_i16_i32":       productWords,
	"winograd_u8_i16":       winogradPatches,
	"winograd_i32_u8":       winogradTiles,
	"winograd_i32_f32":      winogradTiles,
}

var neondot = Emitters{
	"gemm_u8i8":         gemmDot,
	"gemm_u8i8_f32":     gemmDot,
	"convpool_u8i8":     gemmDot,
	"convpool_u8i8_f32": gemmDot,
	"fully_u8i8":        fullyDot,
	"fully_u8i8_f32":    fullyDot,
	"convpool3x3_u8i8":  planeDot,
}
