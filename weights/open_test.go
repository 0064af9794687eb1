package weights

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestOpen(t *testing.T) {
	want := sample(t)
	path := filepath.Join(t.TempDir(), "sample.frz")
	if err := Save(path, want); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Net, want) {
		t.Errorf("is\n%+v\nwas\n%+v", f.Net, want)
	}

	// The file may be replaced while it is open.
	if err := Save(path, digits(t)); err != nil {
		t.Fatal(err)
	}
	if err := f.Net.Check(); err != nil {
		t.Errorf("after the file was replaced: %v", err)
	}

	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := f.Net.Check(); err == nil {
		t.Error("a closed file's Net still has weights")
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	data := string(marshal(t, sample(t)))
	for _, tt := range []struct {
		path string
		kind error
		want string
	}{
		{filepath.Join(dir, "none.frz"), fs.ErrNotExist, ""},
		{dir, nil, "is a directory"},
		{file("empty.frz", ""), ErrFormat, "it is empty"},
		{file("text.frz", "Lorem ipsum"), ErrFormat, "it does not begin like one"},
		{file("short.frz", data[:1000]), ErrFormat, "it is cut off after 1000 of"},
		{file("long.frz", data+"."), ErrFormat, "1 bytes follow its end"},
	} {
		_, err := Open(tt.path)
		if err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: %v", tt.path, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: an error of more than one line: %v", tt.path, err)
		}
	}
}

func TestReadFile(t *testing.T) {
	data := marshal(t, sample(t))
	got, err := readFile(iotest.OneByteReader(bytes.NewReader(data)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("byte by byte: %d bytes, %v", len(got), err)
	}

	// Something endless is read up to where the file should end, and a byte.
	got, err = readFile(io.MultiReader(bytes.NewReader(data), endless{}))
	if err != nil || len(got) != len(data)+1 {
		t.Errorf("a file with no end: %d bytes, %v", len(got), err)
	}
	if _, err := readFile(endless{}); !errors.Is(err, ErrFormat) {
		t.Errorf("zeros with no end: %v", err)
	}

	broken := errors.New("broken")
	if _, err := readFile(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken pipe: %v", err)
	}
	if _, err := readFile(io.MultiReader(bytes.NewReader(data[:100]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a pipe that breaks later: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
