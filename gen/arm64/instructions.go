package arm64

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// Methods are named as the assembler names the instruction, or after what it
// does where the mnemonic says too little, and take operands in its order, the
// destination last. Instructions without a mnemonic in Go's assembler have
// their A64 name and are emitted as words.

// emit appends an instruction.
func (b *builder) emit(opcode string, operands ...operand.Op) {
	b.fn.AddInstruction(&ir.Instruction{Opcode: opcode, Operands: operands})
}

// word appends an instruction by its encoding, with its A64 text.
func (b *builder) word(code uint32, a64 string, args ...any) {
	b.emit("WORD", text(fmt.Sprintf("$%#08x // "+a64, append([]any{code}, args...)...)))
}

func imm(n int) operand.Op { return text(fmt.Sprintf("$%d", n)) }

// mem is memory at a displacement from a register.
func mem(base gp, disp int) operand.Op {
	if disp == 0 {
		return text("(" + base.Asm() + ")")
	}
	return text(fmt.Sprintf("%d(%s)", disp, base.Asm()))
}

// shifted is a register times 2ⁿ.
func shifted(r gp, n int) operand.Op {
	if n == 0 {
		return r
	}
	return text(fmt.Sprintf("%s<<%d", r.Asm(), n))
}

func pair(p, q vec) operand.Op { return text("(" + p.Asm() + ", " + q.Asm() + ")") }

func lanes4(v vec) operand.Op { return text("[" + v.as("S4").Asm() + "]") }

// General registers.

func (b *builder) MOVD(from operand.Op, to gp)       { b.emit("MOVD", from, to) }
func (b *builder) loadNext(disp int, from, to gp)    { b.emit("MOVD.P", mem(from, disp), to) }
func (b *builder) ADD(x operand.Op, n, d gp)         { b.emit("ADD", x, n, d) }
func (b *builder) SUB(x operand.Op, n, d gp)         { b.emit("SUB", x, n, d) }
func (b *builder) MUL(x, n, d gp)                    { b.emit("MUL", x, n, d) }
func (b *builder) LSL(n int, x, d gp)                { b.emit("LSL", imm(n), x, d) }
func (b *builder) LSR(n int, x, d gp)                { b.emit("LSR", imm(n), x, d) }
func (b *builder) SUBS(n int, x, d gp)               { b.emit("SUBS", imm(n), x, d) }
func (b *builder) CMP(n int, x gp)                   { b.emit("CMP", imm(n), x) }
func (b *builder) BNE(label string)                  { b.branch("BNE", label) }
func (b *builder) BEQ(label string)                  { b.branch("BEQ", label) }
func (b *builder) BGT(label string)                  { b.branch("BGT", label) }
func (b *builder) BLE(label string)                  { b.branch("BLE", label) }
func (b *builder) BLT(label string)                  { b.branch("BLT", label) }
func (b *builder) CBZ(x gp, label string)            { b.branch("CBZ", label, x) }
func (b *builder) TBZ(bit int, x gp, label string)   { b.branch("TBZ", label, imm(bit), x) }
func (b *builder) PRFM(base gp, disp int, op string) { b.emit("PRFM", mem(base, disp), text(op)) }

func (b *builder) B(label string) {
	b.fn.AddInstruction(&ir.Instruction{Opcode: "B", Operands: []operand.Op{operand.LabelRef(label)}, IsBranch: true})
}

func (b *builder) RET() { b.fn.AddInstruction(&ir.Instruction{Opcode: "RET", IsTerminal: true}) }

// branch appends a conditional branch, whose label comes last.
func (b *builder) branch(opcode, label string, operands ...operand.Op) {
	b.fn.AddInstruction(&ir.Instruction{
		Opcode: opcode, Operands: append(operands, operand.LabelRef(label)), IsBranch: true, IsConditional: true,
	})
}

// Loads and stores.

