// Package page is a page on which people can try a server's models: they draw a
// digit or choose a picture, and see the answer and what the net made of it.
// The page sends requests only to package rest's handler.
//
//	http.Serve(listener, page.Handler(rest.New(server, rest.Options{})))
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

//go:embed files
var files embed.FS

// contentTypes are those of the files by their extensions. Those of package mime
// depend on the system.
var contentTypes = map[string]string{
	"html": "text/html; charset=utf-8",
	"css":  "text/css; charset=utf-8",
	"js":   "text/javascript; charset=utf-8",
	"svg":  "image/svg+xml",
}

// policy allows the page its own files, its own pictures, and requests to the
// server that it came from; nobody may put it into a frame. Labels come from
// strangers: none of them can become script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// A file is one of the page's.
type file struct {
	contentType, tag string
	data             []byte
}

// Handler serves GET / and the page's files, and passes all other requests to
// next.
func Handler(next http.Handler) http.Handler {
	list := map[string]file{}
	entries, err := fs.ReadDir(files, "files")
	if err != nil {
		panic(err) // they are in the program
	}
	for _, e := range entries {
		data, err := files.ReadFile("files/" + e.Name())
		if err != nil {
			panic(err)
		}
		_, extension, _ := strings.Cut(e.Name(), ".")
		sum := sha256.Sum256(data)
		path := "/" + e.Name()
		if path == "/index.html" {
			path = "/"
		}
		list[path] = file{contentTypes[extension], `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, data}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := list[r.URL.Path]
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache") // but ask whether it has changed
		h.Set("Etag", f.tag)
		if r.Header.Get("If-None-Match") == f.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Length", strconv.Itoa(len(f.data)))
		w.Write(f.data) // of an answer to HEAD package http sends the header alone
	})
}
