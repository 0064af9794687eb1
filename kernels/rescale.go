package kernels

import (
	"math/bits"

	"github.com/infer-go/infer/asm"
)

var rescaleKernel = asm.Kernel{Op: "rescale", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}

// rescaled is what RescaleArgs says of one element.
func rescaled(a *asm.RescaleArgs, x uint8) uint8 {
	v := min(257*uint32(x)*uint32(a.Factor)>>16+uint32(a.Add), 1<<16-1)
	v = (v - min(v, uint32(a.Sub))) >> uint32(a.Shift)
	return uint8(min(max(v, uint32(a.Lo)), uint32(a.Hi)))
}

// rescalingOf finds the linear function that a table of 256 is, to the bit: that of
// a requantisation, with or without a ReLU. It is false of a table that is no such
// function.
//
// A factor leaves a window of summands for which all rounded results are right:
// that window is widest for one factor and ever narrower away from it.
func rescalingOf(table *[256]byte) (asm.RescaleArgs, bool) {
	least, most := int(table[0]), int(table[255])
	from, to := 0, 255 // where the table leaves its bounds
	for from < 255 && int(table[from]) <= least {
		from++
	}
	for to > 0 && int(table[to]) >= most {
		to--
	}
	rise := int(table[to]) - int(table[from])
	if to <= from || rise <= 0 {
		return asm.RescaleArgs{}, false
	}
	// The greatest shift with which results and a factor of this slope fit 16 bits; or
	// one less, since rounding hides what the slope is.
	finest := min(bits.Len(uint((257*(to-from)-1)/rise))-1, 16-bits.Len8(table[255]))
	for shift := finest; shift >= max(finest-1, 1); shift-- {
		slope := func(rise int) int { return int(int64(rise) << (16 + shift) / int64(257*(to-from))) }
		lo, hi := max(slope(rise-1), 0), min(slope(rise+1)+1, 1<<16-1)
		width := func(factor int) int {
			first, last := summands(table, factor, shift)
			return last - first
		}
		for hi-lo > 8 {
			third := (hi - lo) / 3
			if width(lo+third) < width(hi-third) {
				lo += third
			} else {
				hi -= third
			}
		}
		for factor := lo; factor <= hi; factor++ {
			first, last := summands(table, factor, shift)
			if first > last {
				continue
			}
			add := (first + last) / 2
			a := asm.RescaleArgs{Factor: int32(factor), Add: int32(max(add, 0)), Sub: int32(max(-add, 0)), Shift: int32(shift), Lo: int32(least), Hi: int32(most)}
			if a.Add < 1<<16 && a.Sub < 1<<16 && rescales(&a, table) {
				return a, true
			}
		}
	}
	return asm.RescaleArgs{}, false
}

// summands are the least and the greatest number that, added to products with a
// factor, make those of all elements right that are within the table's bounds; at
// the bounds they need only be beyond.
func summands(table *[256]byte, factor, shift int) (first, last int) {
	first, last = -1<<30, 1<<30
	for x, y := range table {
		product := int(257 * uint32(x) * uint32(factor) >> 16)
		if y > table[0] {
			first = max(first, int(y)<<shift-product)
		}
		if y < table[255] {
			last = min(last, (int(y)+1)<<shift-1-product)
		}
	}
	return first, last
}

// rescales says that a is what the table is.
func rescales(a *asm.RescaleArgs, table *[256]byte) bool {
	for x, y := range table {
		if rescaled(a, uint8(x)) != y {
			return false
		}
	}
	return true
}

func rescalePortable(p *asm.RescaleArgs) {
	for i := range p.Rows {
		y := at(p.Y, i*p.YRow, p.N)
		for j, x := range at(p.X, i*p.XRow, p.N) {
			y[j] = rescaled(p, x)
		}
	}
}
