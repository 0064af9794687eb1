package main

import (
	"bytes"
	"errors"
	"image"
	"io"
	"os"
	"strings"

	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/weights"
)

// inFile is an error about a file, which it names once, and first.
func inFile(file string, err error) error { return files.Error(file, err) }

// kindOf says what a file seems to be, by its first bytes; "" if that is not
// clear.
func kindOf(data []byte) string {
	if bytes.HasPrefix(data, []byte("\x89FRZ")) {
		return "a frozen net"
	}
	if _, format, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		return "a " + strings.ToUpper(format) + " picture"
	}
	// A message of protobuf whose first field is a version of ONNX, a small
	// number, before one of those that may follow.
	if len(data) > 2 && data[0] == 0x08 && data[1] < 32 && bytes.IndexByte([]byte{0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42}, data[2]) >= 0 {
		return "an ONNX model"
	}
	return ""
}

// notFrozen says of a file that package weights refuses what it is instead, if
// that is clear.
func notFrozen(file string, data []byte, err error) error {
	switch kind := kindOf(data); {
	case !errors.Is(err, weights.ErrFormat) || kind == "a frozen net" || kind == "":
		return err
	case kind == "an ONNX model":
		return inFile(file, errors.New("it is an ONNX model: freeze it with infer convert"))
	default:
		return inFile(file, errors.New("it is "+kind+", not a frozen net"))
	}
}

// firstBytes are enough of a file for kindOf; none if it cannot be read. A pipe
// can be read once only.
func firstBytes(file string) []byte {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, 1<<16))
	return data
}
