package neon

import (
	"fmt"
	"go/types"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/buildtags"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/spec"
)

// Tier is the tier's name; MR the largest number of rows of a tile: 6 rows of
// four vectors take 24 of 32 registers, a vector of each row of A 6 more, and
// two are left for B.
const (
	Tier = "neon"
	MR   = 6
)

// Files emits every kernel, a file for each family, by the file's stem.
func Files() (map[string]*ir.File, error) {
	pkg, err := spec.Package()
	if err != nil {
		return nil, err
	}
	files := map[string]*ir.File{}
	for _, k := range spec.Kernels(MR) {
		f := files[k.File()]
		if f == nil {
			f = ir.NewFile()
			f.Constraints = buildtags.And(buildtags.Not("purego"))
			f.Includes = []string{"textflag.h"}
			files[k.File()] = f
		}
		fn, err := function(pkg, k)
		if err != nil {
			return nil, err
		}
		f.AddSection(fn)
	}
	return files, nil
}

var emitters = map[string]func(*builder){
	"gemm":       gemm,
	"product":    product,
	"convpool":   convPool,
	"winograd":   winograd,
	"fully":      fully,
	"im2col":     im2col,
	"interleave": interleave,
	"clamp":      clampAll,
	"activate":   activate,
	"binary":     binary,
	"maxpool":    maxPool,
	"avgpool":    averagePool,
	"depthwise":  depthwise,
	"widen":      widen,
}

// function emits one kernel. What an emitter panics with becomes the error.
func function(pkg *types.Package, k spec.Kernel) (fn *ir.Function, err error) {
	emit, ok := emitters[k.Op]
	if !ok {
		return nil, fmt.Errorf("no emitter for %s", k.Name(Tier))
	}
	sig, err := gotypes.ParseSignatureInPackage(pkg, "func(args *"+k.Args+")")
	if err != nil {
		return nil, err
	}
	b := newBuilder(k.Name(Tier))
	fn = b.fn
	b.kernel, b.args = k, pkg.Scope().Lookup(k.Args).Type()
	fn.SetSignature(sig)
	fn.Attributes = attr.NOSPLIT
	fn.AddPragma("noescape")
	fn.ISA = []string{"ASIMD"}
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
	registers.Lines = append(wrap("Registers: ", b.r.list()), wrap("Vectors: ", b.v.list())...)
	return fn, nil
}

// wrap joins a register map into lines of a comment.
func wrap(line string, parts []string) (lines []string) {
	for i, p := range parts {
		if i > 0 {
			line += "; "
		}
		if utf8.RuneCountInString(line+p) > 90 {
			lines = append(lines, strings.TrimSpace(line))
			line = ""
		}
		line += p
	}
	return append(lines, line+".")
}

// A builder emits one kernel.
type builder struct {
	fn     *ir.Function
	kernel spec.Kernel
	args   types.Type // the block of arguments
	base   gp         // points to it
	r      *bank[gp]
	v      *bank[vec]
	labels int
}

func newBuilder(name string) *builder {
	return &builder{fn: ir.NewFunction(name), r: newBank("R", generals), v: newBank("V", vectors)}
}

// tile is the two numbers of the kernel's tile, rows and columns.
func (b *builder) tile() (rows, columns int) {
	fmt.Sscanf(b.kernel.Tile, "%dx%d", &rows, &columns)
	return rows, columns
}

// doc sets the stub's comment.
func (b *builder) doc(what string) {
	b.fn.Doc = []string{fmt.Sprintf("%s is %s; see %s.", b.kernel.Name(Tier), what, b.kernel.Args)}
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
	c, err := gotypes.NewComponent(b.args, operand.Mem{}).Field(field).Resolve()
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
