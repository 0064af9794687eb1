package picture

import (
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"slices"
	"testing"

	"golang.org/x/image/tiff"
)

// tiffHeader is the structure of Exif, with an orientation in its directory.
func tiffHeader(order binary.AppendByteOrder, mark string, orientation uint16) []byte {
	b := []byte(mark)
	b = order.AppendUint16(b, 42)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2) // entries
	for _, e := range [][2]uint16{{0x10f, 0}, {0x112, orientation}} {
		b = order.AppendUint16(b, e[0])
		b = order.AppendUint16(b, 3)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, e[1])
		b = order.AppendUint16(b, 0)
	}
	return b
}

// exifJPEG puts Exif into a JPEG file.
func exifJPEG(data, exif []byte) []byte {
	b := append([]byte("Exif\x00\x00"), exif...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(2+len(b)))
	return slices.Concat(segment, b, data[2:])
}

// exifPNG puts Exif into a PNG file, behind its header.
func exifPNG(data, exif []byte) []byte {
	const header = 8 + 25
	b := binary.BigEndian.AppendUint32(nil, uint32(len(exif)))
	b = append(append(b, "eXIf"...), exif...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	return slices.Concat(data[:header], b, data[header:])
}

// exifWebP puts Exif at the end of a WebP file.
func exifWebP(data, exif []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(exif)))
	b = slices.Concat(data, b, exif)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// exifTIFF gives a TIFF file an orientation.
func exifTIFF(data []byte, orientation uint16) []byte {
	order := binary.LittleEndian
	at := int(order.Uint32(data[4:]))
	n := int(order.Uint16(data[at:]))
	entry := order.AppendUint16(nil, 0x112)
	entry = order.AppendUint16(entry, 3)
	entry = order.AppendUint32(entry, 1)
	entry = order.AppendUint32(entry, uint32(orientation))
	// The directory is written once more behind everything.
	b := slices.Clone(data)
	order.PutUint32(b[4:], uint32(len(b)))
	b = order.AppendUint16(b, uint16(n+1))
	entries := slices.Collect(slices.Chunk(data[at+2:at+2+12*n], 12))
	entries = append(entries, entry)
	slices.SortFunc(entries, func(a, b []byte) int { return int(order.Uint16(a)) - int(order.Uint16(b)) })
	for _, e := range entries {
		b = append(b, e...)
	}
	return order.AppendUint32(b, 0)
}

func asTIFF(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }

func TestOrientation(t *testing.T) {
	// Quarters of four greys: where the brightest comes to lie, and the next.
	m := image.NewGray(image.Rect(0, 0, 32, 16))
	for y := range 16 {
		for x := range 32 {
			m.SetGray(x, y, color.Gray{uint8(240 - 60*(x/16) - 120*(y/8))})
		}
	}
	inJPEG, inPNG, inTIFF := encoded(t, m, asJPEG), encoded(t, m, png.Encode), encoded(t, m, asTIFF)
	corners := func(m image.Image) (c [4]int) { // row by row
		r := m.Bounds()
		for i := range 4 {
			x, y := r.Min.X+2+(i%2)*(r.Dx()-5), r.Min.Y+2+(i/2)*(r.Dy()-5)
			v, _, _, _ := m.At(x, y).RGBA()
			c[i] = (240 - int(v>>8) + 30) / 60
		}
		return c
	}
	want := [9][4]int{
		{0, 1, 2, 3}, {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1},
		{0, 2, 1, 3}, {2, 0, 3, 1}, {3, 1, 2, 0}, {1, 3, 0, 2},
	}
	for o := range want {
		little := tiffHeader(binary.LittleEndian, "II", uint16(o))
		for i, data := range [][]byte{
			exifJPEG(inJPEG, little),
			exifJPEG(inJPEG, tiffHeader(binary.BigEndian, "MM", uint16(o))),
			exifPNG(inPNG, little),
			exifTIFF(inTIFF, uint16(o)),
		} {
			img, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if got := corners(img); got != want[o] {
				t.Errorf("orientation %d in file %d: %v, want %v", o, i, got, want[o])
			}
			if size := img.Bounds().Size(); (size.X == 32) != (o < 5) {
				t.Errorf("orientation %d in file %d: %v", o, i, size)
			}
		}
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		mark := map[bool]string{true: "II", false: "MM"}[order == binary.AppendByteOrder(binary.LittleEndian)]
		long := tiffHeader(order, mark, 0)
		long = order.AppendUint32(order.AppendUint16(long[:len(long)-10], 4), 1) // the type, the count
		if o := orientation(exifJPEG(inJPEG, order.AppendUint32(long, 7))); o != 7 {
			t.Errorf("orientation 7 in 32 bits is taken for %d", o)
		}
	}
	if o := orientation(exifJPEG(inJPEG, tiffHeader(binary.LittleEndian, "II", 9))); o != 0 {
		t.Errorf("orientation 9 is taken for %d", o)
	}

	webp, err := os.ReadFile("../testdata/9.webp")
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "Exif\x00\x00"} {
		data := exifWebP(webp, append([]byte(prefix), tiffHeader(binary.BigEndian, "MM", 6)...))
		if _, err := Decode(data); err != nil {
			t.Error(err)
		}
		if o := orientation(data); o != 6 {
			t.Errorf("orientation 6 of a WebP picture is taken for %d", o)
		}
	}
}

// A turned picture is one that keeps to the rules of image.Image, whatever the
// type of the other.
func TestTurned(t *testing.T) {
	for name, img := range pictures(13, 9) {
		if turn(img, 0) != img || turn(img, 1) != img {
			t.Errorf("%s: a picture that is upright is turned", name)
		}
		m := turn(turn(img, 6), 8) // and back
		b, want := m.Bounds(), img.Bounds()
		if b.Min != (image.Point{}) || b.Size() != want.Size() {
			t.Fatalf("%s: bounds %v, want %v at 0, 0", name, b, want)
		}
		for y := range b.Dy() {
			for x := range b.Dx() {
				got := m.At(x, y)
				if want := color.RGBA64Model.Convert(img.At(want.Min.X+x, want.Min.Y+y)); got != want || m.ColorModel().Convert(got) != got {
					t.Fatalf("%s: %d, %d is %v, want %v", name, x, y, got, want)
				}
			}
		}
	}
}

func FuzzOrientation(f *testing.F) {
	exif := tiffHeader(binary.LittleEndian, "II", 6)
	f.Add(exif)
	f.Add(exifJPEG([]byte{0xff, 0xd8, 0xff, 0xda}, exif))
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 0})
	f.Add(exifPNG(header(1, 1), exif))
	f.Add(exifWebP([]byte("RIFF\x00\x00\x00\x00WEBP"), exif))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(data); o < 0 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
	})
}