func (b *builder) FMOVQ(from operand.Op, to vec)     { b.emit("FMOVQ", from, to) }
func (b *builder) VLD1R(base gp, to vec)             { b.emit("VLD1R", mem(base, 0), lanes4(to)) }
func (b *builder) FLDPQ(base gp, disp int, p, q vec) { b.emit("FLDPQ", mem(base, disp), pair(p, q)) }
func (b *builder) loadHalf(base gp, lane int, to vec) {
	b.emit("VLD1.P", mem(base, 2), to.lane("H", lane))
}
func (b *builder) loadStep(base, stride gp, to vec) { b.emit("VLD1.P", by(base, stride), lanes4(to)) }
func (b *builder) storeStep(from vec, base, stride gp) {
	b.emit("VST1.P", lanes4(from), by(base, stride))
}

// storePixels stores three or four registers, which must be neighbours, lane by
// lane, and moves to on.
func (b *builder) storePixels(lanes string, from []vec, to gp) {
	var list []string
	for i, v := range from {
		if v != from[0]+vec(i) {
			panic("registers of pixels are no neighbours")
		}
		list = append(list, v.as(lanes).Asm())
	}
	b.emit(fmt.Sprintf("VST%d.P", len(from)), text("["+strings.Join(list, ", ")+"]"), mem(to, 16*len(from)))
}

// by is memory at base, which then moves on by stride.
func by(base, stride gp) operand.Op { return text("(" + base.Asm() + ")(" + stride.Asm() + ")") }

// Vectors of four float32.

func (b *builder) VMOV(from, to vec)               { b.emit("VMOV", from.as("B16"), to.as("B16")) }
func (b *builder) VDUP(from operand.Op, to vec)    { b.emit("VDUP", from, to.as("S4")) }
func (b *builder) VDUP2(from operand.Op, to vec)   { b.emit("VDUP", from, to.as("D2")) }
func (b *builder) insert(from gp, lane int, v vec) { b.emit("VMOV", from, v.lane("S", lane)) }
func (b *builder) VEOR(m, n, d vec)                { b.emit("VEOR", m.as("B16"), n.as("B16"), d.as("B16")) }
func (b *builder) VFMLA(m, n, d vec)               { b.emit("VFMLA", m.as("S4"), n.as("S4"), d.as("S4")) }
func (b *builder) VZIP1(m, n, d vec)               { b.emit("VZIP1", m.as("S4"), n.as("S4"), d.as("S4")) }
func (b *builder) VZIP2(m, n, d vec)               { b.emit("VZIP2", m.as("S4"), n.as("S4"), d.as("S4")) }

// The destination is n op m, or d ± n·m. m by element is one lane of it.

func (b *builder) FMLAElement(m vec, lane int, n, d vec) {
	b.byElement(0x4f801000, "fmla", m, lane, n, d)
}
func (b *builder) FMLSElement(m vec, lane int, n, d vec) {
	b.byElement(0x4f805000, "fmls", m, lane, n, d)
}
func (b *builder) FMULElement(m vec, lane int, n, d vec) {
	b.byElement(0x4f809000, "fmul", m, lane, n, d)
}
func (b *builder) FMUL(m, n, d vec) { b.three(0x6e20dc00, "fmul", m, n, d) }
func (b *builder) FDIV(m, n, d vec) { b.three(0x6e20fc00, "fdiv", m, n, d) }
func (b *builder) FADD(m, n, d vec) { b.three(0x4e20d400, "fadd", m, n, d) }
func (b *builder) FSUB(m, n, d vec) { b.three(0x4ea0d400, "fsub", m, n, d) }
func (b *builder) FMLS(m, n, d vec) { b.three(0x4ea0cc00, "fmls", m, n, d) }
func (b *builder) FMAX(m, n, d vec) { b.three(0x4e20f400, "fmax", m, n, d) }
func (b *builder) FMIN(m, n, d vec) { b.three(0x4ea0f400, "fmin", m, n, d) }

// FCMEQ sets the lanes in which n equals m, FCMGT those in which it is greater and
// FCMGE those in which it is no less, and clear the others. VBIT copies the bits of n that are set in m.

