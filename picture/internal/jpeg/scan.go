package jpeg

import (
	"bytes"
	"encoding/binary"
)

// A scan is what an entropy-coded segment holds, and the state of its decoding.
type scan struct {
	blocks       []block // of an MCU
	space        [10]block
	across, down int // MCUs
	queues       [3]queue
	coefficients [3]placing // by component
}

// A block is one of those of an MCU.
type block struct {
	component int
	dc, ac    *table
	at        int // of its first sample, from that of the MCU's first one
	right     int // from one MCU to the next
	lower     int // from one row of MCUs to the next
}

// A placing says, in zigzag order, where the coefficients of a block go, in the
// lower half of an element, and what they are to be multiplied by.
type placing [64]uint32

// zigzag is the column and the row of each coefficient, T.81 figure 5.
var zigzag = func() (z [64][2]int) {
	x, y, i := 0, 0, 0
	for sum := range 15 {
		for step := range sum + 1 {
			x, y = step, sum-step // up to the right
			if sum%2 == 1 {
				x, y = y, x
			}
			if x < 8 && y < 8 {
				z[i] = [2]int{x, y}
				i++
			}
		}
	}
	return z
}()

// needed is how many coefficients, in zigzag order, blocks of reduced pictures
// are made of, by the shift.
var needed = [MaxShift + 1]int{64, 25, 5, 1}

// scanHeader reads a start of scan, T.81 B.2.3, and decodes what follows it. It
// returns the data behind that.
func (d *decoder) scanHeader(b, data []byte) ([]byte, bool) {
	s := &d.scan
	if !d.frame || len(b) < 1 {
		return nil, false
	}
	n := int(b[0])
	if n < 1 || n > len(d.components) || len(b) != 4+2*n || b[1+2*n] != 0 || b[2+2*n] != 63 || b[3+2*n] != 0 {
		return nil, false
	}
	if d.scanned == 0 {
		d.makePlanes()
	}
	s.blocks = s.space[:0]
	s.across, s.down = d.across, d.down
	for i := range n {
		id, class := b[1+2*i], b[2+2*i]
		k := 0
		for k < len(d.components) && d.components[k].id != id {
			k++
		}
		dc, ac := class>>4, class&15
		if k == len(d.components) || dc > 3 || ac > 3 || d.baseline && max(dc, ac) > 1 || !d.isTable[0][dc] || !d.isTable[1][ac] {
			return nil, false
		}
		for _, other := range s.blocks {
			if other.component == k {
				return nil, false
			}
		}
		c := &d.components[k]
		if !d.isQuantiser[c.quantiser] {
			return nil, false
		}
		d.scanned |= 1 << k
		d.place(&s.coefficients[k], c)
		s.queues[k].samples, s.queues[k].stride, s.queues[k].shift = c.plane, c.stride, c.shift
		q := block{component: k, dc: &d.tables[0][dc], ac: &d.tables[1][ac]}
		if c.shift > 0 {
			q.ac.skipping()
		}
		h, v := c.h, c.v
		if n == 1 {
			// An MCU is a block of those that have samples of the picture.
			if h*v > 1 {
				if d.restart > 0 { // image/jpeg counts otherwise than T.81
					return nil, false
				}
				s.across, s.down = (d.width+7)/8, (d.height+7)/8
			}
			h, v = 1, 1
		}
		side := c.side()
		q.right, q.lower = h*side, v*side*c.stride
		for j := range h * v {
			if len(s.blocks) == cap(s.blocks) {
				return nil, false
			}
			q.at = (j/h*c.stride + j%h) * side
			s.blocks = append(s.blocks, q)
		}
	}
	return d.intervals(data)
}

// place makes the table of where coefficients go. What a reduced picture does
// not need goes where nobody reads it.
func (d *decoder) place(p *placing, c *component) {
	side := c.side()
	for i, z := range zigzag {
		to := unread
		switch x, y := z[0], z[1]; {
		case max(x, y) >= side:
		case side > 2:
			// Rows of columns, as the kernels have them.
			to = x*lanes + y
		default:
			to = x*side + y
		}
		p[i] = uint32(d.quantisers[c.quantiser][i])<<16 | uint32(to)
	}
}

// intervals decodes a scan's data, which is cut into intervals by restart
// markers, if at all. It returns what is behind it.
func (d *decoder) intervals(data []byte) ([]byte, bool) {
	s := &d.scan
	total := s.across * s.down
	count := total
	if d.restart > 0 {
		count = min(count, d.restart)
	}
	marker := byte(0xd0)
	for first := 0; first < total; first += count {
		if first > 0 {
			if len(data) < 2 || data[0] != 0xff || data[1] != marker {
				return nil, false
			}
			data = data[2:]
			marker = 0xd0 | (marker+1)&7
		}
		var ok bool
		if data, ok = d.unstuff(data); !ok {
			return nil, false
		}
		if !d.interval(first, min(count, total-first)) {
			return nil, false
		}
	}
	for i := range d.components {
		if !d.flush(&s.queues[i]) {
			return nil, false
		}
	}
	return data, true
}

// padding is how many bytes may be read behind the data of an interval.
const padding = 16

