package grpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc/inference"
)

// Options say what a Handler accepts. The zero value means the defaults that
// are given after each field.
type Options struct {
	Version    string        // of the server, as reported to clients; "devel"
	MaxMessage int           // bytes of a request, after decompression; 64 MiB
	Timeout    time.Duration // of a request; 30 s

	// Load and Unload carry out the repository's requests; nil if these are
	// not allowed.
	Load, Unload func(ctx context.Context, model string) error

	// Waited returns for how long the request of a context has waited, when a
	// Handler begins with it, as Waited of package rest does; nil if that is
	// never known.
	Waited func(context.Context) time.Duration

	// Log receives faults; nil discards them.
	Log *slog.Logger
}

func (o *Options) fill() {
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Waited == nil {
		o.Waited = func(context.Context) time.Duration { return 0 }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// A Handler answers calls of procedures with the models of a Server.
type Handler struct {
	server  *serve.Server
	options Options
	mux     *http.ServeMux
	paths   []string // of services
}

// New makes a Handler.
func New(s *serve.Server, o Options) *Handler {
	o.fill()
	h := &Handler{server: s, options: o, mux: http.NewServeMux()}
	options := []connect.HandlerOption{
		connect.WithReadMaxBytes(o.MaxMessage),
		connect.WithRecover(h.recovered),
		connect.WithInterceptors(connect.UnaryInterceptorFunc(h.unary)),
		connect.WithCompressMinBytes(1 << 10),
		connect.WithCompression(deflate, newInflater, newDeflater),
	}
	names := []string{inference.GRPCInferenceServiceName, grpchealth.HealthV1ServiceName}
	h.handle(inference.NewGRPCInferenceServiceHandler(service{h}, options...))
	h.handle(grpchealth.NewHandler(checker{s}, options...))
	reflector := grpcreflect.NewStaticReflector(names...)
	h.handle(grpcreflect.NewHandlerV1(reflector, options...))
	h.handle(grpcreflect.NewHandlerV1Alpha(reflector, options...)) // that of clients before 2023
	return h
}

func (h *Handler) handle(path string, handler http.Handler) {
	h.paths = append(h.paths, path)
	h.mux.Handle(path, handler)
}

// Handler answers requests for the services of this package, and passes all
// others to next.
func (h *Handler) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range h.paths {
			if strings.HasPrefix(r.URL.Path, path) {
				h.serve(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// serve answers a procedure. What its message takes is charged while it comes.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	bill := &bill{server: h.server}
	defer bill.settle()
	r = r.WithContext(context.WithValue(r.Context(), billKey{}, bill))
	r.Body = &chargedBody{r.Body, bill}
	if !h.admit(w, r, bill) {
		return
	}
	h.mux.ServeHTTP(w, r)
}

// A bill is what a request is charged for.
type bill struct {
	server *serve.Server
	mu     sync.Mutex // HTTP/2 may read a body until the answer is written
	bytes  int64

	admitted bool          // the model let the request in when its message had not been read
	waited   time.Duration // before that
}

type billKey struct{}

func (b *bill) charge(n int) error {
	if err := b.server.Charge(int64(n)); err != nil {
		return failure(err)
	}
	b.mu.Lock()
	b.bytes += int64(n)
	b.mu.Unlock()
	return nil
}

// raise charges what is missing to so many bytes: a message that came compressed
// takes more than its body did.
func (b *bill) raise(n int) error {
	b.mu.Lock()
	missing := int64(n) - b.bytes
	b.mu.Unlock()
	if missing <= 0 {
		return nil
	}
	return b.charge(int(missing))
}

func (b *bill) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.server.Discharge(b.bytes)
	b.bytes = 0
}

// A chargedBody charges for a body, twice as it becomes a message too.
type chargedBody struct {
	io.ReadCloser
	bill *bill
}

func (b *chargedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		if err := b.bill.charge(2 * n); err != nil {
			return 0, err
		}
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		err = connect.NewError(connect.CodeDeadlineExceeded, errors.New("the message arrived too slowly"))
	}
	return n, err
}

// unary gives every procedure its deadline, and its errors their codes.
func (h *Handler) unary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, h.options.Timeout)
		defer cancel()
		answer, err := next(ctx, r)
		if err != nil {
			return nil, failure(err)
		}
		return answer, nil
	}
}

// recovered makes an error of a panic.
func (h *Handler) recovered(_ context.Context, spec connect.Spec, _ http.Header, v any) error {
	h.options.Log.Error("panic", "procedure", spec.Procedure, "value", fmt.Sprint(v), "stack", string(debug.Stack()))
	return connect.NewError(connect.CodeInternal, errors.New("a fault of the server"))
}

// failure gives an error its code. What has none of its own is about what the
// client sent.
func failure(err error) error {
	var coded *connect.Error
	if errors.As(err, &coded) {
		return coded
	}
	code := connect.CodeInvalidArgument
	switch {
	case errors.Is(err, serve.ErrNotFound):
		code = connect.CodeNotFound
	case errors.Is(err, serve.ErrNotReady), errors.Is(err, serve.ErrClosed):
		code = connect.CodeUnavailable
	case errors.Is(err, serve.ErrComputing):
		code = connect.CodeInternal
	default:
		switch serve.OutcomeOf(err) {
		case serve.Rejected:
			code = connect.CodeUnavailable
		case serve.Expired:
			code = connect.CodeDeadlineExceeded
		case serve.Cancelled:
			code = connect.CodeCanceled
		}
	}
	coded = connect.NewError(code, err)
	var busy *serve.BusyError
	if errors.As(err, &busy) {
		coded.Meta().Set(pushback, retryAfter(busy))
	}
	return coded
}

// A checker answers gRPC's health service: for the server, "", and for a model
// by its name.
type checker struct{ server *serve.Server }

func (c checker) Check(_ context.Context, r *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	ready := c.server.Ready()
	if name := r.Service; name != "" && name != inference.GRPCInferenceServiceName {
		m, err := c.server.Acquire(name, serve.Newest)
		if errors.Is(err, serve.ErrNotFound) {
			return nil, failure(err)
		}
		if ready = err == nil && !c.server.Draining(); err == nil {
			m.Release()
		}
	}
	if ready {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
}
