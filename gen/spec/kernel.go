package spec

import (
	"fmt"
	"strings"
)

// A Kernel is the identity of a micro-kernel: what it computes, on any tier.
//
// Its name is made here and nowhere else: the operation; the elements; the
// variant or the tile, rows × columns, if it has one; and, in a symbol, the
// tier. The elements are the operand's, then the weight's if different, then,
// after an underscore, the result's if different from the operand's:
//
//	gemm_f32_6x16_avx2         float32 throughout
//	fully_f32f16_1x64_avx2     float16 weights
//	gemm_u8i8_6x16_avx512      int8 weights
//	widen_f16_f32_avx2         no weights, another result
//	winograd_f32_in4_neon      a variant, no tile
//	product_i16_i32_6x16_neon  int16 weights, another result
//	idct_i16_u8_8_avx2         a variant, the side of a block
type Kernel struct {
	Op string

	// The element types. Without a weight, Weight equals Operand.
	Operand, Weight, Result Elem

	Variant string // what else distinguishes it within its family
	Rows    int    // of a tile, if it has one
	Panels  int    // of a tile, each of 16 columns
}

// Family is the first part of the name: the operation and the elements.
func (k Kernel) Family() string {
	name := k.Op + "_" + k.Operand.String()
	if k.Weight != k.Operand {
		name += k.Weight.String()
	}
	if k.Result != k.Operand {
		name += "_" + k.Result.String()
	}
	return name
}

// Name is the name without the tier.
func (k Kernel) Name() string {
	parts := []string{k.Family()}
	if k.Variant != "" {
		parts = append(parts, k.Variant)
	}
	if k.Rows > 0 {
		parts = append(parts, fmt.Sprintf("%dx%d", k.Rows, 16*k.Panels))
	}
	return strings.Join(parts, "_")
}

// Symbol is the name of a tier's function.
func (k Kernel) Symbol(tier string) string { return k.Name() + "_" + tier }

// An Elem is the type of a kernel's elements. Values and names are those of
// package tensor.
type Elem uint8

const (
	F32 Elem = iota
	F16
	U8
	I8
	I16
	I32
)

func (e Elem) String() string { return [...]string{"f32", "f16", "u8", "i8", "i16", "i32"}[e] }

// Kernels lists the kernels of a tier whose tiles have up to rows rows by
// panels panels: every tier has exactly these.
func Kernels(rows, panels int) (ks []Kernel) {
	for _, op := range []string{"gemm", "product"} {
		for r := rows; r >= 1; r-- {
			ks = append(ks, Kernel{Op: op, Rows: r, Panels: panels})
		}
	}
	variants := func(op string, names ...string) {
		for _, name := range names {
			ks = append(ks, Kernel{Op: op, Variant: name})
		}
	}
	ks = append(ks, Kernel{Op: "convpool", Rows: 4, Panels: 1})
	variants("winograd", "in2", "in4", "out2", "out4", "outpool2", "outpool4")
	for r := rows; r >= 1; r-- {
		ks = append(ks, Kernel{Op: "product", Operand: I16, Weight: I16, Result: I32, Rows: r, Panels: panels})
	}
	ks = append(ks, Kernel{Op: "winograd", Operand: U8, Weight: U8, Result: I16, Variant: "in4"})
	for _, result := range []Elem{U8, F32} {
		for _, variant := range []string{"out4", "outpool4"} {
			ks = append(ks, Kernel{Op: "winograd", Operand: I32, Weight: I32, Result: result, Variant: variant})
		}
	}
	ks = append(ks, Kernel{Op: "largest"})
	for _, weight := range []Elem{F32, F16} {
		for _, wide := range []int{1, 4} {
			ks = append(ks, Kernel{Op: "fully", Weight: weight, Rows: 1, Panels: wide})
		}
	}
	for r := 1; r <= 2; r++ {
		ks = append(ks, Kernel{Op: "fully", Variant: "strided", Rows: r, Panels: 4 / r})
	}
	ks = append(ks, Kernel{Op: "im2col"}, Kernel{Op: "interleave"}, Kernel{Op: "transpose"}, Kernel{Op: "clamp"})
	variants("activate",
		"abs", "neg", "sqrt", "sign", "floor", "ceil", "round",
		"leakyrelu", "hardswish", "hardsigmoid", "thresholdedrelu", "shrink",
		"exp", "sigmoid", "silu", "tanh", "elu", "celu", "softplus", "softsign", "mish", "gelu", "gelutanh", "erf",
		"log", "sin", "cos", "asin", "acos", "atan")
	variants("binary", "add", "sub", "mul", "div", "max", "min", "prelu", "pow")
	for _, variant := range []string{"equal", "less", "lessequal"} {
		ks = append(ks, Kernel{Op: "compare", Result: U8, Variant: variant})
	}
	ks = append(ks, Kernel{Op: "select"})
	for _, op := range []string{"reducerows", "reducecolumns"} {
		variants(op, "sum", "squares", "magnitudes", "product", "max", "min")
	}
	return append(ks,
		Kernel{Op: "normaliserows"}, Kernel{Op: "normalisecolumns"}, Kernel{Op: "softmax"},
		Kernel{Op: "maxpool"}, Kernel{Op: "avgpool"}, Kernel{Op: "avgpool", Variant: "narrow"}, Kernel{Op: "depthwise"}, Kernel{Op: "grouped", Variant: "4"}, Kernel{Op: "grouped", Variant: "8"}, Kernel{Op: "blend"},
		Kernel{Op: "widen", Operand: F16, Weight: F16},
		Kernel{Op: "idct", Operand: I16, Weight: I16, Result: U8, Variant: "8"},
		Kernel{Op: "idct", Operand: I16, Weight: I16, Result: U8, Variant: "4"},
		Kernel{Op: "weigh", Operand: U8}, Kernel{Op: "resample"},
		Kernel{Op: "planes", Operand: U8, Weight: U8, Result: U8},
		Kernel{Op: "ycbcr", Operand: U8, Weight: U8, Result: U8, Variant: "1"},
		Kernel{Op: "ycbcr", Operand: U8, Weight: U8, Result: U8, Variant: "2"},
	)
}

