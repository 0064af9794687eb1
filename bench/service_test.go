package main

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An askerFunc is an asker of a test.
type askerFunc func() (int, error)

func (f askerFunc) ask() (int, error) { return f() }
func (f askerFunc) close()            {}

// Every request is answered, rejected or failed, and latency is of those alone
// that were answered.
func TestServiceRound(t *testing.T) {
	var n atomic.Int64
	s := serviceSeries{load: 1, transport: &transport{capacities: []float64{1}, connect: func() (asker, error) {
		return askerFunc(func() (int, error) {
			switch n.Add(1) % 4 {
			case 0:
				return http.StatusServiceUnavailable, nil
			case 1:
				return 0, errors.New("x")
			}
			time.Sleep(time.Millisecond)
			return http.StatusOK, nil
		}), nil
	}}}
	if err := s.round(10_000, 20*time.Millisecond, rand.New(rand.NewPCG(1, 2))); err != nil {
		t.Fatal(err)
	}
	r := s.result()
	if int64(r.Requests) != n.Load() || r.Requests == 0 || r.Rejected < r.Requests/4-1 || r.Failed < r.Requests/4-1 || r.P50 < 1e6 || r.Goodput == 0 {
		t.Errorf("%d requests gave %+v", n.Load(), r)
	}
}

// The client reads answers as servers write them, one after the other.
func TestHTTPAsker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		w.Write([]byte(strings.Repeat("x", 1000)))
	}))
	for path, want := range map[string]int{"/": 200, "/busy": 503} {
		a, err := dialHTTP(l.Addr().String(), []byte("GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if status, err := a.ask(); err != nil || status != want || len(a.(*httpAsker).body) != 1000 {
				t.Errorf("%s: %d, %v", path, status, err)
			}
		}
		a.close()
	}
}
