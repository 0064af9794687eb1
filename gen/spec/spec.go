// Package spec is the one description of the kernels: what each is called,
// which block of arguments it takes, and what a tier is. The emitters, the
// stubs and the tables follow it. What package asm needs of it is copied there.
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

// blocks are the blocks of arguments by operation; and where one of quantised
// operands has another than that of floats, by operation and operand.
var blocks = map[string]string{
	"gemm_u8":      "QuantisedGemmArgs",
	"convpool_u8":  "QuantisedGemmArgs",
	"convpool3x3":  "QuantisedPlaneArgs",
	"fully_u8":     "QuantisedGemmArgs",
	"maxpool_u8":   "QuantisedTapsArgs",
	"avgpool_u8":   "QuantisedTapsArgs",
	"depthwise_u8": "QuantisedTapsArgs",
	"depthwise3x3": "QuantisedTapsArgs",
	"binary_u8":    "QuantisedBinaryArgs",
	"quantise":     "QuantiseArgs",
	"table":        "TableArgs",
	"winograd_u8":  "QuantisedPatchArgs",
	"product_i16":  "QuantisedProductArgs",
	"winograd_i32": "QuantisedTileArgs",

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

// A Block is the type of a block of arguments, as it is declared.
type Block struct {
	Name string
	Type types.Type
	Pkg  *types.Package
}

// Args is a kernel's block of arguments. Emitters take the offsets of its fields
// from it.
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
