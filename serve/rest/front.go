package rest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A front reads requests before package http does, and answers those that a
// model refuses: a server that is overloaded has many of these, and package http
// would take longer for each than the system does to transfer it.
type front struct {
	net.Listener
	handler      *Handler
	guard        Guard
	readTimeout  time.Duration // of the rest of a body
	writeTimeout time.Duration // of an answer
	idleTimeout  time.Duration // 0 if there is none
	opaque       bool          // requests are encrypted
}

// Listen returns a listener for s, a server whose handler passes what guard allows
// to h, and sets its ConnContext, so that requests wait from their arrival on, as
// Waited says. While a model is too busy, connections without TLS answer requests for
// inference as h would, at a fraction of the cost. They do so only for ordinary
// requests of HTTP/1.1, from the second one of a connection on; all others are
// left to s.
func (h *Handler) Listen(l net.Listener, s *http.Server, guard Guard) net.Listener {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, frontKey{}, c)
	}
	return &front{l, h, guard, s.ReadTimeout, s.WriteTimeout, cmp.Or(s.IdleTimeout, s.ReadTimeout), s.TLSConfig != nil}
}

// Accept waits for a connection.
func (f *front) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &frontConn{Conn: c, front: f, reader: newArrivalReader(c), opaque: f.opaque}, nil
}

// A frontConn knows where requests begin, as long as each is a head that arrives
// at once and a body of known length, and as long as none is sent before the
// last one was answered. Package http reads from one goroutine at a time.
type frontConn struct {
	net.Conn
	front   *front
	reader  *arrivalReader // nil if it does not say when data came
	arrived atomic.Int64   // what was read last, in nanoseconds since 1970; 0 if that is not known

	used   bool  // it has had a request
	body   int64 // bytes of the present request's body that are still to come
	begun  bool  // part of a request line came before
	opaque bool  // it does not know where the next request begins, and never will
}

// Read reads what is not refused.
func (c *frontConn) Read(p []byte) (int, error) {
	for {
		n, err := c.receive(p)
		if n == 0 || c.opaque || !c.begins(p[:n]) {
			return n, err
		}
		h, ok := parseHead(p[:n])
		c.body = h.length - int64(n-h.size)
		c.opaque = !ok || c.body < 0
		busy := error(nil)
		if !c.opaque && !c.begun && c.used && err == nil {
			busy = c.front.refusal(&h, c.waited())
		}
		c.used, c.begun = true, false
		if busy == nil {
			return n, err
		}
		if err := c.refuse(busy); err != nil {
			return 0, err
		}
	}
}

// begins says whether p is the head of a request, perhaps without the beginning
// of its first line: package http reads as much as HTTP/2 begins with from a new
// connection, and a byte while it answers the last request.
func (c *frontConn) begins(p []byte) bool {
	switch {
	case c.body > 0:
		c.body -= int64(len(p))
		c.opaque = c.body < 0
		return false
	case bytes.IndexByte(p, '\n') < 0:
		c.begun = true
		return false
	}
	return true
}

// refusal is why the model refuses a request with some head, nil if it does not,
// or if it is for others to say what is wrong.
func (f *front) refusal(h *head, waited time.Duration) error {
	if !h.inference || h.browser || h.length > maxDiscarded || f.handler.logs() {
		return nil
	}
	if f.guard.Token != nil && !f.guard.authorized(&http.Request{Header: http.Header{"Authorization": {h.authorization}}}) {
		return nil
	}
	m, err := f.handler.server.Acquire(h.model, h.version)
	if err != nil {
		return nil
	}
	defer m.Release()
	return m.Admit(context.Background(), waited)
}

// receive reads what has come.
func (c *frontConn) receive(p []byte) (n int, err error) {
	if c.reader == nil {
		return c.Conn.Read(p)
	}
	n, at, err := c.reader.Read(p)
	if n > 0 {
		c.arrived.Store(at)
	}
	return n, err
}

// waited is the time since that came which was read last, 0 if it is not known.
// The clock may be set meanwhile: then a request is refused, at worst, and can be
// sent again.
func (c *frontConn) waited() time.Duration {
	at := c.arrived.Load()
	if at == 0 {
		return 0
	}
	return max(0, time.Since(time.Unix(0, at)))
}

// CloseWrite sends the end of what is written. Package http does so before it
// closes a connection on which more may come, lest its answer be lost.
func (c *frontConn) CloseWrite() error {
	if c, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

type frontKey struct{}

// Waited returns for how long what was read last on the connection of a request
// has been on this machine, 0 if that is not known. ctx is that of a request to a
// server of Listen, of which nothing but the head was read.
func Waited(ctx context.Context) time.Duration {
	c := ctx.Value(frontKey{})
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*frontConn); ok {
		return c.waited()
	}
	return 0
}

// refuse reads the rest of a request and answers it.
func (c *frontConn) refuse(busy error) error {
	b := refusals.Get().(*[]byte)
	defer refusals.Put(b)
	if c.body > 0 {
		if t := c.front.readTimeout; t > 0 {
			c.SetReadDeadline(time.Now().Add(t))
		}
		for c.body > 0 {
			n, err := c.discard(b)
			if c.body -= n; err != nil {
				return err
			}
		}
	}
	// The next request may take as long to come as after any answer.
	var deadline time.Time
	if t := c.front.idleTimeout; t > 0 {
		deadline = time.Now().Add(t)
	}
	c.SetReadDeadline(deadline)
	// A client that does not read its answers must not keep a goroutine. Package
	// http sets a deadline of its own for the next answer.
	if t := c.front.writeTimeout; t > 0 {
		c.SetWriteDeadline(time.Now().Add(t))
	}
	*b = appendRefusal((*b)[:0], busy)
	_, err := c.Conn.Write(*b)
	return err
}

// discard drops some of the body, with the help of a buffer where the system
// cannot do so by itself.
func (c *frontConn) discard(b *[]byte) (int64, error) {
	if c.reader != nil {
		return c.reader.discard(c.body)
	}
	*b = slices.Grow((*b)[:0], discardedAtOnce)
	n, err := c.Conn.Read((*b)[:min(c.body, discardedAtOnce)])
	return int64(n), err
}

var refusals = sync.Pool{New: func() any { return new([]byte) }}

// appendRefusal appends the answer that Handler.fail gives.
func appendRefusal(to []byte, busy error) []byte {
	text := appendError(make([]byte, 0, 128), busy)
	to = append(to, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: "...)
	to = append(to, retryAfter(busy)[0]...)
	to = append(to, "\r\nContent-Length: "...)
	to = strconv.AppendInt(to, int64(len(text)), 10)
	return append(append(to, "\r\n\r\n"...), text...)
}
