package jpeg

import (
	"encoding/binary"
	"errors"
	"image"
	"runtime"
	"sync"

	"github.com/infer-go/infer/kernels"
)

// ErrOdd says that a picture is not one for this decoder.
var ErrOdd = errors.New("jpeg: an uncommon or damaged picture")

// MaxShift is the greatest shift that Decode takes.
const MaxShift = 3

// Decode decodes a picture, its sides divided by 2^shift and rounded up. The
// result is an *image.Gray or an *image.YCbCr whose bounds begin at 0, 0.
//
// It takes memory for the samples of whole MCUs, and for a copy of the longest
// stretch of data without a restart marker, which is kept. If planes is not nil,
// it is the memory for the samples, and grows: the result is then valid until it
// is used again.
func Decode(data []byte, shift int, planes *[]byte) (image.Image, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	defer d.release()
	d.reset(shift, planes)
	if err := d.file(data); err != nil {
		clear(d.scan.queues[:]) // of what was decoded
		d.giveUp()
		return nil, err
	}
	return d.image(), nil
}

var decoders = sync.Pool{New: func() any {
	tier, err := kernels.Default()
	if err != nil { // whoever opens a model is told
		tier = kernels.Tiers()[0]
	}
	d := new(decoder)
	d.idct[0], d.idct[1] = tier.InverseDCT(8), tier.InverseDCT(4)
	return d
}}

// A decoder decodes one picture at a time.
type decoder struct {
	shift int // of luma

	frame         bool // its header was read
	baseline      bool
	width, height int
	across, down  int // MCUs
	hMax, vMax    int
	components    []component
	restart       int // MCUs between restart markers, 0 is all
	quantisers    [4][64]uint16
	isQuantiser   [4]bool
	tables        [2][4]table // of DC and of AC
	isTable       [2][4]bool
	scanned       int     // components, a bit each
	memory        *[]byte // for samples, or nil
	space         [3]component
	scan          scan
	unstuffed     []byte
	idct          [2]*kernels.InverseDCT // of 8×8 and 4×4 samples
}

// A component is one of the frame's, with its plane of samples.
type component struct {
	id        byte
	h, v      int // sampling factors
	shift     int // by which this component is reduced
	quantiser byte
	plane     []byte
	stride    int
}

// reset makes d ready for another picture.
func (d *decoder) reset(shift int, memory *[]byte) {
	d.shift, d.memory = shift, memory
	d.frame, d.restart, d.scanned = false, 0, 0
	d.isQuantiser, d.isTable = [4]bool{}, [2][4]bool{}
}

// release lets go of the samples, and of a copy of more than a usual picture.
func (d *decoder) release() {
	clear(d.space[:])
	d.memory = nil
	for i := range d.scan.queues {
		d.scan.queues[i].samples = nil
	}
	if cap(d.unstuffed) > 1<<24 {
		d.unstuffed = nil
	}
}

// muchMemory is how many bytes of samples may lie about while somebody else decodes
// the picture again.
const muchMemory = 32 << 20

// giveUp gives back what a picture has taken that is not for this decoder.
func (d *decoder) giveUp() {
	taken := 0
	for i := range d.space {
		taken += len(d.space[i].plane)
	}
	if taken < muchMemory {
		return
	}
	if d.memory != nil {
		*d.memory = nil
	}
	d.release()
	runtime.GC() // now, or there would be twice as much
}

