package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestRoundTrip(t *testing.T) {
	moved := sample(t)
	moved.BatchDims = slices.Repeat([]int{1}, len(moved.Outputs))
	for name, n := range map[string]*Net{"sample": sample(t), "digits": digits(t), "whole": whole(t), "batch moved": moved} {
		data := marshal(t, n)
		got, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(got, n) {
			t.Errorf("%s: is\n%+v\nwas\n%+v", name, got, n)
		}
		if !bytes.Equal(marshal(t, got), data) {
			t.Errorf("%s: writing again gives other bytes", name)
		}
		t.Logf("%s: %d bytes", name, len(data))
	}
}

// The samples must have every type of Spec, or they prove too little.
func TestSampleHasEverySpec(t *testing.T) {
	have := make([]bool, len(specCodes))
	for _, s := range slices.Concat(sample(t).Steps, whole(t).Steps) {
		have[codeOfSpec(s.Spec)] = true
	}
	if i := slices.Index(have, false); i >= 0 {
		t.Errorf("no %s", specCodes[i].make().Op())
	}
}

var update = flag.Bool("update", false, "write the golden file of this version anew")

const golden = "testdata/v1.frz"

// goldenWhole is that of a net that is not batched.
const goldenWhole = "testdata/v1_whole.frz"

// updateGolden writes a golden file if that is asked for, and no release has it:
// testdata/released.txt lists those that must stay as they are.
func updateGolden(t *testing.T, path string, n *Net) {
	t.Helper()
	if !*update {
		return
	}
	released, err := os.ReadFile("testdata/released.txt")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if bytes.Contains(released, []byte(" "+filepath.Base(path)+" ")) {
		t.Fatalf("%s has been released: give the format another version", path)
	}
	if err := Save(path, n); err != nil {
		t.Fatal(err)
	}
}

// TestReleased compares the golden files with the checksums that they had when
// they were released.
func TestReleased(t *testing.T) {
	released, err := os.ReadFile("testdata/released.txt")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("nothing has been released")
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(released)) {
		var sum, name, version string
		if _, err := fmt.Sscan(line, &sum, &name, &version); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != sum {
			t.Errorf("%s is not what %s had", name, version)
		}
	}
}

// Whatever becomes of this package, it opens the files of version 1, and
// finds in them what was put there.
func TestGolden(t *testing.T) {
	testGolden(t, golden, sample(t))
	testGolden(t, goldenWhole, whole(t))
}

