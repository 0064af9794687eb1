package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unsafe"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// Marshal returns the file of a Net, which must pass Check. The same Net
// always gives the same bytes.
func Marshal(n *Net) ([]byte, error) {
	if err := n.Check(); err != nil {
		return nil, err
	}
	meta, graph := writer(), writer()
	meta.meta(&n.Meta)
	if err := meta.end(); err != nil {
		return nil, fmt.Errorf("section META: %w", err)
	}
	graph.graph(n)
	if err := graph.end(); err != nil {
		return nil, fmt.Errorf("section GRAPH: %w", err)
	}
	size := 0
	for _, p := range n.Params {
		size = tensor.AlignUp(size) + len(p.Data)
	}
	sections, length := layout([sectionCount]int{len(meta.data), len(graph.data), size})
	data := tensor.AlignedBytes(length)
	copy(sections[metaSection].of(data), meta.data)
	copy(sections[graphSection].of(data), graph.data)
	weights := sections[weightsSection].of(data)
	off := 0
	for _, p := range n.Params {
		off = tensor.AlignUp(off)
		off += copy(weights[off:], p.Data)
	}
	seal(data, sections)
	return data, nil
}

// Parse reads a Net from the bytes of a file and checks all of it.
//
// The Net's weights are used in place in data if data begins at an address
// that is a multiple of 32. This is true of mapped memory, of large
// allocations, and of an embedded file if the linker happens to place it so.
// Otherwise the section of the weights is copied to aligned memory. In
// either case data must not be changed for as long as the Net is in use.
//
// Errors are ErrFormat, ErrVersion, or errors.ErrUnsupported on a big-endian
// processor.
func Parse(data []byte) (*Net, error) {
	if bigEndian() {
		return nil, fmt.Errorf("frozen nets on a big-endian processor: %w", errors.ErrUnsupported)
	}
	version, sections, err := readTable(data)
	if err != nil {
		return nil, err
	}
	n := new(Net)
	for i, decode := range []func(*coder){
		metaSection:  func(c *coder) { c.meta(&n.Meta) },
		graphSection: func(c *coder) { c.graph(n) },
	} {
		s := sections[i]
		if err := s.verify(data); err != nil {
			return nil, err
		}
		c := reader(version, s.of(data))
		decode(c)
		if err := c.end(); err != nil {
			return nil, fmt.Errorf("%w: section %s: %w", ErrFormat, s.Name, err)
		}
	}
	section := sections[weightsSection]
	weights := section.of(data)
	if !aligned(weights) {
		weights = append(tensor.AlignedBytes(len(weights))[:0], weights...)
	}
	if err := placeParams(n.Params, weights); err != nil {
		return nil, fmt.Errorf("%w: section %s: %w", ErrFormat, section.Name, err)
	}
	if err := n.checkGraph(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := n.checkWeights(section, weights); err != nil {
		return nil, err
	}
	return n, nil
}

// placeParams gives the params their data: each begins at the next multiple
// of tensor.Align after the one before it, and nothing is left over.
func placeParams(params []kernels.Param, weights []byte) error {
	off := 0
	for i := range params {
		p := &params[i]
		if len(p.Shape) > tensor.MaxRank {
			return fmt.Errorf("param %d: %d dimensions are more than %d", i, len(p.Shape), tensor.MaxRank)
		}
		n, ok := p.Bytes()
		if !ok {
			return fmt.Errorf("param %d: no %s %s have the shape %s", i, p.Elem, p.Form, p.Shape)
		}
		if off = tensor.AlignUp(off); off > len(weights) || n > len(weights)-off {
			return fmt.Errorf("param %d: %d bytes needed at byte %d, but the section has %d", i, n, off, len(weights))
		}
		p.Data = weights[off : off+n : off+n]
		off += n
	}
	if off != len(weights) {
		return fmt.Errorf("%d bytes follow the last param", len(weights)-off)
	}
	return nil
}

// checkWeights verifies the checksum of the section of the weights and checks
// every element. It does both to one piece after the other, so that a piece
// comes from memory once and is still in the cache the second time.
func (n *Net) checkWeights(section Section, weights []byte) error {
	const piece = 128 << 10
	var first error
	var sum uint32
	off := 0
	for i, p := range n.Params {
		start := tensor.AlignUp(off)
		gap := weights[off:start]
		sum = crc32.Update(sum, castagnoli, gap)
		if first == nil && !tensor.IsZero(gap) {
			first = n.inParam(i, errors.New("the gap before it is not zero"))
		}
		step := max(piece/p.CheckUnit(), 1) * p.CheckUnit()
		for at := 0; at < len(p.Data); at += step {
			b := p.Data[at:min(at+step, len(p.Data))]
			sum = crc32.Update(sum, castagnoli, b)
			if first == nil {
				if err := p.CheckData(at, b); err != nil {
					first = n.inParam(i, err)
				}
			}
		}
		off = start + len(p.Data)
	}
	if err := section.compare(sum); err != nil {
		return err
	}
	if first != nil {
		return fmt.Errorf("%w: %w", ErrFormat, first)
	}
	return nil
}

// aligned says that b can be used in place: no vector that a kernel reads
// crosses a cache line. The linker aligns embedded files just so.
func aligned(b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%vector == 0
}

// vector is the size in bytes of the widest vector that a kernel reads.
const vector = 32

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }
