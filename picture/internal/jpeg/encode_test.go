package jpeg

import (
	"encoding/binary"
	"math/rand/v2"
)

// A file says what to encode: random coefficients, as no encoder at hand makes
// all kinds of pictures.
type file struct {
	width, height  int
	gray           bool
	h, v           int // luma's sampling factors
	restart        int
	scans          bool // one for each component
	extended, wide bool // the frame; quantisers of 16 bits
	long           bool // codes of up to 16 bits
}

func (f *file) encode() []byte { return f.encodeBlocks(1 << 30) }

// encodeBlocks encodes no more than limit blocks.
func (f *file) encodeBlocks(limit int) []byte {
	e := &encoder{rng: rand.New(rand.NewPCG(uint64(f.h), uint64(f.v)))}
	e.out = []byte{0xff, 0xd8}
	e.segment(0xfe, []byte("a comment"))
	var dqt []byte
	for i := range 64 {
		if q := 2 + i/4; f.wide {
			dqt = binary.BigEndian.AppendUint16(dqt, uint16(q))
		} else {
			dqt = append(dqt, byte(q))
		}
	}
	class := byte(0)
	if f.wide {
		class = 0x10
	}
	e.segment(0xdb, append([]byte{class}, dqt...))

	components := 3
	if f.gray {
		components = 1
	}
	sof := binary.BigEndian.AppendUint16([]byte{8}, uint16(f.height))
	sof = append(binary.BigEndian.AppendUint16(sof, uint16(f.width)), byte(components))
	for c := range components {
		factors := byte(0x11)
		if c == 0 {
			factors = byte(f.h<<4 | f.v)
		}
		sof = append(sof, byte(c+1), factors, 0)
	}
	marker := byte(0xc0)
	if f.extended {
		marker = 0xc1
	}
	e.segment(marker, sof)

	// Sizes of DC values have codes of 4 bits; symbols of AC values such that
	// the ones that come often are short.
	dc := []byte{0: 0, 3: 12, 16: 0}[:16]
	e.dc = map[byte]code{}
	var symbols []byte
	for s := range byte(12) {
		symbols = append(symbols, s)
		e.dc[s] = code{int(s), 4}
	}
	e.segment(0xc4, append(append([]byte{0}, dc...), symbols...))
	e.tableAC(f.long)
	if f.restart > 0 {
		e.segment(0xdd, binary.BigEndian.AppendUint16(nil, uint16(f.restart)))
	}

	h, v := f.h, f.v
	if f.gray {
		h, v = 1, 1
	}
	across, down := (f.width+8*h-1)/(8*h), (f.height+8*v-1)/(8*v)
	if !f.scans || f.gray {
		blocks := h*v + components - 1
		e.scan(components, 0)
		e.blocks(across*down, blocks, f.restart, limit)
	} else {
		for c := range components {
			e.scan(1, c)
			n := across * down
			if c == 0 {
				n = (f.width + 7) / 8 * ((f.height + 7) / 8)
			}
			e.blocks(n, 1, f.restart, limit)
		}
	}
	return append(e.out, 0xff, 0xd9)
}

type code struct{ bits, n int }

type encoder struct {
	rng    *rand.Rand
	out    []byte
	dc, ac map[byte]code
	bits   uint64
	n      int
}

func (e *encoder) segment(marker byte, body []byte) {
	e.out = append(e.out, 0xff, marker)
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(len(body)+2))
	e.out = append(e.out, body...)
}

// tableAC defines a code of all symbols: with long ones, four of each length.
func (e *encoder) tableAC(long bool) {
	symbols := []byte{0, 1, 0x11, 2, 3, 0xf0, 4}
	for run := range byte(15) {
		for size := byte(1); size <= 10; size++ {
			if s := run<<4 | size; s != 1 && s != 0x11 && s != 2 && s != 3 && s != 4 {
				symbols = append(symbols, s)
			}
		}
	}
	counts := make([]byte, 16)
	if long {
		counts[2], counts[4] = 5, 2
		counts[15] = byte(len(symbols) - 7)
	} else {
		counts[2], counts[4] = 5, 2
		counts[8] = byte(len(symbols) - 7)
	}
	e.ac = map[byte]code{}
	next, i := 0, 0
	for length, count := range counts {
		next <<= 1
		for range count {
			e.ac[symbols[i]] = code{next, length + 1}
			next++
			i++
		}
	}
	e.segment(0xc4, append(append([]byte{0x10}, counts...), symbols...))
}

// scan writes the header of a scan of one component, or of all.
func (e *encoder) scan(components, first int) {
	b := []byte{byte(components)}
	for c := range components {
		b = append(b, byte(first+c+1), 0)
	}
	e.segment(0xda, append(b, 0, 63, 0))
}

// blocks writes MCUs of some blocks.
func (e *encoder) blocks(mcus, each, restart, limit int) {
	values := make([]int, each)
	for m := range mcus {
		if restart > 0 && m > 0 && m%restart == 0 {
			e.align()
			e.out = append(e.out, 0xff, 0xd0|byte(m/restart-1)&7)
			clear(values)
		}
		for range each {
			if limit--; limit < 0 {
				e.align()
				return
			}
			// The values stay about the middle.
			d := e.rng.IntN(81) - 40
			if values[0] > 100 || values[0] < -100 {
				d = -values[0] / 2
			}
			values[0] += d
			size := sizeOf(d)
			e.put(e.dc[byte(size)])
			e.value(d, size)
			e.coefficients()
		}
	}
	e.align()
}

// coefficients writes those of a block behind the first.
func (e *encoder) coefficients() {
	k := 1
	for k < 64 && e.rng.IntN(10) > 0 {
		run := e.rng.IntN(6)
		if e.rng.IntN(12) == 0 {
			run = e.rng.IntN(40)
		}
		if k+run > 63 {
			break
		}
		for ; run > 15; run -= 16 {
			e.put(e.ac[0xf0])
			k += 16
		}
		run = min(run, 14)
		v := e.rng.IntN(15) - 7
		if e.rng.IntN(30) == 0 {
			v = e.rng.IntN(200) - 100
		}
		if v == 0 {
			v = 1
		}
		k += run + 1
		size := sizeOf(v)
		e.put(e.ac[byte(run<<4|size)])
		e.value(v, size)
	}
	if k < 64 {
		e.put(e.ac[0])
	}
}

func sizeOf(v int) (n int) {
	for v = max(v, -v); v > 0; v >>= 1 {
		n++
	}
	return n
}

func (e *encoder) value(v, size int) {
	if v < 0 {
		v += 1<<size - 1
	}
	e.put(code{v, size})
}

func (e *encoder) put(c code) {
	e.bits = e.bits<<c.n | uint64(c.bits)
	for e.n += c.n; e.n >= 8; e.n -= 8 {
		b := byte(e.bits >> (e.n - 8))
		if e.out = append(e.out, b); b == 0xff {
			e.out = append(e.out, 0)
		}
	}
}

// align fills the last byte with ones.
func (e *encoder) align() {
	if e.n > 0 {
		e.put(code{1<<(8-e.n) - 1, 8 - e.n})
	}
}
