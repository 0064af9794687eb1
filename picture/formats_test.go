package picture

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// TestFormats checks that files are told by how they begin, as encoders write
// them, and that all formats are registered with this test.
func TestFormats(t *testing.T) {
	if got, want := Formats(), []string{"PNG", "JPEG", "GIF", "BMP", "TIFF", "WebP"}; !slices.Equal(got, want) {
		t.Errorf("the formats are %v, want %v", got, want)
	}
	for name, encode := range map[string]func(io.Writer, image.Image) error{
		"PNG":  png.Encode,
		"JPEG": func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) },
		"GIF":  func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) },
		"BMP":  bmp.Encode,
		"TIFF": func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
			t.Fatal(err)
		}
		for _, f := range knownFormats {
			if f.begins(b.Bytes()) && f.name != name || f.name == name && name != "TIFF" && !f.begins(b.Bytes()) {
				t.Errorf("a %s picture is taken for %s: %v", name, f.name, f.begins(b.Bytes()))
			}
		}
	}
	if f := knownFormats[0]; f.begins([]byte(f.begin[:3])) || f.begins(nil) {
		t.Error("a few bytes are taken for a PNG picture")
	}
}
