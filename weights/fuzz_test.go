package weights

import (
	"bytes"
	"os"
	"testing"
)

// FuzzParse reads whole files. Their checksums are put right first, or no
// input would ever get past them.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:tableEnd])
	f.Add(marshal(f, whole(f)))
	f.Add(marshal(f, openSample(f)))
	f.Add(marshal(f, gridSample(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		Parse(data)
		data = bytes.Clone(data)
		fixSums(data)
		parseAndWrite(t, data)
	})
}

// FuzzSections puts any sections into a sound file: what is inside them is all
// that there is to refuse.
func FuzzSections(f *testing.F) {
	for _, n := range []*Net{sample(f), whole(f), openSample(f)} {
		data := marshal(f, n)
		sections, err := Sections(data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sections[0].of(data), sections[1].of(data), sections[2].of(data))
	}
	f.Fuzz(func(t *testing.T, meta, graph, weights []byte) {
		parseAndWrite(t, assemble(meta, graph, weights))
	})
}
