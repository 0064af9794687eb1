package weights

import (
	"encoding/binary"
	"fmt"

	"github.com/infer-go/infer/kernels"
)

// unit is the number of bytes into whose multiples a Param's data may be cut
// for checkData: a panel where there are panels.
func unit(p kernels.Param) int {
	if p.Form == kernels.Panels {
		return kernels.PanelBytes(p.Shape[1], p.Elem)
	}
	return kernels.Align
}

// checkData checks a part of a Param's data that begins off bytes, a multiple
// of its unit, into them: every element is finite, and the padding of panels
// is zero.
func checkData(p kernels.Param, off int, data []byte) error {
	if p.Form != kernels.Panels {
		return checkFinite(kernels.F32, off, data)
	}
	size := unit(p)
	for ; len(data) > 0; off, data = off+size, data[size:] {
		if err := checkPanel(p, off, data[:size]); err != nil {
			return err
		}
	}
	return nil
}

// checkPanel checks one panel, which begins off bytes into the Param's data.
func checkPanel(p kernels.Param, off int, panel []byte) error {
	const bias = 4 * kernels.NR
	k, n := p.Shape[1], p.Shape[2]
	row := kernels.NR * p.Elem.Size()
	end := bias + k*row
	if err := checkFinite(kernels.F32, off, panel[:bias]); err != nil {
		return err
	}
	if err := checkFinite(p.Elem, off+bias, panel[bias:end]); err != nil {
		return err
	}
	if !zero(panel[end:]) {
		return fmt.Errorf("byte %d: the padding after a panel's rows is not zero", off+end)
	}
	used := n % kernels.NR
	if last := off/len(panel)%kernels.PanelCount(n) == kernels.PanelCount(n)-1; used == 0 || !last {
		return nil
	}
	if !zero(panel[4*used : bias]) {
		return fmt.Errorf("byte %d: the padding after a panel's biases is not zero", off+4*used)
	}
	for i := bias; i < end; i += row {
		if pad := i + used*p.Elem.Size(); !zero(panel[pad : i+row]) {
			return fmt.Errorf("byte %d: the padding after a panel's columns is not zero", off+pad)
		}
	}
	return nil
}

// checkFinite checks that elements are neither infinite nor NaN.
func checkFinite(e kernels.Elem, off int, data []byte) error {
	l := lanes32
	if e == kernels.F16 {
		l = lanes16
	}
	if l.finite(data) {
		return nil
	}
	for i := 0; ; i += e.Size() {
		if !l.finite(data[i : i+e.Size()]) {
			return fmt.Errorf("byte %d: an element is not finite", off+i)
		}
	}
}

// lanes are the floating-point numbers of one size that fit in 64 bits: the
// bits of all their exponents, the lowest bit of each, and the bit above each.
// A number is not finite if its exponent is all ones, which is to say if
// adding the lowest bit to it carries into the bit above.
type lanes struct{ exponent, lowest, above uint64 }

var (
	lanes32 = lanes{0x7f800000_7f800000, 0x00800000_00800000, 0x80000000_80000000}
	lanes16 = lanes{0x7c00_7c00_7c00_7c00, 0x0400_0400_0400_0400, 0x8000_8000_8000_8000}
)

func (l lanes) finite(b []byte) bool {
	var carry uint64
	for ; len(b) >= 32; b = b[32:] {
		carry |= binary.LittleEndian.Uint64(b)&l.exponent + l.lowest
		carry |= binary.LittleEndian.Uint64(b[8:])&l.exponent + l.lowest
		carry |= binary.LittleEndian.Uint64(b[16:])&l.exponent + l.lowest
		carry |= binary.LittleEndian.Uint64(b[24:])&l.exponent + l.lowest
	}
	for len(b) > 0 {
		var x [8]byte
		n := copy(x[:], b)
		carry |= binary.LittleEndian.Uint64(x[:])&l.exponent + l.lowest
		b = b[n:]
	}
	return carry&l.above == 0
}

// zero says whether all bytes are zero.
func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
