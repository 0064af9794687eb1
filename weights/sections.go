package weights

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/infer-go/infer/tensor"
)

// Version is the version of the format that this package writes, and the
// newest that it reads.
const Version = 1

// The file begins like a PNG: a byte that no text has, the format's name, and
// line ends that betray a transfer as text.
const magic = "\x89FRZ\r\n\x1a\n"

// The header:
//
//	 0  magic
//	 8  version            uint32
//	12  sections           uint32
//	16  length of the file uint64
//	24  zero               uint32
//	28  checksum of the header's first 28 bytes and the table  uint32
const headerSize = 32

// An entry of the section table:
//
//	 0  name     8 bytes of ASCII, zeros after it
//	 8  offset   uint64
//	16  length   uint64
//	24  checksum uint32
//	28  zero     uint32
const entrySize = 32

// A file of version 1 has these sections, in this order.
const (
	metaSection = iota
	graphSection
	weightsSection
	sectionCount
)

var sectionNames = [sectionCount]string{"META", "GRAPH", "WEIGHTS"}

// tableEnd is where the header and the section table end.
const tableEnd = headerSize + sectionCount*entrySize

// A Section is a part of the file.
type Section struct {
	Name     string
	Offset   int    // in the file
	Length   int    // in bytes
	Checksum uint32 // CRC-32C of its bytes
}

func (s Section) of(data []byte) []byte {
	return data[s.Offset : s.Offset+s.Length : s.Offset+s.Length]
}

// verify compares a section's bytes with its checksum.
func (s Section) verify(data []byte) error {
	return s.compare(crc32.Checksum(s.of(data), castagnoli))
}

