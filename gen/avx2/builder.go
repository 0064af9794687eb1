// Package avx2 emits the kernels of the AVX2 tier with avo.
//
// Each file of the package is one family. Vector registers are named by hand,
// as the register map above each kernel says; general registers are left to
// avo.
package avx2

import (
	"fmt"
	"go/types"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/spec"
)

// Tier is the tier's name; MR the largest number of rows of a tile: 6 rows of
// two vectors of 8 take 12 of 16 registers.
const (
	Tier = "avx2"
	MR   = 6
)

// Files emits every kernel, a file for each family, by the file's stem.
func Files() (map[string]*ir.File, error) {
	pkg, err := spec.Package()
	if err != nil {
		return nil, err
	}
	contexts := map[string]*build.Context{}
	tables := map[*build.Context]bool{}
	for _, k := range spec.Kernels(MR) {
		c := contexts[k.File()]
		if c == nil {
			c = build.NewContext()
			c.Constraint(buildtags.Not("purego"))
			contexts[k.File()] = c
		}
		b := &builder{Context: c, kernel: k, args: pkg.Scope().Lookup(k.Args).Type()}
		emit, ok := emitters[k.Op]
		if !ok {
			return nil, fmt.Errorf("no emitter for %s", k.Name(Tier))
		}
		sig, err := gotypes.ParseSignatureInPackage(pkg, "func(args *"+k.Args+")")
		if err != nil {
			return nil, err
		}
		c.Function(k.Name(Tier))
		c.Attributes(attr.NOSPLIT)
		c.Pragma("noescape")
		c.Signature(sig)
		b.base = c.Load(c.Param("args"), c.GP64())
		emit(b)
		c.RET()
		b.constantTable()
		if b.masked && !tables[c] {
			b.maskTable()
			tables[c] = true
		}
	}
	files := map[string]*ir.File{}
	for stem, c := range contexts {
		f, err := c.Result()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", stem, err)
		}
		files[stem] = f
	}
	return files, nil
}

var emitters = map[string]func(*builder){
	"gemm":       gemm,
	"product":    product,
	"convpool":   convPool,
	"winograd":   winograd,
	"fully":      fully,
	"activate":   activate,
	"binary":     binary,
	"im2col":     im2col,
	"interleave": interleave,
	"clamp":      clampAll,
	"maxpool":    maxPool,
	"avgpool":    averagePool,
	"depthwise":  depthwise,
	"widen":      widen,
}

// A builder emits one kernel.
type builder struct {
	*build.Context
	kernel spec.Kernel
	args   types.Type // the block of arguments
	base   reg.Register
	labels int
	masked bool // it reads the table of masks

	constants []uint32 // its own table of vectors of eight equal elements
}

// rows is the first number of the kernel's tile.
func (b *builder) rows() (rows int) {
	fmt.Sscanf(b.kernel.Tile, "%dx", &rows)
	return rows
}

// doc sets the stub's comment and writes the register map at the kernel's top.
func (b *builder) doc(what string, registers ...string) {
	b.Doc(fmt.Sprintf("%s is %s; see %s.", b.kernel.Name(Tier), what, b.kernel.Args))
	b.Comment("Registers: " + strings.Join(registers, "; ") + ".")
}

// field is a field of the block of arguments, in memory.
func (b *builder) field(name string) operand.Mem {
	c, err := gotypes.NewComponent(b.args, operand.Mem{Base: b.base}).Field(name).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr
}

// load reads a field into a general register.
func (b *builder) load(name string) reg64 {
	r := b.GP64()
	b.MOVQ(b.field(name), r)
	return r
}

// copy returns a new register with r's value.
func (b *builder) copy(r reg64) reg64 {
	c := b.GP64()
	b.MOVQ(r, c)
	return c
}

// label makes a name that is unique in the function.
func (b *builder) label(name string) string {
	b.labels++
	return fmt.Sprintf("%s%d", name, b.labels)
}

// loop emits body, to be run n times; n is counted down to 0 and must be at
// least 1.
func (b *builder) loop(name string, n reg.Register, body func()) {
	top := b.label(name)
	b.Label(top)
	body()
	b.DECQ(n)
	b.JNE(operand.LabelRef(top))
}

func mem(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

func index(base, idx reg.Register, scale uint8) operand.Mem {
	return operand.Mem{Base: base, Index: idx, Scale: scale}
}

// y and x are the vector registers by number.
func y(i int) vec { return ymm[i] }
func x(i int) vec { return xmm[i] }

var ymm = [16]vec{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

var xmm = [16]vec{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}

const rodata = attr.RODATA | attr.NOPTR

type (
	reg64 = reg.GPVirtual
	vec   = reg.VecPhysical
)

// imm is an immediate operand, as short as the instruction may take it.
func imm(n int) operand.Constant {
	if n < 128 {
		return operand.Imm(uint64(n))
	}
	return operand.I32(n)
}
