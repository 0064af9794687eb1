package rest

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/infer-go/infer/serve"
)

// Where parseHead finds a request, package http finds the same one, and the next
// one at the same place.
func FuzzHead(f *testing.F) {
	for _, s := range []string{
		health,
		inferWith("{}", ""),
		inferWith("{}", "Connection: Keep-Alive\r\nAuthorization: Bearer x\r\n"),
		inferWith("{}", "Content-Length: 2\r\n"),
		inferWith("{}", "Transfer-Encoding: chunked\r\n"),
		inferWith("{}", " folded: 1\r\n"),
		inferWith("{}", "x: a\rb\r\n"),
		strings.Replace(inferWith("{}", ""), "infer", "versions/1/classify?top=3", 1),
		strings.Replace(inferWith("{}", ""), "infer", "a%2fb\x7f", 1),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		h, ok := parseHead(p)
		if !ok || !h.inference {
			return
		}
		in := bufio.NewReaderSize(bytes.NewReader(p), max(16, len(p)))
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q: %v", p, err)
		}
		rest, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p) - len(rest); got != h.size {
			t.Errorf("%q: the head has %d bytes, not %d", p, h.size, got)
		}
		if r.ContentLength != h.length || len(r.TransferEncoding) > 0 || r.Close || r.Header["Expect"] != nil || r.Header["Upgrade"] != nil {
			t.Errorf("%q: %d bytes follow, not %d: %+v", p, h.length, r.ContentLength, r)
		}
		if r.Method != http.MethodPost || !r.ProtoAtLeast(1, 1) || r.Header.Get("Authorization") != h.authorization && len(r.Header["Authorization"]) < 2 {
			t.Errorf("%q: %+v", p, r)
		}
		want := "/v2/models/" + h.model
		if h.version != serve.Newest {
			want += "/versions/" + h.version
		}
		if path, verb := r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')], r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; path != want || !isInference(verb) {
			t.Errorf("%q: %q, not %q", p, r.URL.Path, want)
		}
	})
}
