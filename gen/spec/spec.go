// Package spec is the one list of kernels: what each is called, which block
// of arguments it takes and where it stands in a tier's table. The emitters,
// the stubs and the tables follow it; the tests of package kernels fail where a
// tier's table or a test lacks one of the kernels.
package spec

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
)

// ArgsSource is the source of the package that declares the blocks of
// arguments and the Table; it is copied into package asm.
//
//go:embed args.go
var ArgsSource string

// A Kernel is one micro-kernel of every tier.
type Kernel struct {
	Op   string // "gemm"
	Elem string // type of the weights: "f32", "f16"
	Tile string // rows × columns, or what else tells it from its family: "6x16"
	Args string // its block of arguments: "GemmArgs"

	Field string // in asm.Table
	Index int    // in the field, if that is an array; else 0
}

// Name is the kernel's symbol on a tier, "gemm_f32_6x16_avx2".
func (k Kernel) Name(tier string) string {
	return strings.Join([]string{k.Op, k.Elem, k.Tile, tier}, "_")
}

// File is the stem of the assembly file in which the kernel stands.
func (k Kernel) File() string { return k.Op }

// Kernels lists the kernels of a tier whose tiles have up to mr rows.
func Kernels(mr int) []Kernel {
	var ks []Kernel
	for _, family := range []Kernel{
		{Op: "gemm", Args: "GemmArgs", Field: "Gemm"},
		{Op: "product", Args: "ProductArgs", Field: "Product"},
	} {
		for rows := mr; rows >= 1; rows-- {
			k := family
			k.Elem, k.Tile, k.Index = "f32", fmt.Sprintf("%dx16", rows), rows
			ks = append(ks, k)
		}
	}
	return append(ks,
		Kernel{"convpool", "f32", "4x16", "ConvPoolArgs", "ConvPool", 0},
		Kernel{"winograd", "f32", "in2", "WinogradArgs", "WinogradIn2", 0},
		Kernel{"winograd", "f32", "in4", "WinogradArgs", "WinogradIn4", 0},
		Kernel{"winograd", "f32", "out2", "WinogradArgs", "WinogradOut2", 0},
		Kernel{"winograd", "f32", "out4", "WinogradArgs", "WinogradOut4", 0},
		Kernel{"winograd", "f32", "outpool2", "WinogradArgs", "WinogradOutPool2", 0},
		Kernel{"winograd", "f32", "outpool4", "WinogradArgs", "WinogradOutPool4", 0},
		Kernel{"fully", "f32", "1x16", "FullyArgs", "Fully1F32", 0},
		Kernel{"fully", "f32", "1x64", "FullyArgs", "Fully4F32", 0},
		Kernel{"fully", "f16", "1x16", "FullyArgs", "Fully1F16", 0},
		Kernel{"fully", "f16", "1x64", "FullyArgs", "Fully4F16", 0},
		Kernel{"im2col", "f32", "rows", "Im2colArgs", "Im2col", 0},
		Kernel{"interleave", "f32", "3", "InterleaveArgs", "Interleave", 0},
		Kernel{"clamp", "f32", "n", "ActivateArgs", "Clamp", 0},
		Kernel{"activate", "f32", "leakyrelu", "ActivateArgs", "LeakyRelu", 0},
		Kernel{"activate", "f32", "hardswish", "ActivateArgs", "HardSwish", 0},
		Kernel{"activate", "f32", "hardsigmoid", "ActivateArgs", "HardSigmoid", 0},
		Kernel{"activate", "f32", "sigmoid", "ActivateArgs", "Sigmoid", 0},
		Kernel{"activate", "f32", "silu", "ActivateArgs", "SiLU", 0},
		Kernel{"activate", "f32", "tanh", "ActivateArgs", "Tanh", 0},
		Kernel{"activate", "f32", "exp", "ActivateArgs", "Exp", 0},
		Kernel{"binary", "f32", "add", "BinaryArgs", "Add", 0},
		Kernel{"binary", "f32", "sub", "BinaryArgs", "Sub", 0},
		Kernel{"binary", "f32", "mul", "BinaryArgs", "Mul", 0},
		Kernel{"binary", "f32", "div", "BinaryArgs", "Div", 0},
		Kernel{"binary", "f32", "max", "BinaryArgs", "Max", 0},
		Kernel{"binary", "f32", "min", "BinaryArgs", "Min", 0},
		Kernel{"binary", "f32", "prelu", "BinaryArgs", "PRelu", 0},
		Kernel{"maxpool", "f32", "taps", "TapsArgs", "MaxPool", 0},
		Kernel{"avgpool", "f32", "taps", "TapsArgs", "AveragePool", 0},
		Kernel{"depthwise", "f32", "taps", "TapsArgs", "Depthwise", 0},
		Kernel{"widen", "f16", "n", "WidenArgs", "Widen", 0},
	)
}

// Package type-checks ArgsSource, so that emitters take offsets of fields from
// the declarations themselves.
func Package() (*types.Package, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "args.go", ArgsSource, 0)
	if err != nil {
		return nil, err
	}
	cfg := types.Config{Importer: importer.Default()}
	return cfg.Check("asm", fset, []*ast.File{file}, nil)
}