// unstuff copies data up to the next marker to d.unstuffed, with 0xff for what
// stands there as 0xff 0, and with padding. It returns what begins with the
// marker, and false if there is none.
func (d *decoder) unstuff(data []byte) ([]byte, bool) {
	buf := d.unstuffed[:0]
	for {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 || i+1 == len(data) {
			return nil, false
		}
		if data[i+1] != 0 {
			buf = append(buf, data[:i]...)
			data = data[i:]
			break
		}
		buf = append(buf, data[:i+1]...)
		data = data[i+2:]
	}
	buf = append(buf, make([]byte, padding)...)
	d.unstuffed = buf
	return data, true
}

// Coefficients are checked against what samples of 8 bits can lead to, with much
// to spare: beyond, image/jpeg's arithmetic overflows, and so does that of the
// kernels.
const (
	coefficientLimit = 1 << 13
	sampleLimit      = 7 << 7
)

// interval decodes MCUs first, …, first+count−1 from d.unstuffed. It reports
// false if the data are not as they should be.
func (d *decoder) interval(first, count int) bool {
	s := &d.scan
	src := d.unstuffed
	size := len(src) - padding
	var (
		// The next bits of the data, from the highest bit; n of them are sure to
		// be there. Those behind are either the data's or 0.
		bits uint64
		n    int
		next int // byte of the data that comes after the n bits

		predicted [3]int32
		odd       uint32 // what coefficients have in bits where none should be
	)
	mx, my := first%s.across, first/s.across
	for range count {
		for i := range s.blocks {
			b := &s.blocks[i]
			q := &s.queues[b.component]
			at := b.at + mx*b.right + my*b.lower
			places := &s.coefficients[b.component]
			base, coefficients := q.base, &q.coefficients
			side, need := 8>>q.shift, needed[q.shift]

			if n < 32 {
				if next > size+8 {
					return false
				}
				bits |= binary.BigEndian.Uint64(src[next:]) >> (n & 63)
				next += (63 - n) >> 3
				n |= 56
			}
			e := b.dc.symbols[bits>>(64-symbolBits)]
			if e == 0 {
				if e = b.dc.long(bits); e == 0 {
					return false
				}
			}
			bits <<= e & 63
			n -= int(e & 63)
			v := int32(e) >> 16
			if e&valueBehind != 0 {
				v = receive(bits, v)
				bits <<= (e >> 16) & 63
				n -= int(e >> 16)
			}
			dc := predicted[b.component] + v
			predicted[b.component] = dc
			dc *= int32(places[0] >> 16)
			odd |= uint32(dc + coefficientLimit)

			k := 1
			ac := b.ac
			stored := false
			for k < need {
				if n < 32 {
					if next > size+8 {
						return false
					}
					bits |= binary.BigEndian.Uint64(src[next:]) >> (n & 63)
					next += (63 - n) >> 3
					n |= 56
				}
				e := ac.symbols[bits>>(64-symbolBits)]
				if e == 0 {
					if e = ac.long(bits); e == 0 {
						return false
					}
				}
				bits <<= e & 63
				n -= int(e & 63)
				v := int32(e) >> 16
				if e&valueBehind != 0 {
					v = receive(bits, v)
					bits <<= (e >> 16) & 63
					n -= int(e >> 16)
				}
				k += int(e >> 8 & 0xff)
				if k > 64 {
					break
				}
				p := places[(k-1)&63]
				v *= int32(p >> 16)
				odd |= uint32(v + coefficientLimit)
				coefficients[(base+int(p&0xffff))&(len(coefficients)-1)] = int16(v)
				stored = true
			}
			for k < 64 {
				if n < 32 {
					if next > size+8 {
						return false
					}
					bits |= binary.BigEndian.Uint64(src[next:]) >> (n & 63)
					next += (63 - n) >> 3
					n |= 56
				}
				// What comes behind the block's last coefficient is another block.
				if e := int(ac.skips[bits>>(64-skipBits)]); e != 0 && k+e>>8&(beyondBlock-1)+e>>15 <= 64 {
					bits <<= e & 63
					n -= e & 0xff
					k += e >> 8
					continue
				}
				e := ac.symbols[bits>>(64-symbolBits)]
				if e == 0 {
					if e = ac.long(bits); e == 0 {
						return false
					}
				}
				l := e & 63
				if e&valueBehind != 0 {
					l += e >> 16
				}
				bits <<= l & 63
				n -= int(l)
				k += int(e >> 8 & 0xff)
			}
			if k > 64 && k < beyondBlock || odd >= 2*coefficientLimit {
				return false
			}
			if !stored || side == 1 {
				if !fill(q.samples[at:], q.stride, side, dc) {
					return false
				}
				continue
			}
			q.coefficients[base&(len(q.coefficients)-1)] = int16(dc)
			if side == 2 {
				if !quarter(q.samples[at:], q.stride, (*[4]int16)(q.coefficients[:])) {
					return false
				}
				continue
			}
			q.at[q.n&(blocks-1)] = at
			q.n++
			if q.n == blocks {
				if !d.flush(q) {
					return false
				}
				continue
			}
			q.base = q.n*side/lanes*lanes*side + q.n*side%lanes
		}
		if mx++; mx == s.across {
			mx, my = 0, my+1
		}
	}
	return 8*next-n <= 8*size
}

// receive is the value that the first size bits stand for, T.81 figure F.12.
func receive(bits uint64, size int32) int32 {
	v := int32(bits >> ((64 - size) & 63))
	// Where the first bit is 0, 2^size − 1 is taken off.
	return v + (int32(bits>>63)-1)&(1-1<<(size&31))
}