func (b *builder) FCMEQ(m, n, d vec) { b.three(0x4e20e400, "fcmeq", m, n, d) }
func (b *builder) FCMGT(m, n, d vec) { b.three(0x6ea0e400, "fcmgt", m, n, d) }
func (b *builder) FCMGE(m, n, d vec) { b.three(0x6e20e400, "fcmge", m, n, d) }
func (b *builder) VBIT(m, n, d vec)  { b.emit("VBIT", m.as("B16"), n.as("B16"), d.as("B16")) }

// FCMLT0 sets the lanes in which n is less than 0, and clears the others.

func (b *builder) FCMLT0(n, d vec) {
	b.word(0x4ea0e800|n.number()<<5|d.number(), "fcmlt v%d.4s, v%d.4s, #0.0", int(d), int(n))
}

// FRINTN rounds to the nearest integer, FRINTM down and FRINTP up; FCVTNS
// converts the nearest integer to an int32, SCVTF an int32 to float32. SMAX is the
// greater int32, SSHR shifts them to the right, USHR uint32.

func (b *builder) FABS(n, d vec)           { b.one(0x4ea0f800, "fabs", n, d) }
func (b *builder) FRINTN(n, d vec)         { b.one(0x4e218800, "frintn", n, d) }
func (b *builder) FRINTM(n, d vec)         { b.one(0x4e219800, "frintm", n, d) }
func (b *builder) FRINTP(n, d vec)         { b.one(0x4ea18800, "frintp", n, d) }
func (b *builder) FSQRT(n, d vec)          { b.one(0x6ea1f800, "fsqrt", n, d) }
func (b *builder) FCVTNS(n, d vec)         { b.one(0x4e21a800, "fcvtns", n, d) }
func (b *builder) SCVTF(n, d vec)          { b.one(0x4e21d800, "scvtf", n, d) }
func (b *builder) VADD(m, n, d vec)        { b.emit("VADD", m.as("S4"), n.as("S4"), d.as("S4")) }
func (b *builder) VSUB(m, n, d vec)        { b.emit("VSUB", m.as("S4"), n.as("S4"), d.as("S4")) }
func (b *builder) VMUL(m, n, d vec)        { b.three(0x4ea09c00, "mul", m, n, d) }
func (b *builder) SMAX(m, n, d vec)        { b.three(0x4ea06400, "smax", m, n, d) }
func (b *builder) VSHL(bits int, n, d vec) { b.emit("VSHL", imm(bits), n.as("S4"), d.as("S4")) }
func (b *builder) VAND(m, n, d vec)        { b.emit("VAND", m.as("B16"), n.as("B16"), d.as("B16")) }
func (b *builder) VORR(m, n, d vec)        { b.emit("VORR", m.as("B16"), n.as("B16"), d.as("B16")) }

func (b *builder) SSHR(bits int, n, d vec) { b.shiftRight(0x4f000400, "sshr", bits, n, d) }
func (b *builder) USHR(bits int, n, d vec) { b.shiftRight(0x6f000400, "ushr", bits, n, d) }

func (b *builder) shiftRight(code uint32, name string, bits int, n, d vec) {
	if bits < 1 || bits > 32 {
		panic(fmt.Sprintf("a shift by %d bits", bits))
	}
	b.word(code|uint32(64-bits)<<16|n.number()<<5|d.number(), "%s v%d.4s, v%d.4s, #%d", name, int(d), int(n), bits)
}

func (b *builder) one(code uint32, name string, n, d vec) {
	b.word(code|n.number()<<5|d.number(), "%s v%d.4s, v%d.4s", name, int(d), int(n))
}

func (b *builder) byElement(code uint32, name string, m vec, lane int, n, d vec) {
	if lane < 0 || lane > 3 {
		panic(fmt.Sprintf("there is no lane %d", lane))
	}
	l := uint32(lane)
	b.word(code|m.number()<<16|(l&1)<<21|(l>>1)<<11|n.number()<<5|d.number(),
		"%s v%d.4s, v%d.4s, v%d.s[%d]", name, int(d), int(n), int(m), lane)
}

