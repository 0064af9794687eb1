package grpc

import (
	"compress/zlib"
	"io"

	"connectrpc.com/connect"
)

// deflate is gRPC's compression of that name, in zlib's format (RFC 1950), which
// connect lacks.
const deflate = "deflate"

func newInflater() connect.Decompressor { return new(inflater) }
func newDeflater() connect.Compressor   { return zlib.NewWriter(io.Discard) }

// An inflater is made before there is anything to read: connect calls Reset
// first.
type inflater struct{ io.ReadCloser }

func (d *inflater) Reset(in io.Reader) (err error) {
	if d.ReadCloser != nil {
		return d.ReadCloser.(zlib.Resetter).Reset(in, nil)
	}
	d.ReadCloser, err = zlib.NewReader(in)
	return err
}
