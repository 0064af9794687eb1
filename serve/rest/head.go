package rest

import (
	"bytes"
	"strings"

	"github.com/infer-go/infer/serve"
)

// A head is what a front needs to know of the head of a request.
type head struct {
	size   int   // of the head itself
	length int64 // of the body behind it

	inference      bool // by a model
	model, version string

	browser       bool // a page of some site may have sent it
	authorization string
}

// parseHead reads the head of a request. It is false unless the head is complete
// and package http finds the same length of the body in it: anything unusual,
// such as transfer encodings, is not for a front. The beginning of the request line
// may be missing.
func parseHead(p []byte) (h head, ok bool) {
	line, rest, ok := cutLine(p)
	if !ok || !bytes.HasSuffix(line, []byte(" HTTP/1.1")) {
		return h, false
	}
	if path, ok := bytes.CutPrefix(line[:len(line)-len(" HTTP/1.1")], []byte("POST /v2/models/")); ok {
		h.path(path)
	}
	hasLength := false
	for {
		if line, rest, ok = cutLine(rest); !ok {
			return h, false
		}
		if len(line) == 0 {
			h.size = len(p) - len(rest)
			return h, true
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !isToken(name) || !isText(value) {
			return h, false
		}
		value = bytes.Trim(value, " \t")
		switch known(name) {
		case "content-length":
			if h.length, ok = parseLength(value); !ok || hasLength {
				return h, false
			}
			hasLength = true
		case "connection":
			if !bytes.EqualFold(value, []byte("keep-alive")) {
				return h, false
			}
		case "transfer-encoding", "expect", "upgrade", "trailer":
			return h, false
		case "origin", "sec-fetch-site":
			h.browser = true
		case "authorization":
			h.authorization = string(value)
		}
	}
}

// cutLine cuts a line off. It is false if that is not complete, or ends otherwise
// than by CR and LF.
func cutLine(p []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(p, '\n')
	if i < 1 || p[i-1] != '\r' {
		return nil, nil, false
	}
	return p[:i-1], p[i+1:], true
}

// isToken says whether a header has a name that anybody would give it.
func isToken(name []byte) bool {
	for _, c := range name {
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return len(name) > 0
}

// isText says whether a header has a value without control characters but tabs.
func isText(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// heads are the headers that parseHead looks at.
var heads = [...]string{
	"content-length", "connection", "transfer-encoding", "expect", "upgrade", "trailer", "origin", "sec-fetch-site", "authorization",
}

// known is the name among heads that a header has, if any.
func known(name []byte) string {
	for _, s := range heads {
		if len(s) == len(name) && bytes.EqualFold([]byte(s), name) {
			return s
		}
	}
	return ""
}

// parseLength reads a number of at most 18 digits.
func parseLength(text []byte) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(text) > 0 && len(text) <= 18
}

// path reads what follows /v2/models/ in the path of a request.
func (h *head) path(path []byte) {
	path, query, _ := bytes.Cut(path, []byte("?"))
	for _, c := range query {
		if c <= ' ' || c >= 0x7f {
			return
		}
	}
	for _, c := range path {
		if c <= ' ' || c >= 0x7f || c == '%' || c == '#' {
			return
		}
	}
	p := strings.Split(string(path), "/")
	h.model, h.version = p[0], serve.Newest
	if len(p) == 4 && p[1] == "versions" && p[2] != "" {
		h.version, p = p[2], p[2:]
	}
	h.inference = len(p) == 2 && isInference(p[1])
}

// isInference says whether a verb asks for inference, which takes a permit.
func isInference(verb string) bool { return verb == "infer" || verb == "classify" }
