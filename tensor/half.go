package tensor

import "math"

// Float16 returns the IEEE 754 binary16 number nearest to x, ties to even.
// Numbers that are too large become infinities.
func Float16(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b >> 16 & 0x8000)
	abs := b & 0x7fffffff
	switch {
	case abs > 0x7f800000: // NaN: quiet, the payload's top bits kept
		return sign | 0x7e00 | uint16(abs>>13&0x3ff)
	case abs >= 0x477ff000: // rounds to 2¹⁶ or more
		return sign | 0x7c00
	case abs < 0x38800000: // below 2⁻¹⁴: the result is a multiple of 2⁻²⁴
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(abs))*(1<<24)))
	}
	// Rebias the exponent from 127 to 15 and round off 13 bits; a carry runs
	// into the exponent, as it should.
	return sign | uint16((abs-0x38000000+0xfff+abs>>13&1)>>13)
}

// Float32 returns the value of the IEEE 754 binary16 number h. It is exact.
func Float32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0:
		x := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(x) | sign)
	case 0x1f:
		if frac != 0 {
			frac |= 0x200 // quiet, as the processors' own conversions do
		}
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
