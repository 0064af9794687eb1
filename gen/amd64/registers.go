package amd64

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/uses"
)

// y and x are the vector registers by number.
func y(i int) vec { return ymm[i] }
func x(i int) vec { return xmm[i] }

// ys are n neighbouring registers.
func ys(first, n int) []vec { return ymm[first : first+n] }

var ymm = []vec{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

var xmm = []vec{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}

type (
	reg64 = reg.GPVirtual
	vec   = reg.VecPhysical
)

// note says what vector registers are used for from here on.
func (b *builder) note(use string, registers ...vec) {
	for _, r := range registers {
		b.uses.Note(int(r.PhysicalIndex()), use)
	}
}

// registerMap writes the map of the vector registers that the kernel's
// instructions name, from their notes.
func (b *builder) registerMap(fn *ir.Function) error {
	used := map[int]bool{}
	for _, i := range fn.Instructions() {
		for _, op := range i.Operands {
			for _, r := range operand.Registers(op) {
				if r.Kind() == reg.KindVector {
					used[int(r.ID().Index())] = true
				}
			}
		}
	}
	registers := slices.Sorted(maps.Keys(used))
	for _, r := range registers {
		if b.uses[r] == nil {
			return fmt.Errorf("the register map says nothing of Y%d", r)
		}
	}
	comment := ir.NewComment(uses.Wrap("Registers: ", b.uses.List("Y", registers))...)
	fn.Nodes = slices.Insert(fn.Nodes, 0, ir.Node(comment))
	return nil
}
