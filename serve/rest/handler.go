package rest

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/infer-go/infer/serve"
)

// Options say what a Handler accepts. The zero value means the defaults that
// are given after each field.
type Options struct {
	Version   string        // of the server, as reported to clients; "devel"
	MaxBody   int64         // bytes of a body, after decompression; 64 MiB
	MaxDepth  int           // of JSON; 100
	MaxPixels int           // of a picture; 50 million
	Timeout   time.Duration // of a request; 30 s

	// Load and Unload carry out the repository's requests; nil if these are
	// not allowed.
	Load, Unload func(ctx context.Context, model string) error

	// Log receives faults and, at its level debug, every request; nil
	// discards them.
	Log *slog.Logger
}

func (o *Options) fill() {
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 20
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = 100
	}
	if o.MaxPixels == 0 {
		o.MaxPixels = 50_000_000
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// A Handler answers the protocol's requests with the models of a Server.
type Handler struct {
	server   *serve.Server
	options  Options
	decoding chan struct{} // has room for as many pictures as are decoded at a time
}

// New makes a Handler.
func New(s *serve.Server, o Options) *Handler {
	o.fill()
	return &Handler{server: s, options: o, decoding: make(chan struct{}, s.Options().Permits)}
}

// A call is one request under way. Calls are pooled, as their memory is worth
// keeping.
type call struct {
	*Handler
	w    http.ResponseWriter
	r    *http.Request
	path []string

	waited     time.Duration // before anything of the body was read
	charged    int64         // that are in flight
	body       []byte
	text, data []byte // of the answer
	infer      inferRequest
}

var calls = sync.Pool{New: func() any { return new(call) }}

// maxKept is how large the memory of a call may be that is kept for another.
const maxKept = 1 << 20

// A statusError is an error with the status that it is told with.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func status(code int, format string, args ...any) error {
	return &statusError{code, fmt.Errorf(format, args...)}
}

// ServeHTTP answers a request: with 200, or with {"error"} and another status.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	c := calls.Get().(*call)
	c.Handler, c.w, c.r = h, w, r
	err := c.answer()
	if err != nil {
		c.fail(err)
	}
	if level := logLevel(err); h.options.Log.Enabled(r.Context(), level) {
		h.log(level, r, err, time.Since(start))
	}
	h.server.Discharge(c.charged)
	c.Handler, c.w, c.r, c.charged = nil, nil, nil, 0
	if cap(c.body)+cap(c.text)+cap(c.data)+c.infer.size() <= maxKept {
		calls.Put(c)
	}
}

// size is about how much memory a request keeps.
func (q *inferRequest) size() (n int) {
	for i := range q.inputs[:cap(q.inputs)] {
		n += cap(q.inputs[:cap(q.inputs)][i].buffer)
	}
	for _, out := range q.core.Outputs {
		n += cap(out)
	}
	return n
}

// answer is all of a request. A panic becomes an error.
func (c *call) answer() (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.options.Log.Error("panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = status(http.StatusInternalServerError, "a fault of the server")
		}
	}()
	path, ok := strings.CutPrefix(strings.TrimSuffix(c.r.URL.Path, "/"), "/v2")
	if !ok || path != "" && path[0] != '/' {
		return status(http.StatusNotFound, "no such page")
	}
	c.path = append(c.path[:0], strings.Split(strings.TrimPrefix(path, "/"), "/")...)
	do, method := c.route()
	switch {
	case do == nil:
		return status(http.StatusNotFound, "no such page")
	case c.r.Method != method && !(method == http.MethodGet && c.r.Method == http.MethodHead):
		c.w.Header().Set("Allow", method)
		return status(http.StatusMethodNotAllowed, "the method is %s, not %s", method, c.r.Method)
	}
	return do()
}

// route finds what answers a path, nil if nothing does, and the method for it.
func (c *call) route() (do func() error, method string) {
	const get, post = http.MethodGet, http.MethodPost
	switch p := c.path; p[0] {
	case "":
		return c.metadata, get
	case "health":
		if len(p) == 2 && p[1] == "live" {
			return c.live, get
		}
		if len(p) == 2 && p[1] == "ready" {
			return c.ready, get
		}
	case "models":
		return c.routeModel(p[1:])
	case "repository":
		if len(p) == 2 && p[1] == "index" {
			return c.index, post
		}
		if len(p) == 4 && p[1] == "models" && p[3] == "load" {
			return func() error { return c.repository(c.options.Load, p[2]) }, post
		}
		if len(p) == 4 && p[1] == "models" && p[3] == "unload" {
			return func() error { return c.repository(c.options.Unload, p[2]) }, post
		}
	}
	return nil, ""
}

