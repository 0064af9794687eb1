package idx

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

// TestOpen reads parts of a file that can be read anywhere, of a compressed one and
// of a stream.
func TestOpen(t *testing.T) {
	plain := append([]byte{0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2}, 1, 2, 3, 4, 5, 6)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(plain)
	z.Close()
	for name, r := range map[string]io.Reader{
		"file": bytes.NewReader(plain), "gzip": bytes.NewReader(zipped.Bytes()),
		"stream": io.MultiReader(bytes.NewReader(plain)),
	} {
		a, err := Open(r, 1000)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := a.Read(1, 2); err != nil || !bytes.Equal(got, []byte{3, 4, 5, 6}) || a.Len() != 3 || a.Size() != 2 {
			t.Errorf("%s: %v, %v, %d of %d", name, got, err, a.Len(), a.Size())
		}
	}
	for _, c := range []struct {
		r    io.Reader
		says string
	}{
		{bytes.NewReader(plain[:17]), "cut off"},
		{bytes.NewReader(append(plain, 7)), "holds more"},
		{bytes.NewReader(plain[:5]), "cut off"},
		{bytes.NewReader(nil), "cut off"},
		{strings.NewReader("no pictures"), "not an IDX file"},
		{io.MultiReader(bytes.NewReader(plain)), "more than 0 MB"},
	} {
		if _, err := Open(c.r, 10); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}
