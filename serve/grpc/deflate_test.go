package grpc

import (
	"bytes"
	"net/http"
	"testing"

	"connectrpc.com/connect"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/tensor"
)

// Messages go and come in it, a client's first one and those that reuse its
// memory; one that is not is an error.
func TestDeflate(t *testing.T) {
	s := newServer(t, serve.Options{}, Options{MaxMessage: 200_000})
	var encoding string
	watched := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Header.Set("Grpc-Accept-Encoding", deflate)
		a, err := s.http.Transport.RoundTrip(r)
		if err == nil {
			encoding = a.Header.Get("Grpc-Encoding")
		}
		return a, err
	})}
	client := inference.NewGRPCInferenceServiceClient(watched, s.url, connect.WithGRPC(),
		connect.WithAcceptCompression(deflate, newInflater, newDeflater), connect.WithSendCompression(deflate))
	x := randoms(40*784, 1)
	for range 3 {
		a, err := client.ModelInfer(t.Context(), request(40, "FP32", tensor.Bytes(x)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.RawOutputContents[0], tensor.Bytes(computed(t, x))) || encoding != deflate {
			t.Errorf("an answer in %q", encoding)
		}
		if _, err := client.ModelInfer(t.Context(), request(64, "FP32", make([]byte, 64*784*4))); connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("too large when it is inflated: %v", err)
		}
	}
	if n := s.core.InFlight(); n != 0 {
		t.Errorf("%d bytes are in flight", n)
	}
	var d inflater
	if d.Reset(bytes.NewReader([]byte("not zlib's"))) == nil {
		t.Error("what is not compressed was read")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
