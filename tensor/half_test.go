package tensor

import (
	"math"
	"testing"
)

// allHalves are all values of a float16.
func allHalves() []uint16 {
	x := make([]uint16, 1<<16)
	for i := range x {
		x[i] = uint16(i)
	}
	return x
}

// halfValue is the value of a float16 by its definition.
func halfValue(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	exp, frac := int(h>>10&31), float64(h&1023)
	switch exp {
	case 0:
		return math.Copysign(math.Ldexp(frac, -24), sign)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

// roundHalf is the value of the float16 nearest to x, ties to even.
func roundHalf(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	_, exp := math.Frexp(x) // |x| is in [2^(exp−1), 2^exp)
	unit := math.Ldexp(1, max(exp-11, -24))
	y := math.RoundToEven(x/unit) * unit
	if math.Abs(y) >= 1<<16 {
		return math.Copysign(math.Inf(1), x)
	}
	return math.Copysign(y, x)
}

func TestFloat32(t *testing.T) {
	for _, h := range allHalves() {
		got, want := Float32(h), halfValue(h)
		if math.IsNaN(want) {
			if !IsNaN(got) {
				t.Errorf("Float32(%#04x) is %v, want NaN", h, got)
			}
		} else if float64(got) != want || math.Signbit(float64(got)) != math.Signbit(want) {
			t.Errorf("Float32(%#04x) is %v, want %v", h, got, want)
		}
	}
}

// TestFloat16 converts every float16's value, the middle between each two, and
// the float32 before and after those; then float32 in steps.
func TestFloat16(t *testing.T) {
	check := func(x float32) {
		h := Float16(x)
		got, want := halfValue(h), roundHalf(float64(x))
		if math.IsNaN(want) {
			if !math.IsNaN(got) {
				t.Fatalf("Float16(%#08x) is %#04x, want NaN", math.Float32bits(x), h)
			}
		} else if got != want || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("Float16(%v) is %#04x, %v, want %v", x, h, got, want)
		}
	}
	around := func(x float32) {
		check(x)
		check(math.Nextafter32(x, float32(math.Inf(1))))
		check(math.Nextafter32(x, float32(math.Inf(-1))))
	}
	for _, h := range allHalves() {
		if x := halfValue(h); !math.IsNaN(x) && !math.IsInf(x, 0) {
			next := halfValue(h + 1) // away from zero
			if math.IsInf(next, 0) {
				next = math.Copysign(1<<16, x)
			}
			around(float32(x))
			around(float32((x + next) / 2))
			if back := Float16(float32(x)); back != h {
				t.Fatalf("Float16 of %#04x's value is %#04x", h, back)
			}
		}
	}
	for bits := uint32(0); ; bits += 4093 {
		check(math.Float32frombits(bits))
		if bits > math.MaxUint32-4093 {
			break
		}
	}
	for _, x := range []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-39} {
		check(float32(x))
	}
	// A NaN's payload may lie in the bits that are cut off.
	check(math.Float32frombits(0x7f800001))
	check(math.Float32frombits(0xffbfffff))
}
