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

// z, y and x are the vector registers by number. Those of 512 bits, and the
// others from 16 on, are AVX-512's.
func z(i int) vec { return zmm[i] }
func y(i int) vec { return ymm[i] }
func x(i int) vec { return xmm[i] }

// wide is a vector register of 64 bytes, or of 32.
func wide(i, bytes int) vec {
	if bytes == 64 {
		return z(i)
	}
	return y(i)
}

// ys are n neighbouring registers.
func ys(first, n int) []vec { return ymm[first : first+n] }
func zs(first, n int) []vec { return zmm[first : first+n] }

var zmm = []vec{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []vec{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	reg.Y16, reg.Y17, reg.Y18, reg.Y19, reg.Y20, reg.Y21, reg.Y22, reg.Y23,
	reg.Y24, reg.Y25, reg.Y26, reg.Y27, reg.Y28, reg.Y29, reg.Y30, reg.Y31,
}

var xmm = []vec{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
	reg.X16, reg.X17, reg.X18, reg.X19, reg.X20, reg.X21, reg.X22, reg.X23,
	reg.X24, reg.X25, reg.X26, reg.X27, reg.X28, reg.X29, reg.X30, reg.X31,
}

type (
	reg64  = reg.GPVirtual
	vec    = reg.VecPhysical
	opmask = reg.OpmaskPhysical
)

// note says what vector registers are used for from here on.
func (b *builder) note(use string, registers ...vec) {
	for _, r := range registers {
		b.uses.Note(int(r.PhysicalIndex()), use)
	}
}

// noteMask says what a mask register is used for from here on.
func (b *builder) noteMask(use string, k opmask) { b.masks.Note(int(k.PhysicalIndex()), use) }

// registerMap writes the map of the vector and mask registers that the kernel's
// instructions name, from their notes. Vectors have the name of the widest that
// occurs.
func (b *builder) registerMap(fn *ir.Function) error {
	vectors, masks := map[int]bool{}, map[int]bool{}
	kind := "Y"
	for _, i := range fn.Instructions() {
		for _, op := range i.Operands {
			for _, r := range operand.Registers(op) {
				switch r.Kind() {
				case reg.KindVector:
					vectors[int(r.ID().Index())] = true
					if r.Size() == 64 {
						kind = "Z"
					}
				case reg.KindOpmask:
					masks[int(r.ID().Index())] = true
				}
			}
		}
	}
	var parts []string
	for _, k := range []struct {
		name string
		used map[int]bool
		uses uses.Map[int]
	}{{kind, vectors, b.uses}, {"K", masks, b.masks}} {
		registers := slices.Sorted(maps.Keys(k.used))
		for _, r := range registers {
			if k.uses[r] == nil {
				return fmt.Errorf("the register map says nothing of %s%d", k.name, r)
			}
		}
		parts = append(parts, k.uses.List(k.name, registers)...)
	}
	comment := ir.NewComment(uses.Wrap("Registers: ", parts)...)
	fn.Nodes = slices.Insert(fn.Nodes, 0, ir.Node(comment))
	return nil
}
