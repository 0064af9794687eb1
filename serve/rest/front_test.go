package rest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
)

// makeBusy lets a model of one permit refuse whatever comes, until end.
func makeBusy(t *testing.T, m *serve.Model) (end func()) {
	t.Helper()
	started, stop, done := make(chan struct{}), make(chan struct{}), make(chan struct{}, 2)
	go func() {
		m.Use(t.Context(), nil, func(*engine.Session) error { close(started); <-stop; return nil })
		done <- struct{}{}
	}()
	<-started
	go func() {
		m.Use(t.Context(), nil, func(*engine.Session) error { return nil })
		done <- struct{}{}
	}()
	for m.Stats().Queued == 0 {
		time.Sleep(time.Millisecond)
	}
	return func() { close(stop); <-done; <-done }
}

// listenBehindFront serves a handler, and counts the requests that reach it.
func listenBehindFront(t *testing.T, h *Handler, g Guard) (address string, reached func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{}, 1000)
	next := g.Handler(h)
	s := &http.Server{ReadTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- struct{}{}
		next.ServeHTTP(w, r)
	})}
	go s.Serve(h.Listen(l, s, g))
	t.Cleanup(func() { s.Close() })
	return l.Addr().String(), func() int { return len(seen) }
}

// A wire is a connection on which a test sends what it likes.
type wire struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dialWire(t *testing.T, address string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{t, c, bufio.NewReader(c)}
}

// send sends pieces that arrive one after the other.
func (w *wire) send(pieces ...string) {
	w.t.Helper()
	for i, p := range pieces {
		if i > 0 {
			time.Sleep(20 * time.Millisecond)
		}
		if _, err := io.WriteString(w, p); err != nil {
			w.t.Fatal(err)
		}
	}
}

// answer reads an answer.
func (w *wire) answer() (*http.Response, string) {
	w.t.Helper()
	a, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a, string(body)
}

const health = "GET /v2/health/live HTTP/1.1\r\nHost: h\r\n\r\n"

// inferWith is a request for inference with more headers.
func inferWith(body, headers string) string {
	return fmt.Sprintf("POST /v2/models/digits/infer HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n%s\r\n%s", len(body), headers, body)
}

// A front answers what the model refuses as the handler does, and nothing else.
func TestFront(t *testing.T) {
	h, s := newHandlerOf(t, serve.Options{Permits: 1, MaxQueueDelay: time.Nanosecond}, Options{})
	m, err := s.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	defer makeBusy(t, m)()
	large := inferWith(strings.Repeat("x", 100_000), "")
	for name, c := range map[string]struct {
		pieces []string
		status int
		front  bool // it answers
	}{
		"a body at once":         {[]string{inferWith("{}", "")}, 503, true},
		"no body":                {[]string{inferWith("", "")}, 503, true},
		"a large body":           {[]string{large}, 503, true},
		"a body in pieces":       {[]string{large[:3000], large[3000:50_000], large[50_000:]}, 503, true},
		"a version":              {[]string{strings.Replace(inferWith("{}", ""), "digits", "digits/versions/1", 1)}, 503, true},
		"a picture":              {[]string{strings.Replace(inferWith("{}", ""), "infer", "classify?top=3", 1)}, 503, true},
		"kept alive":             {[]string{inferWith("{}", "Connection: Keep-Alive\r\n")}, 503, true},
		"a head in pieces":       {[]string{inferWith("{}", "")[:40], inferWith("{}", "")[40:]}, 503, false},
		"the first byte alone":   {[]string{"P", inferWith("{}", "")[1:]}, 503, false},
		"a page's":               {[]string{inferWith("{}", "Origin: http://127.0.0.1\r\n")}, 403, false},
		"unknown model":          {[]string{strings.Replace(inferWith("{}", ""), "digits", "other", 1)}, 404, false},
		"escaped":                {[]string{strings.Replace(inferWith("{}", ""), "digits", "%64igits", 1)}, 503, false},
		"a GET":                  {[]string{strings.Replace(inferWith("", ""), "POST", "GET", 1)}, 405, false},
		"metadata":               {[]string{"GET /v2/models/digits HTTP/1.1\r\nHost: h\r\n\r\n"}, 200, false},
		"chunks":                 {[]string{"POST /v2/models/digits/infer HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"}, 503, false},
		"closing":                {[]string{inferWith("{}", "Connection: close\r\n")}, 503, false},
		"an expectation":         {[]string{inferWith("{}", "Expect: 100-continue\r\n")}, 503, false},
		"two lengths":            {[]string{inferWith("{}", "Content-Length: 2\r\n")}, 503, false}, // which package http allows
		"lengths that differ":    {[]string{inferWith("{}", "Content-Length: 3\r\n")}, 400, false},
		"a strange length":       {[]string{strings.Replace(inferWith("{}", ""), ": 2", ": +2", 1)}, 400, false},
		"a line without a colon": {[]string{inferWith("{}", "x\r\n")}, 400, false},
	} {
		t.Run(name, func(t *testing.T) {
			address, reached := listenBehindFront(t, h, Guard{})
			w := dialWire(t, address)
			w.send(health) // the first of a connection
			if a, _ := w.answer(); a.StatusCode != 200 {
				t.Fatalf("health: %d", a.StatusCode)
			}
			for range 2 {
				before := reached()
				// Until package http no longer looks for a byte of a next request.
				time.Sleep(20 * time.Millisecond)
				w.send(c.pieces...)
				a, body := w.answer()
				want := 1
				if c.front {
					want = 0
				}
				if a.StatusCode != c.status || c.status == 503 && (a.Header.Get("Retry-After") != "1" || !strings.Contains(body, `{"error":"too busy`) || a.Header.Get("Content-Type") != "application/json") {
					t.Errorf("%d %v %s", a.StatusCode, a.Header, body)
				}
				if got := reached() - before; got != want && a.StatusCode != 400 {
					t.Errorf("%d requests reached the handler, not %d", got, want)
				}
				if a.Close {
					return
				}
			}
			w.send(health)
			if a, _ := w.answer(); a.StatusCode != 200 {
				t.Errorf("health afterwards: %d", a.StatusCode)
			}
		})
	}
}