func (s Section) compare(sum uint32) error {
	if sum != s.Checksum {
		return fmt.Errorf("%w: the section %s has %08x and should have %08x", ErrChecksum, s.Name, sum, s.Checksum)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sections lists the sections of a file, after checking the file's structure
// and all its checksums.
func Sections(data []byte) ([]Section, error) {
	_, sections, err := readTable(data)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if err := s.verify(data); err != nil {
			return nil, err
		}
	}
	return sections[:], nil
}

// readHeader checks the magic and the version of a file that begins with
// head, and returns the version, and the length that the whole of it should
// have.
func readHeader(head []byte) (version uint32, length uint64, err error) {
	switch {
	case len(head) == 0:
		return 0, 0, fmt.Errorf("%w: it is empty", ErrFormat)
	case len(head) >= 4 && string(head[1:4]) == magic[1:4] && string(head[:min(len(head), len(magic))]) != magic[:min(len(head), len(magic))]:
		return 0, 0, fmt.Errorf("%w: it was damaged by a transfer as text", ErrFormat)
	case string(head[:min(len(head), len(magic))]) != magic[:min(len(head), len(magic))]:
		return 0, 0, fmt.Errorf("%w: it does not begin like one", ErrFormat)
	case len(head) < headerSize:
		return 0, 0, fmt.Errorf("%w: it ends at byte %d, within its header", ErrFormat, len(head))
	}
	version = binary.LittleEndian.Uint32(head[8:])
	if version > Version {
		return 0, 0, fmt.Errorf("%w: the file has version %d and needs a newer infer; this one reads version %d", ErrVersion, version, Version)
	} else if version < 1 {
		return 0, 0, fmt.Errorf("%w: %d", ErrVersion, version)
	}
	return version, binary.LittleEndian.Uint64(head[16:]), nil
}

// readTable checks the header and the section table, and that sections and
// gaps of zeros cover the data. It does not look into the sections.
func readTable(data []byte) (version uint32, sections [sectionCount]Section, err error) {
	version, length, err := readHeader(data)
	switch {
	case err != nil:
		return version, sections, err
	case length > uint64(len(data)):
		return version, sections, fmt.Errorf("%w: it is cut off after %d of %d bytes", ErrFormat, len(data), length)
	case length < uint64(len(data)):
		return version, sections, fmt.Errorf("%w: %d bytes follow its end at byte %d", ErrFormat, uint64(len(data))-length, length)
	case length < tableEnd:
		return version, sections, fmt.Errorf("%w: it ends at byte %d, within its section table", ErrFormat, length)
	case binary.LittleEndian.Uint32(data[12:]) != sectionCount:
		return version, sections, fmt.Errorf("%w: it has %d sections instead of %d", ErrFormat, binary.LittleEndian.Uint32(data[12:]), sectionCount)
	}
	if sum, want := tableSum(data), binary.LittleEndian.Uint32(data[28:]); sum != want {
		return version, sections, fmt.Errorf("%w: header and section table have %08x and should have %08x", ErrChecksum, sum, want)
	}
	if binary.LittleEndian.Uint32(data[24:]) != 0 {
		return version, sections, fmt.Errorf("%w: byte 24 of its header is not zero", ErrFormat)
	}
	end := tableEnd
	for i := range sections {
		s, err := readEntry(data[headerSize+i*entrySize:], sectionNames[i])
		if err != nil {
			return version, sections, fmt.Errorf("%w: entry %d of its section table: %w", ErrFormat, i, err)
		}
		// Both are below 2⁶³, so that the sum does not overflow in 64 bits.
		start := tensor.AlignUp(end)
		if s.Offset != start || uint64(s.Offset)+uint64(s.Length) > uint64(len(data)) {
			return version, sections, fmt.Errorf("%w: the section %s of %d bytes at byte %d should begin at byte %d and end within the file", ErrFormat, s.Name, s.Length, s.Offset, start)
		}
		if !tensor.IsZero(data[end:start]) {
			return version, sections, fmt.Errorf("%w: the gap before the section %s is not zero", ErrFormat, s.Name)
		}
		sections[i] = s
		end = s.Offset + s.Length
	}
	if end != len(data) {
		return version, sections, fmt.Errorf("%w: %d bytes follow its last section", ErrFormat, len(data)-end)
	}
	return version, sections, nil
}

func readEntry(b []byte, name string) (Section, error) {
	var want [8]byte
	copy(want[:], name)
	offset, length := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	switch {
	case [8]byte(b) != want:
		return Section{}, fmt.Errorf("%q where %s should be", b[:8], name)
	case offset > math.MaxInt || length > math.MaxInt:
		return Section{}, fmt.Errorf("%s has offset %d and length %d", name, offset, length)
	case binary.LittleEndian.Uint32(b[28:]) != 0:
		return Section{}, fmt.Errorf("%s ends in something other than zero", name)
	}
	return Section{
		Name:     name,
		Offset:   int(offset),
		Length:   int(length),
		Checksum: binary.LittleEndian.Uint32(b[24:]),
	}, nil
}

// layout returns the sections for contents of these lengths, without their
// checksums, and the length of the file.
func layout(lengths [sectionCount]int) (sections [sectionCount]Section, length int) {
	length = tableEnd
	for i, n := range lengths {
		sections[i] = Section{Name: sectionNames[i], Offset: tensor.AlignUp(length), Length: n}
		length = sections[i].Offset + n
	}
	return sections, length
}

// seal writes header, section table and all checksums of a file whose
// sections hold their contents.
func seal(data []byte, sections [sectionCount]Section) {
	copy(data, magic)
	binary.LittleEndian.PutUint32(data[8:], Version)
	binary.LittleEndian.PutUint32(data[12:], sectionCount)
	binary.LittleEndian.PutUint64(data[16:], uint64(len(data)))
	for i, s := range sections {
		b := data[headerSize+i*entrySize:]
		copy(b, s.Name)
		binary.LittleEndian.PutUint64(b[8:], uint64(s.Offset))
		binary.LittleEndian.PutUint64(b[16:], uint64(s.Length))
		binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(s.of(data), castagnoli))
	}
	binary.LittleEndian.PutUint32(data[28:], tableSum(data))
}

// tableSum is the checksum of the header, itself left out, and the section
// table.
func tableSum(data []byte) uint32 {
	sum := crc32.Checksum(data[:28], castagnoli)
	return crc32.Update(sum, castagnoli, data[headerSize:tableEnd])
}
