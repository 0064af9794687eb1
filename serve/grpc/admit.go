package grpc

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc/inference"
)

// maxPeeked is how much of a message is read to learn which model it is for.
const maxPeeked = 512

// admit refuses a request for inference that its model is too busy for, before
// package connect reads it: at that point a refusal costs the least. It is false
// if it has answered the request. Messages that are compressed, or do not begin
// with the model's name as usual, are left to ModelInfer.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, b *bill) bool {
	if r.URL.Path != inference.GRPCInferenceServiceModelInferProcedure || r.Method != http.MethodPost || !isGRPC(r.Header) {
		return true
	}
	b.waited = h.options.Waited(r.Context())
	start := make([]byte, maxPeeked)
	n, err := r.Body.Read(start)
	start = start[:n]
	r.Body = &peekedBody{r.Body, bytes.NewReader(start), err}
	name, version, ok := modelOf(start)
	if !ok {
		return true
	}
	m, err := h.server.Acquire(name, version)
	if err != nil {
		return true
	}
	defer m.Release()
	if err := m.Admit(r.Context(), b.waited); err != nil {
		refuse(w, err)
		return false
	}
	b.admitted = true
	return true
}

// isGRPC says whether a request is one of gRPC itself, in its usual encoding.
func isGRPC(header http.Header) bool {
	t := header.Get("Content-Type")
	return t == "application/grpc" || t == "application/grpc+proto"
}

// A peekedBody is a body of which the start was read already.
type peekedBody struct {
	io.ReadCloser
	start *bytes.Reader
	err   error // that came with the start
}

func (b *peekedBody) Read(p []byte) (int, error) {
	if b.start.Len() > 0 {
		return b.start.Read(p)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.ReadCloser.Read(p)
}

// modelOf reads the name and the version of the model, fields 1 and 2, from the
// start of a message behind its prefix, up to the first field behind them. It is
// false if the name is not among what comes first.
func modelOf(start []byte) (name, version string, ok bool) {
	const prefix = 5 // whether it is compressed, and its length
	if len(start) < prefix || start[0] != 0 {
		return "", "", false
	}
	p := start[prefix:]
	for {
		number, kind, n := protowire.ConsumeTag(p)
		if n < 0 {
			return "", "", false
		}
		if number > 2 {
			return name, version, name != ""
		}
		value, size := protowire.ConsumeBytes(p[n:])
		if kind != protowire.BytesType || size < 0 {
			return "", "", false
		}
		if number == 1 {
			name = string(value)
		} else {
			version = string(value)
		}
		p = p[n+size:]
	}
}

// refuse answers a request by headers alone, as failure says it.
func refuse(w http.ResponseWriter, err error) {
	header := w.Header()
	header["Content-Type"] = []string{"application/grpc"}
	header["Grpc-Status"] = []string{"14"} // UNAVAILABLE
	header["Grpc-Message"] = []string{strings.ReplaceAll(url.PathEscape(err.Error()), "%20", " ")}
	var busy *serve.BusyError
	if errors.As(err, &busy) {
		header[pushback] = []string{retryAfter(busy)}
	}
	w.WriteHeader(http.StatusOK)
}

// pushback is the header that says for how many milliseconds clients are to wait
// that try again by themselves (gRFC A6).
const pushback = "Grpc-Retry-Pushback-Ms"

func retryAfter(busy *serve.BusyError) string {
	return strconv.FormatInt(max(1, busy.Wait.Milliseconds()), 10)
}
