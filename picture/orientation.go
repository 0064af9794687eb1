package picture

import (
	"bytes"
	"encoding/binary"
)

// orientation is the Exif orientation of a picture's file, 1 to 8; 0 if there
// is none. What is damaged counts as none.
func orientation(data []byte) int {
	var exif []byte
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		exif = jpegExif(data[2:])
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		exif = pngExif(data[8:])
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		exif = webpExif(data[12:])
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")):
		exif = data // Exif is a TIFF file
	}
	return tiffOrientation(exif)
}

// jpegExif finds Exif in what follows the first marker of a JPEG file.
func jpegExif(data []byte) []byte {
	for len(data) >= 4 && data[0] == 0xff {
		marker, n := data[1], 2+int(binary.BigEndian.Uint16(data[2:]))
		if n > len(data) || marker == 0xda { // the picture itself begins
			return nil
		}
		if body := data[4:max(4, n)]; marker == 0xe1 && len(body) > 6 && string(body[:6]) == "Exif\x00\x00" {
			return body[6:]
		}
		data = data[n:]
	}
	return nil
}

// pngExif finds Exif in the chunks of a PNG file.
func pngExif(chunks []byte) []byte {
	for len(chunks) >= 8 {
		n := int64(binary.BigEndian.Uint32(chunks))
		if n > int64(len(chunks)-8) {
			return nil
		}
		body, rest := chunks[8:8+n], chunks[8+n:]
		if string(chunks[4:8]) == "eXIf" {
			return body
		}
		chunks = rest[min(4, len(rest)):] // after the checksum
	}
	return nil
}

// webpExif finds Exif in the chunks of a WebP file.
func webpExif(chunks []byte) []byte {
	for len(chunks) >= 8 {
		n := int64(binary.LittleEndian.Uint32(chunks[4:]))
		if n > int64(len(chunks)-8) {
			return nil
		}
		body, rest := chunks[8:8+n], chunks[8+n:]
		if string(chunks[:4]) == "EXIF" {
			return bytes.TrimPrefix(body, []byte("Exif\x00\x00")) // as in JPEG, some have it
		}
		chunks = rest[min(int(n%2), len(rest)):] // to an even length
	}
	return nil
}

// tiffOrientation looks for the tag 0x112 in the first directory of a TIFF
// structure.
func tiffOrientation(data []byte) int {
	if len(data) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return 0
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x112 {
			v := uint32(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) == 4 { // some write 32 bits
				v = order.Uint32(entries[8:])
			}
			if v <= 8 {
				return int(v)
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}
