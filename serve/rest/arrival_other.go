//go:build !linux

package rest

import "net"

// KnowsArrivals says whether a Handler behind Listen knows when requests came.
const KnowsArrivals = false

// An arrivalReader is for systems that say when data came.
type arrivalReader struct{}

func newArrivalReader(net.Conn) *arrivalReader { return nil }

func (*arrivalReader) Read(p []byte) (n int, at int64, err error) { panic("there is none") }

func (*arrivalReader) discard(n int64) (int64, error) { panic("there is none") }
