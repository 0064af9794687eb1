package amd64

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/operand"
)

// Predicates of VCMPPS and the rounding of VROUNDPS, by their numbers in the
// instruction.
var (
	unordered = imm(3)  // either is NaN
	lessThan  = imm(17) // false for NaN
	equal     = imm(0)  // false for NaN
	atMost    = imm(18) // false for NaN
	toNearest = imm(8)  // ties to even
	toFloor   = imm(9)
	toCeil    = imm(10)
)

// broadcast sets all lanes of a register to a constant.
func (b *builder) broadcast(v float32, to int) {
	bits := b.GP64()
	b.MOVL(operand.U32(math.Float32bits(v)), bits.As32())
	b.VMOVD(bits.As32(), x(to))
	b.VBROADCASTSS(x(to), y(to))
}

// constantBits is a vector of the same bits in all lanes, in memory: eight, or
// sixteen where the kernel's constants are so long.
func (b *builder) constantBits(v uint32) operand.Mem {
	i := slices.Index(b.constants, v)
	if i < 0 {
		i = len(b.constants)
		b.constants = append(b.constants, v)
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(b.constantName()), 4*b.constantLanes*i)
}

func (b *builder) constantName() string { return "constants_" + b.symbol }

// constantTable emits the kernel's constants, if it has any.
func (b *builder) constantTable() {
	if len(b.constants) == 0 {
		return
	}
	b.StaticGlobal(b.constantName())
	b.DataAttributes(rodata)
	for i, v := range b.constants {
		for lane := range b.constantLanes {
			b.AddDatum(4*(b.constantLanes*i+lane), operand.U32(v))
		}
	}
}