func (b *builder) three(code uint32, name string, m, n, d vec) {
	b.word(code|m.number()<<16|n.number()<<5|d.number(), "%s v%d.4s, v%d.4s, v%d.4s", name, int(d), int(n), int(m))
}

// Vectors of two float64.

func (b *builder) FADD2(m, n, d vec) { b.two(0x4e60d400, "fadd", m, n, d) }
func (b *builder) FSUB2(m, n, d vec) { b.two(0x4ee0d400, "fsub", m, n, d) }
func (b *builder) FMUL2(m, n, d vec) { b.two(0x6e60dc00, "fmul", m, n, d) }
func (b *builder) FDIV2(m, n, d vec) { b.two(0x6e60fc00, "fdiv", m, n, d) }
func (b *builder) FMAX2(m, n, d vec) { b.two(0x4e60f400, "fmax", m, n, d) }
func (b *builder) FMIN2(m, n, d vec) { b.two(0x4ee0f400, "fmin", m, n, d) }

func (b *builder) FABS2(n, d vec) {
	b.word(0x4ee0f800|n.number()<<5|d.number(), "fabs v%d.2d, v%d.2d", int(d), int(n))
}

func (b *builder) two(code uint32, name string, m, n, d vec) {
	b.word(code|m.number()<<16|n.number()<<5|d.number(), "%s v%d.2d, v%d.2d, v%d.2d", name, int(d), int(n), int(m))
}

// A wide is what a conversion makes of elements of half the width.
type wide struct {
	code             uint32
	to, lower, upper string
}

var (
	float32s = wide{0, "4s", "4h", "8h"}
	float64s = wide{1 << 22, "2d", "2s", "4s"}
)

// FCVTL and FCVTL2 widen the lower and the upper half of a vector.

func (b *builder) FCVTL(w wide, n, d vec) {
	b.word(0x0e217800|w.code|n.number()<<5|d.number(), "fcvtl v%d.%s, v%d.%s", int(d), w.to, int(n), w.lower)
}

func (b *builder) FCVTL2(w wide, n, d vec) {
	b.word(0x4e217800|w.code|n.number()<<5|d.number(), "fcvtl2 v%d.%s, v%d.%s", int(d), w.to, int(n), w.upper)
}

// FCVTN and FCVTN2 round float64 to float32, into the lower and the upper
// half of a vector.

func (b *builder) FCVTN(n, d vec) {
	b.word(0x0e616800|n.number()<<5|d.number(), "fcvtn v%d.2s, v%d.2d", int(d), int(n))
}

func (b *builder) FCVTN2(n, d vec) {
	b.word(0x4e616800|n.number()<<5|d.number(), "fcvtn2 v%d.4s, v%d.2d", int(d), int(n))
}

// Integers.

// VLD2 loads 16 int16, every second into the same of two registers, which must be
// neighbours, and moves from on.
func (b *builder) VLD2(from gp, to []vec) {
	if to[1] != to[0]+1 {
		panic("registers of VLD2 are no neighbours")
	}
	b.emit("VLD2.P", mem(from, 32), text("["+to[0].as("H8").Asm()+", "+to[1].as("H8").Asm()+"]"))
}

// VLD4 loads 64 bytes, every fourth into the same of four registers, which must
// be neighbours, and moves from on.
func (b *builder) VLD4(from gp, to []vec) {
	b.emit("VLD4.P", mem(from, 64), four(to))
}

// four is a list of four registers of bytes.
func four(vs []vec) operand.Op {
	list := vs[0].as("B16").Asm()
	for i := 1; i < 4; i++ {
		if vs[i] != vs[0]+vec(i) {
			panic("four registers of a list are no neighbours")
		}
		list += ", " + vs[i].as("B16").Asm()
	}
	return text("[" + list + "]")
}

