package arm64

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/buildtags"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/spec"
	"github.com/infer-go/infer/gen/uses"
)

// Emitters are the kernels of a tier that are written for it, by family.
type Emitters map[string]func(*builder)

// Emits reports whether a kernel is one of them.
func (e Emitters) Emits(k spec.Kernel) bool { return e[k.Family()] != nil }

// File emits kernels of a tier.
func (e Emitters) File(t spec.Target, ks []spec.Kernel) (*ir.File, error) {
	f := ir.NewFile()
	f.Constraints = buildtags.And(buildtags.Not("purego"))
	f.Includes = []string{"textflag.h"}
	for _, k := range ks {
		fn, err := assembled(t, k, e[k.Family()])
		if err != nil {
			return nil, err
		}
		f.AddSection(fn)
	}
	return f, nil
}

// assembled emits one kernel. What the emitter panics with becomes the error.
func assembled(t spec.Target, k spec.Kernel, emit func(*builder)) (fn *ir.Function, err error) {
	args, err := spec.Args(k)
	if err != nil {
		return nil, err
	}
	sig, err := gotypes.ParseSignatureInPackage(args.Pkg, "func(args *"+args.Name+")")
	if err != nil {
		return nil, err
	}
	b := newBuilder(k.Symbol(t.Name))
	fn = b.fn
	b.kernel, b.args = k, args
	fn.SetSignature(sig)
	fn.Attributes = attr.NOSPLIT
	fn.AddPragma("noescape")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s, after %d instructions: %v", fn.Name, len(fn.Instructions()), p)
		}
	}()
	registers := ir.NewComment()
	fn.AddNode(registers)
	b.base = b.r.take("the arguments")
	b.MOVD(text("args+0(FP)"), b.base)
	emit(b)
	b.RET()
	registers.Lines = append(uses.Wrap("Registers: ", b.r.list()), uses.Wrap("Vectors: ", b.v.list())...)
	fn.ISA, err = Emitters{}.Needs(fn)
	return fn, err
}

// A builder emits one kernel.
type builder struct {
	fn     *ir.Function
	kernel spec.Kernel
	args   spec.Block
	base   gp // points to it
	r      *bank[gp]
	v      *bank[vec]
	labels int
}

func newBuilder(name string) *builder {
	return &builder{fn: ir.NewFunction(name), r: newBank("R", generals), v: newBank("V", vectors)}
}

// doc sets the stub's comment.
func (b *builder) doc(what string) {
	b.fn.Doc = []string{fmt.Sprintf("%s is %s; see %s.", b.fn.Name, what, b.args.Name)}
}

func (b *builder) comment(line string) { b.fn.AddComment(line) }

// scope emits body; the registers that it takes are free again after it.
func (b *builder) scope(body func()) {
	r, v := b.r.free, b.v.free
	body()
	b.r.free, b.v.free = r, v
}

// offset is where a field stands in the block of arguments, in bytes.
func (b *builder) offset(field string) int {
	c, err := gotypes.NewComponent(b.args.Type, operand.Mem{}).Field(field).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr.Disp
}

// reload reads a field into a register that has been taken.
func (b *builder) reload(field string, to gp) { b.MOVD(mem(b.base, b.offset(field)), to) }

// load reads a field into a new register.
func (b *builder) load(field string) gp {
	r := b.r.take(field)
	b.reload(field, r)
	return r
}

// broadcast reads a float32 field into all lanes of a new register.
func (b *builder) broadcast(field string) vec {
	v := b.v.take(field)
	b.scope(func() {
		p := b.r.take("an address")
		b.ADD(imm(b.offset(field)), b.base, p)
		b.VLD1R(p, v)
	})
	return v
}

// constant sets all lanes of a new register.
func (b *builder) constant(x float32, use string) vec {
	v := b.v.take(use)
	b.scope(func() {
		bits := b.r.take(use)
		b.MOVD(bitsOf(x), bits)
		b.VDUP(bits, v)
	})
	return v
}

func bitsOf(x float32) operand.Op { return text(fmt.Sprintf("$%#x", math.Float32bits(x))) }

// copy returns a new register with r's value.
func (b *builder) copy(r gp, use string) gp {
	c := b.r.take(use)
	b.MOVD(r, c)
	return c
}

// label makes a name that is unique in the function.
func (b *builder) label(name string) string {
	b.labels++
	return fmt.Sprintf("%s%d", name, b.labels)
}

func (b *builder) place(label string) { b.fn.AddLabel(ir.Label(label)) }

// loop emits body, to be run n times; n is counted down to 0 and must be at
// least 1.
func (b *builder) loop(name string, n gp, body func()) {
	top := b.label(name)
	b.place(top)
	b.scope(body)
	b.SUBS(1, n, n)
	b.BNE(top)
}

// pipelined emits n uses, each with its load depth uses ahead of it: a core
// that runs in order waits for a load less.
func pipelined(n, depth int, load, use func(i int)) {
	for i := range n + depth {
		if i >= depth {
			use(i - depth)
		}
		if i < n {
			load(i)
		}
	}
}