// What it takes to receive and read a request does not count as waiting.
func TestReadingIsNotWaiting(t *testing.T) {
	const most = 300 * time.Millisecond
	h, s := newHandlerOf(t, serve.Options{Permits: 1, MaxQueueDelay: most}, Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = slowEnd{r.Body, 2 * most}
		h.ServeHTTP(w, r)
	})}
	go server.Serve(h.Listen(l, server, Guard{}))
	t.Cleanup(func() { server.Close() })
	w := dialWire(t, l.Addr().String())
	body := `{"inputs":[{"name":"input","shape":[1,1,28,28],"datatype":"FP32","data":[0` + strings.Repeat(",0", 783) + "]}]}"
	for range 2 {
		w.send(inferWith(body, ""))
		if a, text := w.answer(); a.StatusCode != 200 {
			t.Fatalf("%d %s", a.StatusCode, text)
		}
	}
	if n := acquired(t, s).Stats().Outcomes[serve.Rejected]; n != 0 {
		t.Errorf("%d requests were rejected", n)
	}
}

func acquired(t *testing.T, s *serve.Server) *serve.Model {
	t.Helper()
	m, err := s.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}

// A slowEnd is a body whose reader takes its time at the end.
type slowEnd struct {
	io.ReadCloser
	wait time.Duration
}

func (s slowEnd) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err == io.EOF {
		time.Sleep(s.wait)
	}
	return n, err
}

// An answer arrives although the server closes the connection before it has read
// all: it sends an end first.
func TestCloseWrite(t *testing.T) {
	h, _ := newHandlerOf(t, serve.Options{}, Options{})
	address, _ := listenBehindFront(t, h, Guard{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := h.Listen(l, &http.Server{}, Guard{}).Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	w := dialWire(t, l.Addr().String())
	c := <-accepted
	defer c.Close()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if _, err := io.WriteString(w, "x"); err != nil {
		t.Errorf("the other direction: %v", err)
	}

	w = dialWire(t, address)
	w.send("POST /v2/models/digits/infer HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n" + strings.Repeat("x", 300_000))
	if a, body := w.answer(); a.StatusCode != 413 || !a.Close || !strings.Contains(body, "error") {
		t.Errorf("%d %s", a.StatusCode, body)
	}
}

// A client that does not read what refuses its requests does not keep a goroutine.
func TestUnreadRefusal(t *testing.T) {
	h, s := newHandlerOf(t, serve.Options{Permits: 1, MaxQueueDelay: time.Nanosecond}, Options{})
	defer makeBusy(t, acquired(t, s))()
	server, client := net.Pipe() // whose writes wait for a reader
	defer client.Close()
	defer server.Close()
	f := h.Listen(nil, &http.Server{WriteTimeout: 20 * time.Millisecond}, Guard{}).(*front)
	c := &frontConn{Conn: server, front: f, used: true}
	go io.WriteString(client, inferWith("{}", ""))
	failed := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 4096))
		failed <- err
	}()
	select {
	case err := <-failed:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for ever")
	}
}