// VUXTL and VUXTL2 widen unsigned lanes of the lower and the upper half; SXTL and
// SXTL2 int8 to int16.

func (b *builder) VUXTL(from string, n vec, to string, d vec) {
	b.emit("VUXTL", n.as(from), d.as(to))
}

func (b *builder) VUXTL2(from string, n vec, to string, d vec) {
	b.emit("VUXTL2", n.as(from), d.as(to))
}

func (b *builder) SXTL(n, d vec) {
	b.word(0x0f08a400|n.number()<<5|d.number(), "sxtl v%d.8h, v%d.8b", int(d), int(n))
}

func (b *builder) SXTL2(n, d vec) {
	b.word(0x4f08a400|n.number()<<5|d.number(), "sxtl2 v%d.8h, v%d.16b", int(d), int(n))
}

// VEXT moves bytes down by so many, those of m behind those of n.
func (b *builder) VEXT(bytes int, m, n, d vec) {
	b.emit("VEXT", imm(bytes), m.as("B16"), n.as("B16"), d.as("B16"))
}

// XTN and XTN2 take the lower halves of lanes of so many bits, into the lower and
// the upper half of a vector.

func (b *builder) XTN(bits int, n, d vec) {
	code, to, from := narrowing(bits)
	b.word(0x0e212800|code|n.number()<<5|d.number(), "xtn v%d.%s, v%d.%s", int(d), to[0], int(n), from)
}

func (b *builder) XTN2(bits int, n, d vec) {
	code, to, from := narrowing(bits)
	b.word(0x4e212800|code|n.number()<<5|d.number(), "xtn2 v%d.%s, v%d.%s", int(d), to[1], int(n), from)
}

func narrowing(bits int) (code uint32, to [2]string, from string) {
	if bits == 32 {
		return 1 << 22, [2]string{"4h", "8h"}, "4s"
	}
	return 0, [2]string{"8b", "16b"}, "8h"
}

// SDOT adds four products of int8 to each int32, SDOTElement with one lane of m.

func (b *builder) SDOT(m, n, d vec) {
	b.word(0x4e809400|m.number()<<16|n.number()<<5|d.number(), "sdot v%d.4s, v%d.16b, v%d.16b", int(d), int(n), int(m))
}

func (b *builder) SDOTElement(m vec, lane int, n, d vec) {
	if lane < 0 || lane > 3 {
		panic(fmt.Sprintf("there is no lane %d", lane))
	}
	l := uint32(lane)
	b.word(0x4f80e000|m.number()<<16|(l&1)<<21|(l>>1)<<11|n.number()<<5|d.number(),
		"sdot v%d.4s, v%d.16b, v%d.4b[%d]", int(d), int(n), int(m), lane)
}

// Vectors of eight int16. SMULL, SMLAL and SMLSL multiply them by one lane of m,
// which is one of V0…V15, to four int32: the lower halves, or the upper ones.

func (b *builder) SMULL(half int, m vec, lane int, n, d vec) {
	b.longByElement(0x0f40a000, "smull", half, m, lane, n, d)
}
func (b *builder) SMLAL(half int, m vec, lane int, n, d vec) {
	b.longByElement(0x0f402000, "smlal", half, m, lane, n, d)
}

func (b *builder) longByElement(code uint32, name string, half int, m vec, lane int, n, d vec) {
	if m.number() > 15 || lane < 0 || lane > 7 {
		panic(fmt.Sprintf("%s by V%d.H[%d]", name, int(m), lane))
	}
	l := uint32(lane)
	code |= m.number()<<16 | (l&1)<<20 | (l>>1&1)<<21 | (l>>2)<<11 | n.number()<<5 | d.number()
	if half == 0 {
		b.word(code, "%s v%d.4s, v%d.4h, v%d.h[%d]", name, int(d), int(n), int(m), lane)
	} else {
		b.word(code|1<<30, "%s2 v%d.4s, v%d.8h, v%d.h[%d]", name, int(d), int(n), int(m), lane)
	}
}

