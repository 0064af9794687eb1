package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// A coder goes through the fields of a section in order. It writes them, or,
// if reading is set, it fills them in: a struct is described once, for both
// directions, so that writer and reader cannot drift.
//
// The file's version decides what there is to read: a code or constant that a
// later version added is unknown in a file of an earlier one, and a field is
// not there.
//
// Each value has one encoding only. The first error stays, and whatever
// follows it does nothing.
type coder struct {
	version uint32 // of the file
	reading bool
	data    []byte // what is read, or what has been written
	text    string // a copy of what is read: strings are cut from it
	off     int    // how much of data has been read
	err     error
}

func reader(version uint32, data []byte) *coder {
	return &coder{version: version, reading: true, data: data, text: string(data)}
}

func writer() *coder { return &coder{version: Version} }

// has says whether a file of this version has what was added in version since.
func (c *coder) has(since uint32) bool { return c.version >= since }

// end says whether all went well, and all has been read.
func (c *coder) end() error {
	if c.err == nil && c.reading && c.off < len(c.data) {
		c.fail("%d bytes too many", len(c.data)-c.off)
	}
	return c.err
}

// fail keeps the first error, with the place where it was found.
func (c *coder) fail(format string, args ...any) {
	if c.err != nil {
		return
	}
	c.err = fmt.Errorf(format, args...)
	if c.reading {
		c.err = fmt.Errorf("byte %d: %w", c.off, c.err)
	}
}

// next gives the next n bytes, to be read or to be filled in. It is nil after
// an error.
func (c *coder) next(n int) []byte {
	if c.err != nil {
		return nil
	}
	if !c.reading {
		c.data = append(c.data, make([]byte, n)...)
		return c.data[len(c.data)-n:]
	}
	if n > len(c.data)-c.off {
		c.fail("%d bytes needed, %d left", n, len(c.data)-c.off)
		return nil
	}
	c.off += n
	return c.data[c.off-n : c.off]
}

func (c *coder) uint8(v *uint8) {
	b := c.next(1)
	switch {
	case b == nil:
	case c.reading:
		*v = b[0]
	default:
		b[0] = *v
	}
}

func (c *coder) uint32(v *uint32) {
	b := c.next(4)
	switch {
	case b == nil:
	case c.reading:
		*v = binary.LittleEndian.Uint32(b)
	default:
		binary.LittleEndian.PutUint32(b, *v)
	}
}

func (c *coder) int32(v *int32) {
	x := uint32(*v)
	c.uint32(&x)
	*v = int32(x)
}

// int codes an int as a signed 32-bit number.
func (c *coder) int(v *int) {
	if !c.reading && int(int32(*v)) != *v {
		c.fail("%d does not fit in 32 bits", *v)
	}
	x := uint32(int32(*v))
	c.uint32(&x)
	if c.reading {
		*v = int(int32(x))
	}
}

// ints codes as many ints as v has.
func (c *coder) ints(v []int) {
	for i := range v {
		c.int(&v[i])
	}
}

func (c *coder) bool(v *bool) {
	var x uint8
	if *v {
		x = 1
	}
	c.uint8(&x)
	if x > 1 {
		c.fail("%d is not a Boolean", x)
	}
	*v = x == 1
}

// flags codes some bools as the bits of a byte, the first as the lowest.
func (c *coder) flags(list ...*bool) {
	var x uint8
	for i, v := range list {
		if *v {
			x |= 1 << i
		}
	}
	c.uint8(&x)
	if x >= 1<<len(list) {
		c.fail("%d has unknown bits", x)
	}
	for i, v := range list {
		*v = x>>i&1 != 0
	}
}

// enum codes one of the constants 0, 1, …, of which last is the last one in
// version 1 of the format, in version 2, and so on.
func enum[T ~uint8](c *coder, v *T, last ...T) {
	x := uint8(*v)
	c.uint8(&x)
	if x > uint8(last[min(int(c.version), len(last))-1]) {
		c.fail("unknown %T %d", *v, x)
		return
	}
	*v = T(x)
}

func (c *coder) float(v *float32) {
	x := math.Float32bits(*v)
	c.uint32(&x)
	f := math.Float32frombits(x)
	if f != f {
		c.fail("NaN")
		return
	}
	*v = f
}

// count codes the number of items that follow, of which each takes at least
// size bytes: a number that the rest cannot hold is an error.
func (c *coder) count(n, size int) int {
	if !c.reading && int64(n) > math.MaxInt32 {
		c.fail("%d items are too many", n)
	}
	x := uint32(n)
	c.uint32(&x)
	if c.err != nil {
		return 0
	}
	if c.reading && int64(x)*int64(size) > int64(len(c.data)-c.off) {
		c.fail("%d items announced, but only %d bytes left", x, len(c.data)-c.off)
		return 0
	}
	return int(x)
}

// string codes a string in UTF-8.
func (c *coder) string(v *string) {
	n := c.count(len(*v), 1)
	b := c.next(n)
	switch {
	case b == nil:
	case c.reading:
		*v = c.text[c.off-n : c.off]
	default:
		copy(b, *v)
	}
	if !utf8.ValidString(*v) {
		c.fail("%s is not UTF-8", quote(*v))
	}
}

// list codes a slice: its length, then its items, of which each takes at
// least size bytes. An empty one is read as nil.
func list[T any](c *coder, what string, v *[]T, size int, item func(*coder, *T)) {
	n := c.count(len(*v), size)
	if c.reading && n > 0 {
		*v = make([]T, n)
	}
	for i := range n {
		if item(c, &(*v)[i]); c.err != nil {
			c.err = fmt.Errorf("%s %d: %w", what, i, c.err)
			return
		}
	}
}

// intList codes a slice of ints of any length.
func (c *coder) intList(v *[]int) { list(c, "number", v, 4, (*coder).int) }
