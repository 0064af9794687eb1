package amd64

import "github.com/mmcloughlin/avo/operand"

// setMasks sets Y14 and Y15 to select the first n of 16 elements.
func (b *builder) setMasks(n reg64) {
	b.note("masks of the last columns", ys(14, 2)...)
	b.masked = true
	table := b.GP64()
	b.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol("masks"), 64), table)
	back := b.copy(n)
	b.SHLQ(imm(2), back)
	b.SUBQ(back, table)
	b.VMOVDQU(mem(table, 0), y(14))
	b.VMOVDQU(mem(table, 32), y(15))
}

// setMask sets Y15 to select the first n of 8 elements.
func (b *builder) setMask(n reg64) {
	b.note("the mask of the last elements", y(15))
	b.masked = true
	table := b.GP64()
	b.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol("masks"), 64), table)
	b.SHLQ(imm(2), n)
	b.SUBQ(n, table)
	b.VMOVDQU(mem(table, 0), y(15))
}

// maskTable emits what setMasks reads: 16 times all ones, 16 times zero.
func (b *builder) maskTable() {
	b.StaticGlobal("masks")
	b.DataAttributes(rodata)
	for i := range 32 {
		v := operand.U32(0)
		if i < 16 {
			v = ^v
		}
		b.AddDatum(4*i, v)
	}
}