// file reads the segments of a file.
func (d *decoder) file(data []byte) error {
	if len(data) < 2 || data[0] != 0xff || data[1] != 0xd8 {
		return ErrOdd
	}
	data = data[2:]
	for {
		// A marker may have any number of bytes 0xff before it.
		if len(data) < 2 || data[0] != 0xff {
			return ErrOdd
		}
		marker := data[1]
		switch {
		case marker == 0xff:
			data = data[1:]
			continue
		case marker == 0xd9: // end of image
			if !d.frame || d.scanned != 1<<len(d.components)-1 {
				return ErrOdd
			}
			return nil
		case 0xd0 <= marker && marker <= 0xd7: // a restart marker too many
			data = data[2:]
			continue
		case len(data) < 4:
			return ErrOdd
		}
		n := 2 + int(binary.BigEndian.Uint16(data[2:]))
		if n < 4 || n > len(data) {
			return ErrOdd
		}
		body, rest := data[4:n], data[n:]
		data = rest
		ok := true
		switch {
		case marker == 0xc0, marker == 0xc1:
			ok = d.frameHeader(body, marker == 0xc0)
		case marker == 0xc4:
			ok = d.huffmanTables(body)
		case marker == 0xdb:
			ok = d.quantisationTables(body)
		case marker == 0xdd:
			if ok = len(body) == 2; ok {
				d.restart = int(binary.BigEndian.Uint16(body))
			}
		case marker == 0xda:
			data, ok = d.scanHeader(body, rest)
		case marker == 0xee:
			// Adobe's says whether there are colours, and which.
			ok = len(body) < 12 || string(body[:5]) != "Adobe" || body[11] == 1
		case 0xe0 <= marker && marker <= 0xef, marker == 0xfe: // of applications, comments
		default:
			ok = false
		}
		if !ok {
			return ErrOdd
		}
	}
}

// frameHeader reads a start of frame, T.81 B.2.2.
func (d *decoder) frameHeader(b []byte, baseline bool) bool {
	if d.frame || len(b) != 6+3 && len(b) != 6+3*3 || b[0] != 8 || int(b[5]) != (len(b)-6)/3 {
		return false
	}
	d.frame, d.baseline = true, baseline
	d.height, d.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	d.components = d.space[:b[5]]
	for i := range d.components {
		c := &d.components[i]
		part := b[6+3*i:]
		*c = component{id: part[0], h: int(part[1] >> 4), v: int(part[1] & 15), quantiser: part[2]}
		if c.quantiser > 3 {
			return false
		}
		for _, other := range d.components[:i] {
			if other.id == c.id {
				return false
			}
		}
	}
	c := d.components
	if len(c) == 1 { // its MCU is a block, whatever the factors
		if !isFactor(c[0].h) || !isFactor(c[0].v) {
			return false
		}
		c[0].h, c[0].v = 1, 1
	} else {
		// Luma has the most samples, and both chromas equally many.
		if !isFactor(c[0].h) || c[0].v != 1 && c[0].v != 2 || c[1].h != 1 || c[1].v != 1 || c[2].h != 1 || c[2].v != 1 {
			return false
		}
		if c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B' {
			return false
		}
	}
	d.hMax, d.vMax = c[0].h, c[0].v
	for i := range c {
		c[i].shift = d.shiftOf(c[i])
	}
	d.across, d.down = (d.width+8*d.hMax-1)/(8*d.hMax), (d.height+8*d.vMax-1)/(8*d.vMax)
	return d.width > 0 && d.height > 0
}

// shiftOf is by how much a component's blocks are reduced. One with fewer samples
// than luma is reduced by less, to as many samples of each pixel of the result as
// luma has, or of what it has.
func (d *decoder) shiftOf(c component) int {
	shift := d.shift
	for n := max(d.hMax/c.h, d.vMax/c.v); n > 1 && shift > 0; n /= 2 {
		shift--
	}
	return shift
}

// side is that of a component's blocks, in samples.
func (c *component) side() int { return 8 >> c.shift }

func isFactor(n int) bool { return n == 1 || n == 2 || n == 4 }

