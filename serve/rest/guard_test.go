package rest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuard(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	open := Guard{Origins: []string{"https://friend.example"}}.Handler(ok)
	closed := Guard{Token: func() string { return "secret" }}.Handler(ok)
	for _, c := range []struct {
		name    string
		h       http.Handler
		method  string
		url     string
		headers []string
		status  int
	}{
		{"no browser", open, "POST", "http://any.name/v2/models/m/infer", nil, 200},
		{"its own page", open, "POST", "http://127.0.0.1:8080/v2/models/m/infer", []string{"Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "same-origin"}, 200},
		{"its own page, by IPv6", open, "POST", "http://[::1]:8080/v2/x", []string{"Origin", "http://[::1]:8080"}, 200},
		{"its own page, by localhost", open, "GET", "http://localhost:8080/v2/x", []string{"Sec-Fetch-Site", "none"}, 200},
		{"another site", open, "POST", "http://127.0.0.1:8080/v2/x", []string{"Origin", "http://evil.example"}, 403},
		{"another site, no origin", open, "GET", "http://127.0.0.1:8080/v2/x", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another port", open, "POST", "http://127.0.0.1:8080/v2/x", []string{"Origin", "http://127.0.0.1:81"}, 403},
		{"a sandbox", open, "POST", "http://127.0.0.1:8080/v2/x", []string{"Origin", "null"}, 403},
		{"a stranger's name for this address", open, "POST", "http://evil.example:8080/v2/x", []string{"Origin", "http://evil.example:8080", "Sec-Fetch-Site", "same-origin"}, 403},
		{"a friend", open, "POST", "http://127.0.0.1:8080/v2/x", []string{"Origin", "https://friend.example", "Sec-Fetch-Site", "cross-site"}, 200},
		{"a friend's name", open, "POST", "http://friend.example/v2/x", []string{"Origin", "http://friend.example"}, 200},
		{"a friend asks before", open, "OPTIONS", "http://127.0.0.1:8080/v2/x", []string{"Origin", "https://friend.example", "Access-Control-Request-Method", "POST"}, 204},
		{"without a token", closed, "GET", "http://h/v2/models", nil, 401},
		{"health", closed, "GET", "http://h/v2/health/live", nil, 200},
		{"health over gRPC", closed, "POST", "http://h/grpc.health.v1.Health/Check", nil, 200},
		{"the token as a password", closed, "GET", "http://h/", []string{"Authorization", "Basic dXNlcjpzZWNyZXQ="}, 200},
		{"a wrong token", closed, "GET", "http://h/v2/models", []string{"Authorization", "Bearer secre"}, 401},
		{"another scheme", closed, "GET", "http://h/v2/models", []string{"Authorization", "Basic secret"}, 401},
		{"the token", closed, "GET", "http://h/v2/models", []string{"Authorization", "Bearer secret"}, 200},
	} {
		r := httptest.NewRequest(c.method, c.url, nil)
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Set(c.headers[i], c.headers[i+1])
		}
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d, not %d", c.name, w.Code, c.status)
		}
		if w.Code >= 400 {
			errorOf(t, w)
		}
		if c.name == "a friend" && w.Header().Get("Access-Control-Allow-Origin") != "https://friend.example" {
			t.Errorf("%s: headers %v", c.name, w.Header())
		}
	}
}
