package idx

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
)

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// two are two pictures of 1×3.
var two = []byte{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6}

func TestRead(t *testing.T) {
	for _, data := range [][]byte{two, zip(two)} {
		a, err := Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Shape, []int{2, 1, 3}) || a.Len() != 2 || a.Size() != 3 || !bytes.Equal(a.Item(1), []byte{4, 5, 6}) {
			t.Errorf("read %+v", a)
		}
	}
}

func TestReadErrors(t *testing.T) {
	damaged := zip(two)
	damaged[len(damaged)-6] ^= 1 // the checksum
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "cut off"},
		{"another file", []byte("\x89PNG and so on"), "not an IDX file"},
		{"no dimensions", []byte{0, 0, 8, 0}, "not an IDX file"},
		{"of floats", []byte{0, 0, 13, 1, 0, 0, 0, 1}, "0x0d"},
		{"within the header", two[:9], "cut off"},
		{"within the data", two[:len(two)-1], "5 of 6 bytes"},
		{"too long", append(slices.Clone(two), 7), "holds more"},
		{"nothing in it", []byte{0, 0, 8, 1, 0, 0, 0, 0}, "dimension 0 is 0"},
		{"huge", []byte{0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, "too large"},
		{"a promise", []byte{0, 0, 8, 2, 255, 255, 255, 255, 0, 0, 255, 255, 1, 2, 3}, "3 of"},
		{"gzip header", []byte{0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "gzip"},
		{"gzip cut off", zip(two)[:20], "cut off"},
		{"gzip damaged", damaged, "gzip"},
	} {
		_, err := Read(bytes.NewReader(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(two)
	f.Add(zip(two))
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := Read(bytes.NewReader(data)); err == nil && a.Len()*a.Size() != len(a.Data) {
			t.Fatalf("%v with %d bytes", a.Shape, len(a.Data))
		}
	})
}
