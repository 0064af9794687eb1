package files

import (
	"bytes"
	"errors"
	"image"
	"io"
	"os"
	"strings"

	"github.com/infer-go/infer/weights"
)

// What KindOf says of models.
const (
	FrozenNet = "a frozen net"
	ONNXModel = "an ONNX model"
)

// KindOf says what a file seems to be, by its first bytes; "" if that is not
// clear.
func KindOf(data []byte) string {
	if bytes.HasPrefix(data, []byte("\x89FRZ")) {
		return FrozenNet
	}
	if _, format, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		return "a " + strings.ToUpper(format) + " picture"
	}
	// A message of protobuf whose first field is a version of ONNX, a small
	// number, before one of those that may follow.
	if len(data) > 2 && data[0] == 0x08 && data[1] < 32 && bytes.IndexByte([]byte{0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42}, data[2]) >= 0 {
		return ONNXModel
	}
	return ""
}

// NotFrozen says of a file that package weights refuses what it is instead, if
// that is clear; otherwise it returns err.
func NotFrozen(file string, data []byte, err error) error {
	switch kind := KindOf(data); {
	case !errors.Is(err, weights.ErrFormat) || kind == FrozenNet || kind == "":
		return err
	case kind == ONNXModel:
		return Error(file, errors.New("it is an ONNX model: freeze it with infer convert"))
	default:
		return Error(file, errors.New("it is "+kind+", not a frozen net"))
	}
}

// FirstBytes are enough of a file for KindOf; none if it cannot be read. A pipe
// can be read once only.
func FirstBytes(file string) []byte {
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
