package weights

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat says that the data are no frozen net, or a damaged one.
	ErrFormat = errors.New("not a valid frozen net")

	// ErrChecksum says that a checksum does not fit the bytes that it is
	// about. It is a kind of ErrFormat.
	ErrChecksum = fmt.Errorf("%w: wrong checksum", ErrFormat)

	// ErrVersion says that the file is of a version of the format that this
	// package does not read.
	ErrVersion = errors.New("unknown version of the format")
)