// routeModel does so for what follows /v2/models/.
func (c *call) routeModel(p []string) (do func() error, method string) {
	const get, post = http.MethodGet, http.MethodPost
	switch {
	case len(p) == 0:
		return c.models, get
	case len(p) == 1 && p[0] == "stats":
		return c.allStats, get
	}
	name, version, verb := p[0], serve.Newest, ""
	if p = p[1:]; len(p) >= 2 && p[0] == "versions" && p[1] != "" {
		version, p = p[1], p[2:]
	}
	if len(p) > 1 {
		return nil, ""
	}
	if len(p) == 1 {
		verb = p[0]
	}
	var of func(*serve.Model) error
	method = get
	switch verb {
	case "":
		of = c.modelMetadata
	case "ready":
		return func() error { return c.modelReady(name, version) }, get
	case "config":
		of = c.config
	case "stats":
		of = c.stats
	case "infer":
		of, method = c.admitted(c.inference), post
	case "classify":
		of, method = c.admitted(c.classify), post
	default:
		return nil, ""
	}
	return func() error {
		m, err := c.server.Acquire(name, version)
		if err != nil {
			return err
		}
		defer m.Release()
		return of(m)
	}, method
}

// admitted is f for a request that the model would not refuse now: one that it
// refuses is to cost little, and so it is not read first. What has come of it is
// read, nevertheless, so that the connection can be used again; package http
// would do so in small pieces.
func (c *call) admitted(f func(*serve.Model) error) func(*serve.Model) error {
	return func(m *serve.Model) error {
		c.waited = Waited(c.r.Context())
		err := m.Admit(c.r.Context(), c.waited)
		if err == nil {
			return f(m)
		}
		if n := c.r.ContentLength; n > 0 && n <= maxDiscarded && c.r.Header["Expect"] == nil {
			c.body = slices.Grow(c.body[:0], discardedAtOnce)
			io.CopyBuffer(discard{}, io.LimitReader(c.r.Body, n), c.body[:discardedAtOnce])
		}
		return err
	}
}

// maxDiscarded is how long a body may be that is read only to be discarded: as
// much as package http would read. It closes the connection otherwise.
const maxDiscarded = 256 << 10

const discardedAtOnce = 16 << 10

// discard is io.Discard without a buffer of its own.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// fail writes an error.
func (c *call) fail(err error) {
	code := statusOf(err)
	if code == http.StatusServiceUnavailable {
		c.w.Header()["Retry-After"] = retryAfter(err)
	}
	c.text = appendError(c.text[:0], err)
	c.begin(typeJSON, len(c.text))
	c.w.WriteHeader(code)
	c.w.Write(c.text)
}

// appendError appends the body that tells an error.
func appendError(to []byte, err error) []byte {
	return append(appendText(append(to, `{"error":`...), err.Error()), '}')
}

// retryAfter is the header that says in how many seconds to try again.
func retryAfter(err error) []string {
	var busy *serve.BusyError
	if errors.As(err, &busy) && busy.Wait > time.Second {
		return []string{strconv.Itoa(int(math.Ceil(busy.Wait.Seconds())))}
	}
	return oneSecond
}

// Values of headers, which nobody changes.
var (
	typeJSON   = []string{"application/json"}
	typeBinary = []string{"application/octet-stream"}
	oneSecond  = []string{"1"}
)

// begin sets the headers of an answer that has so many bytes.
func (c *call) begin(contentType []string, length int) {
	header := c.w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.Itoa(length)}
}

// clientClosed is what proxies log for a client that went away.
const clientClosed = 499