// SMLALVector adds products of int16, of the lower halves or the upper ones, to
// int32. UADDW adds uint16 to int32 likewise.

func (b *builder) SMLALVector(half int, m, n, d vec) {
	code := 0x0e608000 | m.number()<<16 | n.number()<<5 | d.number()
	if half == 0 {
		b.word(code, "smlal v%d.4s, v%d.4h, v%d.4h", int(d), int(n), int(m))
	} else {
		b.word(code|1<<30, "smlal2 v%d.4s, v%d.8h, v%d.8h", int(d), int(n), int(m))
	}
}

// SMULLBytes multiplies int8, of the lower halves or the upper ones, to eight int16.
// SADALP adds neighbours of eight int16 to four int32.

func (b *builder) SMULLBytes(half int, m, n, d vec) {
	code := 0x0e20c000 | m.number()<<16 | n.number()<<5 | d.number()
	if half == 0 {
		b.word(code, "smull v%d.8h, v%d.8b, v%d.8b", int(d), int(n), int(m))
	} else {
		b.word(code|1<<30, "smull2 v%d.8h, v%d.16b, v%d.16b", int(d), int(n), int(m))
	}
}

func (b *builder) SADALP(n, d vec) {
	b.word(0x4e606800|n.number()<<5|d.number(), "sadalp v%d.4s, v%d.8h", int(d), int(n))
}

func (b *builder) UADDW(half int, m, n, d vec) {
	code := 0x2e601000 | m.number()<<16 | n.number()<<5 | d.number()
	if half == 0 {
		b.word(code, "uaddw v%d.4s, v%d.4s, v%d.4h", int(d), int(n), int(m))
	} else {
		b.word(code|1<<30, "uaddw2 v%d.4s, v%d.4s, v%d.8h", int(d), int(n), int(m))
	}
}

// SQRSHRN shifts int32 to the right, rounds half up and saturates to int16, in
// the lower or the upper half of d. SHRN neither rounds nor saturates.

func (b *builder) SQRSHRN(half, bits int, n, d vec) {
	b.narrowing(0x0f009c00, "sqrshrn", half, bits, n, d)
}
func (b *builder) SHRN(half, bits int, n, d vec) { b.narrowing(0x0f008400, "shrn", half, bits, n, d) }

func (b *builder) narrowing(code uint32, name string, half, bits int, n, d vec) {
	if bits < 1 || bits > 16 {
		panic(fmt.Sprintf("%s by %d bits", name, bits))
	}
	code |= uint32(32-bits)<<16 | n.number()<<5 | d.number()
	if half == 0 {
		b.word(code, "%s v%d.4h, v%d.4s, #%d", name, int(d), int(n), bits)
	} else {
		b.word(code|1<<30, "%s2 v%d.8h, v%d.4s, #%d", name, int(d), int(n), bits)
	}
}

func (b *builder) SSHR8(bits int, n, d vec) {
	if bits < 1 || bits > 16 {
		panic(fmt.Sprintf("a shift by %d bits", bits))
	}
	b.word(0x4f000400|uint32(32-bits)<<16|n.number()<<5|d.number(), "sshr v%d.8h, v%d.8h, #%d", int(d), int(n), bits)
}

func (b *builder) VSHL8(bits int, n, d vec) { b.emit("VSHL", imm(bits), n.as("H8"), d.as("H8")) }

func (b *builder) VADD8(m, n, d vec) { b.emit("VADD", m.as("H8"), n.as("H8"), d.as("H8")) }
func (b *builder) SMAX8(m, n, d vec) { b.eight(0x4e606400, "smax", m, n, d) }
func (b *builder) SMIN8(m, n, d vec) { b.eight(0x4e606c00, "smin", m, n, d) }

func (b *builder) eight(code uint32, name string, m, n, d vec) {
	b.word(code|m.number()<<16|n.number()<<5|d.number(), "%s v%d.8h, v%d.8h, v%d.8h", name, int(d), int(n), int(m))
}

