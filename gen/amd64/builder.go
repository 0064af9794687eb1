// Package amd64 emits the kernels of the tiers of amd64 with avo.
//
// Each file holds one family, or what families share. avo allocates general
// registers; vector registers are assigned by hand. The use of each is noted
// where it gets its value, and the register map above a kernel is written from
// these notes: a register without one is an error.
package amd64

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/spec"
	"github.com/infer-go/infer/gen/uses"
)

// Emitters are the kernels of a tier that are written for it, by family.
type Emitters map[string]func(*builder)

// Emits reports whether a kernel is one of them.
func (e Emitters) Emits(k spec.Kernel) bool { return e[k.Family()] != nil }

// File emits kernels of a tier.
func (e Emitters) File(t spec.Target, ks []spec.Kernel) (*ir.File, error) {
	c := build.NewContext()
	c.Constraint(buildtags.Not("purego"))
	masked := false
	var builders []*builder
	for _, k := range ks {
		args, err := spec.Args(k)
		if err != nil {
			return nil, err
		}
		sig, err := gotypes.ParseSignatureInPackage(args.Pkg, "func(args *"+args.Name+")")
		if err != nil {
			return nil, err
		}
		b := &builder{Context: c, kernel: k, symbol: k.Symbol(t.Name), args: args, wide: slices.Contains(t.Features, "AVX512F"), uses: uses.Map[int]{}, masks: uses.Map[int]{}, constantLanes: 8}
		c.Function(b.symbol)
		c.Attributes(attr.NOSPLIT)
		c.Pragma("noescape")
		c.Signature(sig)
		b.base = c.Load(c.Param("args"), c.GP64())
		e[k.Family()](b)
		c.RET()
		b.constantTable()
		if b.masked && !masked {
			b.maskTable()
			masked = true
		}
		builders = append(builders, b)
	}
	f, err := c.Result()
	if err != nil {
		return nil, err
	}
	for i, fn := range f.Functions() {
		if err := builders[i].registerMap(fn); err != nil {
			return nil, fmt.Errorf("%s: %w", fn.Name, err)
		}
	}
	return f, pass.Compile.Execute(f)
}

// A builder emits one kernel.
type builder struct {
	*build.Context
	kernel spec.Kernel
	symbol string
	args   spec.Block
	base   reg.Register // points to it
	labels int
	masked bool          // it reads the table of masks
	wide   bool          // the tier has registers of 512 bits
	uses   uses.Map[int] // of vector registers
	masks  uses.Map[int] // of mask registers

	constants     []uint32 // its own table of vectors of equal elements
	constantLanes int      // so many of them
}

// doc sets the stub's comment.
func (b *builder) doc(what string) {
	b.Doc(fmt.Sprintf("%s is %s; see %s.", b.symbol, what, b.args.Name))
}

// field is a field of the block of arguments, in memory.
func (b *builder) field(name string) operand.Mem {
	c, err := gotypes.NewComponent(b.args.Type, operand.Mem{Base: b.base}).Field(name).Resolve()
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

// loop emits body, to be run n times; n, a register or a place in memory, is
// counted down to 0 and must be at least 1.
func (b *builder) loop(name string, n operand.Op, body func()) {
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

const rodata = attr.RODATA | attr.NOPTR

// imm is an immediate operand, as short as the instruction may take it.
func imm(n int) operand.Constant {
	if n < 128 {
		return operand.Imm(uint64(n))
	}
	return operand.I32(n)
}