// statusOf is the status of an error. What has none of its own is about what
// the client sent.
func statusOf(err error) int {
	var s *statusError
	var answer answerError
	switch {
	case errors.As(err, &s):
		return s.status
	case errors.As(err, &answer):
		return http.StatusUnprocessableEntity
	case errors.Is(err, serve.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, serve.ErrNotReady), errors.Is(err, serve.ErrClosed):
		return http.StatusServiceUnavailable
	}
	switch serve.OutcomeOf(err) {
	case serve.Rejected:
		return http.StatusServiceUnavailable
	case serve.Expired:
		return http.StatusGatewayTimeout
	case serve.Cancelled:
		return clientClosed
	}
	if errors.Is(err, serve.ErrComputing) {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// write writes an answer in JSON.
func (c *call) write(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return status(http.StatusInternalServerError, "%w", err)
	}
	c.writeText(text)
	return nil
}

func (c *call) writeText(text []byte) {
	c.begin(typeJSON, len(text))
	c.w.Write(text) // a client that is gone needs no error
}

// charge counts bytes of the body, or of tensors.
func (c *call) charge(n int) error {
	err := c.server.Charge(int64(n))
	if err == nil {
		c.charged += int64(n)
	}
	return err
}

// readBody reads the body, decompressed.
func (c *call) readBody() error {
	limit := c.options.MaxBody
	tooLarge := func() error {
		c.w.Header().Set("Connection", "close") // nobody reads the rest
		return status(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", limit)
	}
	if c.r.ContentLength > limit {
		return tooLarge()
	}
	in := io.Reader(c.r.Body)
	switch encoding := strings.ToLower(c.r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "deflate":
		var err error
		if encoding == "gzip" {
			in, err = gzip.NewReader(in)
		} else {
			in, err = zlib.NewReader(in)
		}
		if err != nil {
			return c.bodyError(err)
		}
	default:
		return status(http.StatusUnsupportedMediaType, "content encoding %.20q is not gzip or deflate", encoding)
	}
	c.body = c.body[:0]
	if cap(c.body) == 0 {
		// Not all that the client promises: that costs it nothing.
		c.body = make([]byte, 0, min(max(c.r.ContentLength+1, 512), 64<<10))
	}
	if err := c.charge(cap(c.body)); err != nil {
		return err
	}
	for {
		if len(c.body) == cap(c.body) {
			grown := min(2*int64(cap(c.body)), limit+1)
			if err := c.charge(int(grown)); err != nil { // there are both for a while
				return err
			}
			c.body = append(make([]byte, 0, grown), c.body...)
		}
		n, err := in.Read(c.body[len(c.body):cap(c.body)])
		c.body = c.body[:len(c.body)+n]
		switch {
		case int64(len(c.body)) > limit:
			return tooLarge()
		case err == io.EOF:
			return nil
		case err != nil:
			return c.bodyError(err)
		}
	}
}

// bodyError is why a body could not be read.
func (c *call) bodyError(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(): // which ends the context, too
		return status(http.StatusRequestTimeout, "the body came too slowly")
	case c.r.Context().Err() != nil:
		return c.r.Context().Err()
	}
	return status(http.StatusBadRequest, "the body cannot be read: %w", err)
}

// inference answers POST …/infer.
func (c *call) inference(m *serve.Model) error {
	if err := c.readBody(); err != nil {
		return err
	}
	if len(c.body) == 0 {
		return status(http.StatusBadRequest, "the body is empty")
	}
	q := &c.infer
	defer q.release()
	var err error
	length, split := c.r.Header[headerLength]
	if !split {
		err = q.parse(m, c.body, nil, c.options.MaxDepth)
	} else {
		n, bad := strconv.Atoi(length[0])
		switch {
		case bad != nil || n < 0 || n > len(c.body):
			return status(http.StatusBadRequest, "%s: %.20q is not within the body's %d bytes", headerLength, length[0], len(c.body))
		case n == 0:
			err = q.parseRaw(m, c.body)
		default:
			err = q.parse(m, c.body[:n], c.body[n:], c.options.MaxDepth)
		}
	}
	if err != nil {
		return err
	}
	// What JSON became counts as the body does, and so does what the net makes of
	// it, which is large for some.
	if err := c.charge(q.size()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), q.deadline(c.options.Timeout))
	defer cancel()
	before := q.size()
	q.core.Waited = c.waited
	if err := m.Infer(ctx, &q.core); err != nil {
		return err
	}
	if err := c.charge(q.size() - before); err != nil {
		return err
	}
	c.text, c.data, err = q.appendResponse(c.text[:0], c.data[:0], m)
	if err != nil {
		c.text, c.data = nil, nil
		return err
	}
	if len(c.data) == 0 && !q.wantsBinary() {
		c.writeText(c.text)
		return nil
	}
	c.begin(typeBinary, len(c.text)+len(c.data))
	c.w.Header()[headerLength] = []string{strconv.Itoa(len(c.text))}
	c.text = append(c.text, c.data...)
	c.w.Write(c.text)
	return nil
}

// headerLength is the header that says how long the JSON before binary data is,
// as package http writes it.
const headerLength = "Inference-Header-Content-Length"

// deadline is how long the request may take.
func (q *inferRequest) deadline(most time.Duration) time.Duration {
	if q.timeout > 0 {
		return min(q.timeout, most)
	}
	return most
}

// wantsBinary says whether an output is wanted so.
func (q *inferRequest) wantsBinary() bool {
	for i := range q.outputs {
		if q.outputs[i].binary {
			return true
		}
	}
	return false
}

// release lets go of what is not the request's own memory.
func (q *inferRequest) release() {
	clear(q.core.Inputs)
	for i := range q.inputs {
		q.inputs[i].name, q.inputs[i].data = nil, nil
	}
	q.id = nil
}
