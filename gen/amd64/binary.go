package amd64

import (
	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/function"
)

// binary emits the function that the kernel's variant names, of two elements: for
// operands that both move on along a row, and for either standing still.
func binary(b *builder) {
	f := binaries[b.kernel.Variant]
	b.doc(f.what + ", element by element")
	b.note("elements of X", y(0))
	b.note("results", y(0))
	b.note("elements of Y", y(1))
	b.note("what the function needs", y(2))
	xp, yp, zp := b.load("X"), b.load("Y"), b.load("Z")
	xr, yr, zr := b.load("XRow"), b.load("YRow"), b.load("ZRow")
	rows := b.load("Rows")
	b.limits()
	still, end := [2]string{b.label("xstill"), b.label("ystill")}, b.label("end")
	for i, step := range []string{"XStep", "YStep"} {
		b.CMPQ(b.field(step), imm(0))
		b.JEQ(operand.LabelRef(still[i]))
	}
	for _, variant := range []int{-1, 0, 1} { // which operand stands still
		if variant >= 0 {
			b.JMP(operand.LabelRef(end))
			b.Label(still[variant])
		}
		b.loop("row", rows, func() {
			for i, p := range []reg64{xp, yp} {
				if variant == i {
					b.note("the element that stands still", y(3+i))
					b.VBROADCASTSS(mem(p, 0), y(3+i))
				}
			}
			offset := b.GP64()
			b.XORQ(offset, offset)
			b.eightsMasked(b.load("N"), func(masked bool) {
				for i, p := range []reg64{xp, yp} {
					from, to := index(p, offset, 1), y(i)
					switch {
					case variant == i:
						b.VMOVAPS(y(3+i), to)
					case masked:
						b.VMASKMOVPS(from, y(15), to)
					default:
						b.VMOVUPS(from, to)
					}
				}
				f.emit(b)
				if masked {
					b.VMASKMOVPS(y(0), y(15), index(zp, offset, 1))
					return
				}
				b.VMOVUPS(y(0), index(zp, offset, 1))
				b.ADDQ(imm(32), offset)
			})
			b.ADDQ(xr, xp)
			b.ADDQ(yr, yp)
			b.ADDQ(zr, zp)
		})
	}
	b.Label(end)
	b.VZEROUPPER()
}

// binaries are the functions: each emits what turns Y0 and Y1 into a clamped
// result in Y0.
var binaries = map[string]struct {
	what string
	emit func(*builder)
}{
	"add":   {"x + y", clamped(func(b *builder) { b.VADDPS(y(1), y(0), y(0)) })},
	"sub":   {"x − y", clamped(func(b *builder) { b.VSUBPS(y(1), y(0), y(0)) })},
	"mul":   {"x·y", clamped(func(b *builder) { b.VMULPS(y(1), y(0), y(0)) })},
	"div":   {"x / y", clamped(func(b *builder) { b.VDIVPS(y(1), y(0), y(0)) })},
	"max":   {"the maximum of x and y", ordered(func(b *builder) { b.VMAXPS(y(1), y(0), y(0)) })},
	"min":   {"the minimum of x and y", ordered(func(b *builder) { b.VMINPS(y(1), y(0), y(0)) })},
	"prelu": {"x < 0 ? x·y : x", clamped(prelu)},
	"pow":   {"x to the power of y", clamped(pow)},
}

func clamped(f func(*builder)) func(*builder) {
	return func(b *builder) {
		f(b)
		b.clamp(0)
	}
}

// ordered makes the result NaN where x or y is: all ones are or-ed into it.
func ordered(f func(*builder)) func(*builder) {
	return func(b *builder) {
		b.VCMPPS(unordered, y(1), y(0), y(2))
		f(b)
		b.clamp(0)
		b.VORPS(y(2), y(0), y(0))
	}
}

func prelu(b *builder) {
	b.VMULPS(y(1), y(0), y(1))
	b.VXORPS(y(2), y(2), y(2))
	b.VCMPPS(lessThan, y(2), y(0), y(2))
	b.VBLENDVPS(y(2), y(1), y(0), y(0))
}

// pow leaves Y3 and Y4 alone, of which one may be an operand that stands still.
func pow(b *builder) {
	if r := b.evaluate(function.Pow, 2, 5, 6, 7, 8, 9, 10, 11, 14); r != 0 {
		b.VMOVAPS(y(r), y(0))
	}
}