// huffmanTables reads a segment of them, T.81 B.2.4.2.
func (d *decoder) huffmanTables(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 {
			return false
		}
		class, to, n := b[0]>>4, b[0]&15, 0
		for _, count := range b[1:17] {
			n += int(count)
		}
		if class > 1 || to > 3 || d.frame && d.baseline && to > 1 || n == 0 || n > 256 || len(b) < 17+n {
			return false
		}
		if !d.tables[class][to].define(b[1:17+n], class == 0) {
			return false
		}
		d.isTable[class][to] = true
		b = b[17+n:]
	}
	return true
}

// quantisationTables reads a segment of them, T.81 B.2.4.1. They stay in
// zigzag order.
func (d *decoder) quantisationTables(b []byte) bool {
	for len(b) > 0 {
		wide, to := b[0]>>4, b[0]&15
		n := 64 << min(wide, 1)
		if wide > 1 || to > 3 || len(b) < 1+n {
			return false
		}
		q := &d.quantisers[to]
		for i := range q {
			if wide == 0 {
				q[i] = uint16(b[1+i])
			} else {
				q[i] = binary.BigEndian.Uint16(b[1+2*i:])
			}
		}
		d.isQuantiser[to] = true
		b = b[1+n:]
	}
	return true
}

// makePlanes takes memory for the samples, when it is sure that some follow.
func (d *decoder) makePlanes() {
	total := 0
	for i := range d.components {
		c := &d.components[i]
		c.stride = d.across * c.h * c.side()
		total += c.stride * d.down * c.v * c.side()
	}
	var all []byte
	switch {
	case d.memory == nil:
		all = make([]byte, total)
	case cap(*d.memory) < total:
		*d.memory = make([]byte, total)
		fallthrough
	default:
		all = (*d.memory)[:total]
	}
	for i := range d.components {
		c := &d.components[i]
		n := c.stride * d.down * c.v * c.side()
		c.plane, all = all[:n:n], all[n:]
	}
}

// image is the decoded picture.
func (d *decoder) image() image.Image {
	round := 1<<d.shift - 1
	r := image.Rect(0, 0, (d.width+round)>>d.shift, (d.height+round)>>d.shift)
	c := d.components
	if len(c) == 1 {
		return &image.Gray{Pix: c[0].plane, Stride: c[0].stride, Rect: r}
	}
	// Chroma has 1<<more times the samples that its factors give it.
	more := d.shift - c[1].shift
	h, v := d.hMax>>more, d.vMax>>more
	for i := range c[1:] {
		c[1+i].average(max(1, 1<<more/d.hMax), max(1, 1<<more/d.vMax))
	}
	ratio := map[[2]int]image.YCbCrSubsampleRatio{
		{1, 1}: image.YCbCrSubsampleRatio444, {1, 2}: image.YCbCrSubsampleRatio440,
		{2, 1}: image.YCbCrSubsampleRatio422, {2, 2}: image.YCbCrSubsampleRatio420,
		{4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
	}[[2]int{max(1, h), max(1, v)}]
	return &image.YCbCr{
		Y: c[0].plane, Cb: c[1].plane, Cr: c[2].plane,
		YStride: c[0].stride, CStride: c[1].stride, SubsampleRatio: ratio, Rect: r,
	}
}

// average makes one sample of so many columns and rows of them, each 1, 2 or 4.
func (c *component) average(columns, rows int) {
	n := columns * rows
	if n == 1 {
		return
	}
	wide, high := c.stride/columns, len(c.plane)/(c.stride*rows)
	for y := range high {
		line := c.plane[y*wide : (y+1)*wide]
		from := c.plane[y*rows*c.stride:]
		if columns == 1 && rows == 2 {
			a, b := from[:wide], from[wide:2*wide]
			for x := range line {
				line[x] = byte((int(a[x]) + int(b[x]) + 1) >> 1)
			}
			continue
		}
		for x := range line {
			sum := n / 2
			for j := range rows {
				for i := range columns {
					sum += int(from[j*c.stride+x*columns+i])
				}
			}
			line[x] = byte(sum / n)
		}
	}
	c.plane, c.stride = c.plane[:wide*high], wide
}
