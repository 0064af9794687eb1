package weights

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat says that the data are not a frozen net, or are a damaged
	// one.
	ErrFormat = errors.New("not a valid frozen net")

	// ErrChecksum says that a checksum does not match the bytes that it
	// covers. It is a kind of ErrFormat.
	ErrChecksum = fmt.Errorf("%w: wrong checksum", ErrFormat)

	// ErrVersion says that the file has a version of the format that this
	// package cannot read.
	ErrVersion = errors.New("unknown version of the format")
)
