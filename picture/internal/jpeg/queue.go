package jpeg

import "encoding/binary"

const (
	blocks = 16 // that a queue holds
	lanes  = 16 // coefficients of a row of a group of blocks, as in asm.IDCTArgs

	// unread is where coefficients go that nobody reads.
	unread = 8 * lanes * blocks / 2
)

// A queue gathers a component's blocks until there are enough for a kernel.
// Its coefficients are 0 where none was stored.
type queue struct {
	coefficients [2 * unread]int16
	at           [blocks]int // their first samples
	n            int         // blocks
	base         int         // where the coefficients of the next one begin
	samples      []byte
	stride       int
	shift        int // by which the component is reduced
}

// flush makes samples of the blocks that are waiting. It reports false for
// coefficients that no picture has.
func (d *decoder) flush(q *queue) bool {
	n := q.n
	q.n, q.base = 0, 0
	if n == 0 {
		return true
	}
	return d.idct[q.shift].Run(q.samples, q.stride, q.at[:n], q.coefficients[:unread]) < sampleLimit
}

// fill sets a block of samples to the mean that the coefficient dc means.
func fill(dst []byte, stride, side int, dc int32) bool {
	v := (dc + 4) >> 3
	if v < -sampleLimit || v >= sampleLimit {
		return false
	}
	all := uint64(sample(v)) * 0x0101010101010101
	switch side {
	case 8:
		for y := range 8 {
			binary.LittleEndian.PutUint64(dst[y*stride:], all)
		}
	case 4:
		for y := range 4 {
			binary.LittleEndian.PutUint32(dst[y*stride:], uint32(all))
		}
	case 2:
		binary.LittleEndian.PutUint16(dst, uint16(all))
		binary.LittleEndian.PutUint16(dst[stride:], uint16(all))
	default:
		dst[0] = byte(all)
	}
	return true
}

// quarter makes a block's 2×2 samples and clears its coefficients.
func quarter(dst []byte, stride int, c *[4]int16) bool {
	a, b := int32(c[0])+int32(c[1])+4, int32(c[0])-int32(c[1])+4
	e, f := int32(c[2])+int32(c[3]), int32(c[2])-int32(c[3])
	*c = [4]int16{}
	s := [4]int32{(a + e) >> 3, (a - e) >> 3, (b + f) >> 3, (b - f) >> 3}
	dst[0], dst[1] = sample(s[0]), sample(s[1])
	dst[stride], dst[stride+1] = sample(s[2]), sample(s[3])
	return min(s[0], s[1], s[2], s[3]) >= -sampleLimit && max(s[0], s[1], s[2], s[3]) < sampleLimit
}

// sample is a byte of what the inverse DCT yields, whose middle is 0.
func sample(v int32) byte { return byte(min(max(v+128, 0), 255)) }