// SMAXV8 is the greatest of eight int16, MVN inverts all bits, SQXTN8 saturates
// int16 to int8 in the lower half of d.

func (b *builder) SMAXV8(n, d vec) {
	b.word(0x4e70a800|n.number()<<5|d.number(), "smaxv h%d, v%d.8h", int(d), int(n))
}

func (b *builder) MVN(n, d vec) {
	b.word(0x6e205800|n.number()<<5|d.number(), "mvn v%d.16b, v%d.16b", int(d), int(n))
}

func (b *builder) SQXTN8(n, d vec) {
	b.word(0x0e214800|n.number()<<5|d.number(), "sqxtn v%d.8b, v%d.8h", int(d), int(n))
}

// ZIP1 and ZIP2 interleave the lower and the upper halves of n and m; TRN1 and
// TRN2 their even and odd lanes.

func (b *builder) ZIP1(lanes string, m, n, d vec) {
	b.emit("VZIP1", m.as(lanes), n.as(lanes), d.as(lanes))
}
func (b *builder) ZIP2(lanes string, m, n, d vec) {
	b.emit("VZIP2", m.as(lanes), n.as(lanes), d.as(lanes))
}
func (b *builder) TRN1(lanes string, m, n, d vec) {
	b.emit("VTRN1", m.as(lanes), n.as(lanes), d.as(lanes))
}
func (b *builder) TRN2(lanes string, m, n, d vec) {
	b.emit("VTRN2", m.as(lanes), n.as(lanes), d.as(lanes))
}

// USHLL and USHLL2 widen bytes, or int16, of the lower and the upper half of n,
// and shift them to the left.

func (b *builder) USHLL(bits int, n vec, from string, d vec, to string) {
	b.emit("VUSHLL", imm(bits), n.as(from), d.as(to))
}
func (b *builder) USHLL2(bits int, n vec, from string, d vec, to string) {
	b.emit("VUSHLL2", imm(bits), n.as(from), d.as(to))
}

// VTBL looks bytes up in the table of 64 that four registers hold, which must be
// neighbours: those beyond it become 0, or, by VTBX, leave d's as they are.

func (b *builder) VTBL(table []vec, n, d vec) { b.emit("VTBL", n.as("B16"), four(table), d.as("B16")) }
func (b *builder) VTBX(table []vec, n, d vec) { b.emit("VTBX", n.as("B16"), four(table), d.as("B16")) }

// UCVTF converts uint32 to float32, FADDP and ADDP add neighbours.

func (b *builder) UCVTF(n, d vec)    { b.one(0x6e21d800, "ucvtf", n, d) }
func (b *builder) FADDP(m, n, d vec) { b.three(0x6e20d400, "faddp", m, n, d) }
func (b *builder) ADDP(m, n, d vec)  { b.three(0x4ea0bc00, "addp", m, n, d) }

// SQRDMULH8 is ⌊(2·n·m + 2¹⁵)/2¹⁶⌋ of int16, and SQRSHRUN shifts int16 to the
// right, rounds half up and limits to bytes, in the lower or the upper half of d.

func (b *builder) SQRDMULH8(m, n, d vec) { b.eight(0x6e60b400, "sqrdmulh", m, n, d) }
func (b *builder) VSUB8(m, n, d vec)     { b.emit("VSUB", m.as("H8"), n.as("H8"), d.as("H8")) }

func (b *builder) SQRSHRUN(half, bits int, n, d vec) {
	if bits < 1 || bits > 8 {
		panic(fmt.Sprintf("sqrshrun by %d bits", bits))
	}
	code := 0x2f008c00 | uint32(16-bits)<<16 | n.number()<<5 | d.number()
	if half == 0 {
		b.word(code, "sqrshrun v%d.8b, v%d.8h, #%d", int(d), int(n), bits)
	} else {
		b.word(code|1<<30, "sqrshrun2 v%d.16b, v%d.8h, #%d", int(d), int(n), bits)
	}
}
