// Package spec is the single description of the kernels: their names, the
// blocks of arguments that they take, and what a tier is. Emitters, stubs and
// tables follow it. The parts that package asm needs are copied there.
package spec

import (
	"embed"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"sync"
)

// Sources are the files that are copied into package asm: the blocks of
// arguments, and the identity of kernels.
//
//go:embed args.go kernel.go
var Sources embed.FS

// blocks are the blocks of arguments by operation, or by operation and operand
// where quantised operands need a different block.
var blocks = map[string]string{
	"gemm_u8":        "QuantisedGemmArgs",
	"gemm_i16":       "QuantisedGemmArgs",
	"convpool_u8":    "QuantisedGemmArgs",
	"convpool3x3":    "QuantisedPlaneArgs",
	"fully_u8":       "QuantisedGemmArgs",
	"maxpool_u8":     "QuantisedTapsArgs",
	"avgpool_u8":     "QuantisedTapsArgs",
	"depthwise_u8":   "QuantisedTapsArgs",
	"depthwise3x3":   "QuantisedTapsArgs",
	"binary_u8":      "QuantisedBinaryArgs",
	"widen_u8":       "WidenBytesArgs",
	"quantise":       "QuantiseArgs",
	"quantiseplanes": "QuantisePlanesArgs",
	"dequantise":     "DequantiseArgs",
	"rescale":        "RescaleArgs",
	"table":          "TableArgs",
	"winograd_u8":    "QuantisedPatchArgs",
	"product_i16":    "QuantisedProductArgs",
	"winograd_i32":   "QuantisedTileArgs",

	"gemm":       "GemmArgs",
	"product":    "ProductArgs",
	"convpool":   "ConvPoolArgs",
	"winograd":   "WinogradArgs",
	"largest":    "LargestArgs",
	"fully":      "FullyArgs",
	"im2col":     "Im2colArgs",
	"interleave": "InterleaveArgs",
	"transpose":  "TransposeArgs",
	"clamp":      "ActivateArgs",
	"activate":   "ActivateArgs",
	"binary":     "BinaryArgs",
	"compare":    "CompareArgs",
	"select":     "SelectArgs",
	"maxpool":    "TapsArgs",
	"avgpool":    "TapsArgs",
	"depthwise":  "TapsArgs",
	"blend":      "BlendArgs",
	"grouped":    "TapsArgs",
	"widen":      "WidenArgs",

	"reducerows":       "ReduceArgs",
	"reducecolumns":    "ReduceArgs",
	"normaliserows":    "NormaliseArgs",
	"normalisecolumns": "NormaliseArgs",
	"softmax":          "SoftmaxArgs",
	"idct":             "IDCTArgs",
	"weigh":            "WeighArgs",
	"resample":         "ResampleArgs",
	"planes":           "ColourArgs",
	"ycbcr":            "ColourArgs",
}

// A Block is the declared type of a block of arguments.
type Block struct {
	Name string
	Type types.Type
	Pkg  *types.Package
}

// Args returns a kernel's block of arguments, from which emitters take the
// offsets of its fields.
func Args(k Kernel) (Block, error) {
	name, ok := blocks[k.Op+"_"+k.Operand.String()]
	if !ok {
		name, ok = blocks[k.Op]
	}
	if !ok {
		return Block{}, fmt.Errorf("no block of arguments is known for %s", k.Name())
	}
	pkg, err := declarations()
	if err != nil {
		return Block{}, err
	}
	object := pkg.Scope().Lookup(name)
	if object == nil {
		return Block{}, fmt.Errorf("args.go: no %s", name)
	}
	return Block{name, object.Type(), pkg}, nil
}

// declarations type-checks the blocks.
var declarations = sync.OnceValues(func() (*types.Package, error) {
	source, err := Sources.ReadFile("args.go")
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "args.go", source, 0)
	if err != nil {
		return nil, err
	}
	cfg := types.Config{Importer: importer.Default()}
	return cfg.Check("asm", fset, []*ast.File{file}, nil)
})