func testGolden(t *testing.T, golden string, want *Net) {
	updateGolden(t, golden, want)
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if Version == 1 && !bytes.Equal(marshal(t, want), data) {
		t.Error("the same net gives other bytes now")
	}
	f, err := Open(golden)
	if bigEndian() {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("on a big-endian processor: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !reflect.DeepEqual(f.Net, want) {
		t.Errorf("is\n%+v\nwas\n%+v", f.Net, want)
	}
}

func TestEveryTruncation(t *testing.T) {
	data := marshal(t, sample(t))
	for n := range data {
		if _, err := Parse(data[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	if _, err := Parse(append(data, 0)); !errors.Is(err, ErrFormat) {
		t.Errorf("a byte more: %v", err)
	}
}

// Every bit of the file is covered by a checksum or must be zero.
func TestEveryBitFlip(t *testing.T) {
	data := marshal(t, sample(t))
	for i := 0; i < 8*len(data); i += stride() {
		data[i/8] ^= 1 << (i % 8)
		if _, err := Parse(data); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrVersion) {
			t.Errorf("bit %d of byte %d: %v", i%8, i/8, err)
		}
		data[i/8] ^= 1 << (i % 8)
	}
}

// With the checksums put right, a flip leads to an error or to another sound
// Net, of which the file is the only encoding.
func TestEveryBitFlipBehindTheChecksums(t *testing.T) {
	data := marshal(t, sample(t))
	var tried, accepted int
	for i := 0; i < 8*len(data); i += stride() {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		fixSums(flipped)
		tried++
		if parseAndWrite(t, flipped) {
			accepted++
		}
	}
	t.Logf("of %d flips %d make another net", tried, accepted)
	// Names, labels and weights are a good part of the file.
	if accepted < tried/8 {
		t.Errorf("only %d of %d: do the flips get behind the checksums?", accepted, tried)
	}
}

// stride is the step from one bit or byte that is tried to the next: with
// -short it leaves most of them out, but hits each bit of a byte.
func stride() int {
	if testing.Short() {
		return 13
	}
	return 1
}

// parseAndWrite says whether Parse accepts data. If so, the Net must give the
// same data again.
func parseAndWrite(t *testing.T, data []byte) bool {
	t.Helper()
	n, err := Parse(data)
	if err != nil {
		if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrVersion) {
			t.Fatalf("unexpected kind of error: %v", err)
		}
		return false
	}
	again, err := Marshal(n)
	if err != nil {
		t.Fatalf("Parse accepts what Marshal refuses: %v", err)
	}
	if !bytes.Equal(again, data) {
		t.Fatal("Parse accepts what Marshal writes otherwise")
	}
	trySizes(t, n)
	return true
}

// trySizes makes nets of sizes that a net says it can have: each passes Check.
func trySizes(t *testing.T, n *Net) {
	if len(n.Open) == 0 {
		return
	}
	var least, most, more []int
	for _, d := range n.Open {
		least, most = append(least, d.Least), append(most, d.Most)
		more = append(more, min(d.Size+d.Multiple, d.Most))
	}
	for _, sizes := range [][]int{least, most, more} {
		if m, err := n.Sized(sizes); err == nil {
			if err := m.Check(); err != nil {
				t.Fatalf("at %v: %v", sizes, err)
			}
		}
	}
}

// fixSums puts right the checksums of a file, as far as its own table leads to
// something that can be summed up.
func fixSums(data []byte) {
	if len(data) < tableEnd {
		return
	}
	for i := range sectionCount {
		entry := data[headerSize+i*entrySize:]
		offset, length := binary.LittleEndian.Uint64(entry[8:]), binary.LittleEndian.Uint64(entry[16:])
		if offset <= uint64(len(data)) && length <= uint64(len(data))-offset {
			binary.LittleEndian.PutUint32(entry[24:], crc32.Checksum(data[offset:offset+length], castagnoli))
		}
	}
	binary.LittleEndian.PutUint32(data[28:], tableSum(data))
}

// assemble makes a file of sections with any content.
func assemble(contents ...[]byte) []byte {
	var lengths [sectionCount]int
	for i, c := range contents {
		lengths[i] = len(c)
	}
	sections, length := layout(lengths)
	data := tensor.AlignedBytes(length)
	for i, c := range contents {
		copy(sections[i].of(data), c)
	}
	seal(data, sections)
	return data
}

func TestNotOne(t *testing.T) {
	good := marshal(t, sample(t))
	sections, err := Sections(good)
	if err != nil {
		t.Fatal(err)
	}
	with := func(off int, b ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[off:], b)
		fixSums(data)
		return data
	}
	for _, tt := range []struct {
		what string
		data []byte
		want error
		text string
	}{
		{"nothing", nil, ErrFormat, "not a valid frozen net: it is empty"},
		{"a byte", []byte{0x89}, ErrFormat, "not a valid frozen net: it ends at byte 1, within its header"},
		{"text", []byte("hello, world"), ErrFormat, "not a valid frozen net: it does not begin like one"},
		{"line ends", bytes.Replace(good, []byte("\r\n"), []byte("\n"), 1), ErrFormat, "not a valid frozen net: it was damaged by a transfer as text"},
		{"the top bit", with(0, 0x09), ErrFormat, "not a valid frozen net: it was damaged by a transfer as text"},
		{"a newer one", with(8, 2), ErrVersion, "unknown version of the format: the file has version 2 and needs a newer infer; this one reads version 1"},
		{"version 0", with(8, 0), ErrVersion, "unknown version of the format: 0"},
		{"four sections", with(12, 4), ErrFormat, "not a valid frozen net: it has 4 sections instead of 3"},
		{"byte 24", with(24, 1), ErrFormat, "not a valid frozen net: byte 24 of its header is not zero"},
		{"a name", with(headerSize, 'm'), ErrFormat, `not a valid frozen net: entry 0 of its section table: "mETA\x00\x00\x00\x00" where META should be`},
		{"a gap", with(64*3-1, 1), ErrFormat, ""},
		{"a bias that is NaN", with(int(sections[len(sections)-1].Offset), 0, 0, 0xc0, 0x7f), ErrFormat, ""},
	} {
		_, err := Parse(tt.data)
		if !errors.Is(err, tt.want) || tt.text != "" && err.Error() != tt.text {
			t.Errorf("%s: %v", tt.what, err)
		}
	}

	damaged := bytes.Clone(good)
	damaged[len(damaged)-1] ^= 1
	if _, err := Parse(damaged); !errors.Is(err, ErrChecksum) || !errors.Is(err, ErrFormat) {
		t.Errorf("a wrong checksum: %v", err)
	}
	if _, err := Sections(damaged); !errors.Is(err, ErrChecksum) {
		t.Errorf("a wrong checksum of a section: %v", err)
	}
}

func TestAnyAlignment(t *testing.T) {
	want := sample(t)
	good := marshal(t, want)
	buf := tensor.AlignedBytes(len(good) + tensor.Align)
	for off := range tensor.Align {
		data := buf[off : off+len(good)]
		copy(data, good)
		n, err := Parse(data)
		if err != nil {
			t.Fatalf("%d bytes off: %v", off, err)
		}
		if !reflect.DeepEqual(n, want) {
			t.Errorf("%d bytes off: another net", off)
		}
		for i, p := range n.Params {
			if !aligned(p.Data) {
				t.Errorf("%d bytes off: param %d is not aligned", off, i)
			}
		}
		end := &n.Params[len(n.Params)-1].Data[0]
		if inPlace := end == &data[len(data)-len(n.Params[len(n.Params)-1].Data)]; inPlace != (off%vector == 0) {
			t.Errorf("%d bytes off: in place is %v", off, inPlace)
		}
	}
}

func TestSections(t *testing.T) {
	data := marshal(t, sample(t))
	sections, err := Sections(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) != 3 || sections[0].Name != "META" || sections[1].Name != "GRAPH" || sections[2].Name != "WEIGHTS" {
		t.Fatalf("%v", sections)
	}
	for _, s := range sections {
		if s.Offset%tensor.Align != 0 {
			t.Errorf("%s is at %d", s.Name, s.Offset)
		}
		if sum := crc32.Checksum(data[s.Offset:s.Offset+s.Length], castagnoli); sum != s.Checksum {
			t.Errorf("%s has %08x instead of %08x", s.Name, s.Checksum, sum)
		}
	}
	if last := sections[2]; last.Offset+last.Length != len(data) {
		t.Errorf("the last section ends at %d of %d", last.Offset+last.Length, len(data))
	}
}

// Whatever a file says of itself, reading it allocates no more than a small
// multiple of its size.
func TestAllocationIsBounded(t *testing.T) {
	good := marshal(t, sample(t))
	sections, err := Sections(good)
	if err != nil {
		t.Fatal(err)
	}
	limit := uint64(8*len(good) + 64<<10)
	var most uint64
	end := sections[graphSection].Offset + sections[graphSection].Length
	for _, x := range []uint32{1<<32 - 1, 1<<31 - 1, 1 << 24, 1 << 16, 1 << 10} {
		for i := 0; i < end-4; i += stride() {
			data := bytes.Clone(good)
			binary.LittleEndian.PutUint32(data[i:], x)
			fixSums(data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse(data)
			runtime.ReadMemStats(&after)
			most = max(most, after.TotalAlloc-before.TotalAlloc)
			if after.TotalAlloc-before.TotalAlloc > limit {
				t.Errorf("%#x at byte %d: %d bytes allocated for a file of %d: %v", x, i, after.TotalAlloc-before.TotalAlloc, len(good), err)
			}
		}
	}
	t.Logf("at most %d bytes for a file of %d", most, len(good))
}

// A section full of the smallest items takes the most memory for its size.
func TestAllocationOfManyItems(t *testing.T) {
	const count = 1 << 16
	meta, graph := writer(), writer()
	meta.meta(&Meta{})
	graph.graph(&Net{Values: make([]Value, count)})
	data := assemble(meta.data, graph.data, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Parse(data)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("a net without inputs")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16*uint64(len(data)) {
		t.Errorf("%d bytes allocated for a file of %d", used, len(data))
	}
}

func BenchmarkParse(b *testing.B) {
	for name, n := range map[string]*Net{"sample": sample(b), "digits": digits(b)} {
		data := marshal(b, n)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/unaligned", func(b *testing.B) {
			data := append(tensor.AlignedBytes(len(data) + 1)[:1], data...)[1:]
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
