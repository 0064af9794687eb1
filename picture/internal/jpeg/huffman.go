package jpeg

import "bytes"

// Bits of the windows by which tables are looked up: nine instead of ten cost a
// fifth of the time on dense pictures.
const (
	symbolBits = 10
	skipBits   = 12
)

// A table decodes the symbols of a Huffman code, T.81 annex C. Its memory is
// kept from picture to picture: most have the same tables.
type table struct {
	definition []byte // as the file has it: 16 counts, then the symbols; empty is no table
	dc         bool

	// symbols is looked up by the next symbolBits bits. An entry says, from the
	// lowest bit:
	//
	//	0…6    bits to go on by
	//	7      the value's bits come behind: their number takes the value's place
	//	8…15   coefficients to go on by, beyondBlock or more at the end of a block
	//	16…31  the value
	//
	// 0 is a longer code, or none.
	symbols [1 << symbolBits]uint32

	// skips is looked up by the next skipBits bits, to skip as many symbols as
	// there are whole ones in them: bits to go on by in the low byte, coefficients
	// in the high one, to which beyondBlock was added if the last symbol is the
	// end of a block. 0 is not a symbol. It is made for reduced pictures alone.
	skips   [1 << skipBits]uint16
	canSkip bool

	// Of the longer codes: those of length n that are less than limit[n] have
	// the symbol at code − offset[n].
	limit  [17]int
	offset [17]int
}

const (
	valueBehind = 1 << 7

	// beyondBlock is more coefficients than any block has left.
	beyondBlock = 128

	// Sizes of values that 8-bit samples can lead to.
	maxSizeAC = 10
	maxSizeDC = 11
)

// define makes the table of a definition. It reports false for a code that
// cannot be.
func (t *table) define(definition []byte, dc bool) bool {
	if t.dc == dc && bytes.Equal(t.definition, definition) {
		return true
	}
	counts, symbols := definition[:16], definition[16:]
	t.definition, t.dc, t.canSkip = t.definition[:0], dc, false
	clear(t.symbols[:])
	code, index := 0, 0
	for i, count := range counts {
		n := i + 1
		code <<= 1
		t.offset[n] = code - index
		for range count {
			if code >= 1<<n {
				return false
			}
			if n <= symbolBits {
				t.enter(code, n, symbols[index])
			}
			code++
			index++
		}
		t.limit[n] = code
	}
	t.definition = append(t.definition, definition...)
	return true
}

// enter makes the entries of a code of n bits.
func (t *table) enter(code, n int, symbol byte) {
	e := t.entry(symbol, n)
	if e == 0 {
		return
	}
	rest := symbolBits - n
	all := t.symbols[code<<rest:][:1<<rest]
	size := int(e >> 16)
	if e&valueBehind == 0 || size > rest {
		for i := range all {
			all[i] = e
		}
		return
	}
	for i := range all {
		v := extend(i>>(rest-size), size)
		all[i] = uint32(v)<<16 | e&0xff00 | uint32(n+size)
	}
}

// entry is that of a symbol behind a code of n bits; 0 if the symbol is none of
// a sequential picture with 8 bits a sample.
func (t *table) entry(symbol byte, n int) uint32 {
	run, size := uint32(symbol>>4), uint32(symbol&15)
	switch {
	case t.dc && symbol == 0:
		return 1<<8 | uint32(n)
	case t.dc && symbol <= maxSizeDC, !t.dc && 0 < size && size <= maxSizeAC:
		return size<<16 | (run+1)<<8 | valueBehind | uint32(n)
	case !t.dc && symbol == 0xf0:
		return 16<<8 | uint32(n)
	case !t.dc && symbol == 0:
		return beyondBlock<<8 | uint32(n)
	}
	return 0
}

// extend is the value that size bits stand for, T.81 figure F.12.
func extend(bits, size int) int {
	if bits < 1<<(size-1) {
		return bits - 1<<size + 1
	}
	return bits
}

// long is the entry of a code of more than symbolBits bits that the accumulator
// begins with, 0 if there is none.
func (t *table) long(bits uint64) uint32 {
	for n := symbolBits + 1; n <= 16; n++ {
		if code := int(bits >> (64 - n)); code < t.limit[n] {
			// A shorter code that is none of a sequential picture comes here too.
			if i := code - t.offset[n]; i >= 0 && code-(t.limit[n]-int(t.definition[n-1])) >= 0 {
				return t.entry(t.definition[16+i], n)
			}
			return 0
		}
	}
	return 0
}

// skipping makes t.skips.
func (t *table) skipping() {
	if t.canSkip {
		return
	}
	t.canSkip = true
	for window := range t.skips {
		bits, coefficients := 0, 0
		for coefficients < beyondBlock {
			// Bits that are not known are zeros here; an entry that needs them
			// goes on by too many.
			e := t.symbols[window<<bits&(1<<skipBits-1)>>(skipBits-symbolBits)]
			n, k := int(e&0x7f), int(e>>8&0xff)
			if e&valueBehind != 0 {
				n += int(e >> 16)
			}
			if e == 0 || bits+n > skipBits || k < beyondBlock && coefficients+k > 63 {
				break
			}
			bits += n
			coefficients += k
		}
		t.skips[window] = uint16(coefficients<<8 | bits)
	}
}
