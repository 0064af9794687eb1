package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	_ "image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// encoded is a picture in some format.
func encoded(t testing.TB, m image.Image, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }

// header is a PNG that is nothing but a header of some size.
func header(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, 8, 2, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

// The format "panics" is one whose decoder does; in that of "nothing" a picture
// has no pixels.
func init() {
	image.RegisterFormat("panics", "panics", func(io.Reader) (image.Image, error) {
		panic("a mistake")
	}, func(io.Reader) (image.Config, error) {
		return image.Config{ColorModel: color.GrayModel, Width: 1, Height: 1}, nil
	})
	image.RegisterFormat("nothing", "nothing", nil, func(io.Reader) (image.Config, error) {
		return image.Config{ColorModel: color.GrayModel, Width: 0, Height: 5}, nil
	})
}

func TestDecode(t *testing.T) {
	files, err := filepath.Glob("../testdata/?.*")
	if err != nil || len(files) != 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		n := want.Bounds().Dx() * want.Bounds().Dy()
		for _, limit := range []int{n, MaxDecoded} {
			if img, err := DecodeAtMost(data, limit); err != nil || img.Bounds() != want.Bounds() {
				t.Errorf("%s, at most %d pixels: %v", file, limit, err)
			}
		}
		if _, err := DecodeAtMost(data, n-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, at most %d pixels: %v, want ErrTooLarge", file, n-1, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	square := encoded(t, image.NewGray(image.Rect(0, 0, 64, 64)), png.Encode)
	damaged := bytes.Clone(square)
	damaged[50] ^= 0xff
	inTIFF := encoded(t, image.NewGray(image.Rect(0, 0, 8, 8)), asTIFF)
	compressed := bytes.Clone(inTIFF)
	tag := bytes.LastIndex(compressed, []byte{0x03, 0x01, 3, 0, 1, 0, 0, 0}) // compression
	compressed[tag+8] = 7
	for _, c := range []struct {
		name  string
		data  []byte
		kind  error // nil if it is of none
		words string
	}{
		{"nothing", nil, image.ErrFormat, "not a picture in a format that is registered with package image: PNG, JPEG, "},
		{"text", []byte("This is not a picture.\n"), image.ErrFormat, "not a picture in a format"},
		{"a mark alone", square[:8], nil, "the png picture is cut off"},
		{"half of it", square[:len(square)/2], nil, "the png picture is cut off"},
		{"damaged", damaged, nil, "the png picture is damaged or not supported: "},
		{"JPEG in TIFF", compressed, nil, "the tiff picture uses JPEG compression, which is not supported: "},
		{"too many pixels", header(10_001, 10_000), ErrTooLarge, "the picture is too large: 10001×10000, more than 100 megapixels"},
		{"long", header(1, maxSide+1), ErrTooLarge, "the picture is too large: 1×65537, more than 65536 pixels a side"},
		{"no pixels", []byte("nothing"), ErrEmpty, "the picture has no pixels: 0×5"},
		{"a decoder's mistake", []byte("panics"), nil, "the picture is damaged: a mistake"},
	} {
		img, err := Decode(c.data)
		if err == nil || img != nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %v, want one of %q", c.name, err, c.words)
			continue
		}
		for _, kind := range []error{image.ErrFormat, ErrTooLarge, ErrEmpty} {
			if errors.Is(err, kind) != (kind == c.kind) {
				t.Errorf("%s: %q is %q: %v", c.name, err, kind, kind != c.kind)
			}
		}
	}
	// What is asked for is refused before memory is taken for it.
	if _, err := DecodeAtMost(header(16_000, 16_000), 1_500_000); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "more than 1.5 megapixels") {
		t.Error(err)
	}
}

// Whatever the data, there is an upright picture of no more pixels than are
// allowed, or an error.
func FuzzDecode(f *testing.F) {
	small := image.NewPaletted(image.Rect(0, 0, 5, 3), color.Palette{color.White, color.Black})
	f.Add(encoded(f, small, png.Encode))
	f.Add(exifJPEG(encoded(f, small, asJPEG), tiffHeader(binary.LittleEndian, "II", 6)))
	f.Add(exifTIFF(encoded(f, small, asTIFF), 8))
	f.Add([]byte("panics"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 14
		img, err := DecodeAtMost(data, limit)
		if err != nil {
			return
		}
		b := img.Bounds()
		if b.Empty() || b.Dx()*b.Dy() > limit {
			t.Fatalf("a picture of %v", b)
		}
		for _, at := range []image.Point{b.Min, b.Max.Sub(image.Pt(1, 1))} {
			img.At(at.X, at.Y)
		}
	})
}
