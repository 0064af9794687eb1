package rest

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Guard decides whose requests reach a handler.
type Guard struct {
	// Token returns the bearer token that every request over REST and gRPC
	// must have, except those of health; nil if none is required. A browser
	// may send it as a password.
	Token func() string

	// Origins are other sites, such as https://example.com, whose pages may
	// use the server through a visitor's browser. The server's own pages may
	// always do so if it is addressed by an IP address or as localhost.
	Origins []string
}

// Handler returns a handler that passes to next those requests that the
// Guard allows.
func (g Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.site(w, r) {
			refuse(w, http.StatusForbidden, "requests of this site's pages are not answered")
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if g.Token != nil && !isHealth(r.URL.Path) && !g.authorized(r) {
			w.Header()["WWW-Authenticate"] = []string{"Bearer", `Basic realm="infer: the token is the password"`}
			refuse(w, http.StatusUnauthorized, "a bearer token is needed")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// site says whether a request comes from no page, from one of the server's, or
// from one that is allowed, for which it sets CORS' headers. Where a browser
// speaks, the server's name must be one that nobody else can give it: a stranger
// can let a name of his own point to this address.
func (g Guard) site(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if slices.Contains(g.Origins, origin) && origin != "" {
		h := w.Header()
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, "+headerLength)
		h.Set("Access-Control-Expose-Headers", headerLength)
		return true
	}
	from := r.Header.Get("Sec-Fetch-Site")
	if origin == "" && from == "" {
		return true // no browser
	}
	if origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return false
		}
	}
	return g.ownName(r.Host) && (from == "" || from == "same-origin" || from == "none")
}

// ownName says whether a host is an address, localhost, or that of an origin
// that is allowed.
func (g Guard) ownName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name == "localhost" || net.ParseIP(strings.Trim(name, "[]")) != nil {
		return true
	}
	return slices.ContainsFunc(g.Origins, func(origin string) bool {
		u, err := url.Parse(origin)
		return err == nil && u.Host == host
	})
}

// isHealth says whether a path only tells whether the server is well.
func isHealth(path string) bool {
	return strings.HasPrefix(path, "/v2/health/") || strings.HasPrefix(path, "/grpc.health.v1.Health/")
}

func (g Guard) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, password, ok := r.BasicAuth(); ok {
		scheme, token = "Bearer", password
	}
	// Of digests, the comparison tells nothing of lengths either.
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(g.Token()))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, code int, why string) {
	text := appendError(nil, errors.New(why))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(code)
	w.Write(text)
}