// QuantisedKernels lists the kernels that compute in integers, of a tier whose
// gemm tiles have up to rows rows by up to panels panels. Their results have the
// same bits on every tier, so a tier that lacks a kernel takes the portable
// tier's. A tier has all kernels of the gemm family or none, and so with those of
// words.
func QuantisedKernels(rows, panels int) (ks []Kernel) {
	for _, result := range []Elem{U8, F32} {
		for p := panels; p >= 1; p-- {
			for r := rows; r >= 1; r-- {
				ks = append(ks, Kernel{Op: "gemm", Operand: U8, Weight: I8, Result: result, Rows: r, Panels: p})
			}
			for r := max(rows/4, 1) * 4; r >= 4; r -= 4 {
				ks = append(ks, Kernel{Op: "convpool", Operand: U8, Weight: I8, Result: result, Rows: r, Panels: p})
			}
		}
		ks = append(ks,
			Kernel{Op: "fully", Operand: U8, Weight: I8, Result: result, Rows: 1, Panels: 4},
			Kernel{Op: "avgpool", Operand: U8, Weight: U8, Result: result},
			Kernel{Op: "depthwise", Operand: U8, Weight: I8, Result: result},
		)
		for _, f := range []string{"add", "sub", "mul"} {
			ks = append(ks, Kernel{Op: "binary", Operand: U8, Weight: U8, Result: result, Variant: f})
		}
	}
	for _, result := range []Elem{U8, F32} {
		for r := WordRows; r >= 1; r-- {
			ks = append(ks, Kernel{Op: "gemm", Operand: I16, Weight: I8, Result: result, Rows: r, Panels: 1})
		}
	}
	for _, stride := range []string{"1", "2"} {
		ks = append(ks, Kernel{Op: "depthwise3x3", Operand: U8, Weight: I8, Result: U8, Variant: stride})
	}
	for _, planes := range []string{"3", "4"} {
		ks = append(ks, Kernel{Op: "quantiseplanes", Result: U8, Variant: planes})
	}
	return append(ks,
		Kernel{Op: "convpool3x3", Operand: U8, Weight: I8, Result: U8},
		Kernel{Op: "widen", Operand: U8, Weight: U8, Result: I16},
		Kernel{Op: "maxpool", Operand: U8, Weight: U8, Result: U8}, Kernel{Op: "quantise", Result: U8},
		Kernel{Op: "dequantise", Operand: U8, Weight: U8}, Kernel{Op: "table", Operand: U8, Weight: U8, Result: U8},
		Kernel{Op: "rescale", Operand: U8, Weight: U8, Result: U8},
	)
}

// WordRows is the largest number of rows of a tile of words, which a tier without
// instructions for products of bytes multiplies by panels of int8.
const WordRows = 5

// A Tier is the kernels for one kind of processor. The generated Tiers are
// those of the GOARCH being compiled for.
type Tier struct {
	Name     string
	Features []string // all CPU features that it needs, by cpuid's names

	// The largest tile of the gemm and product families.
	Rows, Panels int

	// The largest tile of the gemm family of quantised operands; 0 if the tier
	// does not have this family.
	QuantisedRows, QuantisedPanels int

	Kernels []Entry
}

// An Entry is a kernel of a tier.
type Entry struct {
	Kernel
	From string // the tier that emits it: the tier itself or a base of it
	Run  any    // func(*Args), with the operation's block of arguments
}

// Symbol is the function's name.
func (e Entry) Symbol() string { return e.Kernel.Symbol(e.From) }
