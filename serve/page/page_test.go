package page

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(h http.Handler, method, path, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The page and all that it names are there, with the policy, and nothing else
// is asked for.
func TestHandler(t *testing.T) {
	h := Handler(http.NotFoundHandler())
	page := get(h, "GET", "/", "")
	if page.Code != 200 || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	paths := []string{"/"}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		paths = append(paths, "/"+m[1])
	}
	if len(paths) < 4 {
		t.Errorf("it names %q", paths)
	}
	for _, path := range paths {
		w := get(h, "GET", path, "")
		header := w.Header()
		if w.Code != 200 || w.Body.Len() == 0 || header.Get("Content-Type") == "" || header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", path, w.Code, header)
		}
		if regexp.MustCompile(`https?://|\beval\(|innerHTML`).MatchString(strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", "")) {
			t.Errorf("%s: it names another site, or makes markup of texts", path)
		}
		if again := get(h, "GET", path, header.Get("Etag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d", path, again.Code)
		}
	}
	for _, c := range [][2]string{{"POST", "/"}, {"GET", "/index.html"}, {"GET", "/v2"}, {"GET", "/../page.go"}} {
		if w := get(h, c[0], c[1], ""); w.Code != 404 {
			t.Errorf("%s: %d", c, w.Code)
		}
	}
}
