package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/infer-go/infer/serve/repository"
)

// A sources is the flag --model of infer serve, which may be given several
// times.
type sources []repository.Source

func (s *sources) String() string { return "" }

func (s *sources) Set(text string) error {
	name, path, ok := strings.Cut(text, "=")
	if !ok {
		path = text
		name = strings.TrimSuffix(filepath.Base(path), ".frz")
	}
	switch {
	case path == "" || name == "" || name == "." || name == "..":
		return errors.New("needs NAME=PATH")
	case strings.ContainsAny(name, "/?#"):
		return fmt.Errorf("%q is not a valid model name", name)
	}
	for _, other := range *s {
		if other.Name == name {
			return fmt.Errorf("there are two models %s", name)
		}
	}
	*s = append(*s, repository.Source{Name: name, Path: path})
	return nil
}

// An origins is the flag --allow-origin, which may be given several times.
type origins []string

func (o *origins) String() string { return "" }

func (o *origins) Set(text string) error {
	if scheme, host, ok := strings.Cut(text, "://"); !ok || scheme != "http" && scheme != "https" || host == "" || strings.ContainsAny(host, "/*") {
		return errors.New("needs a site, such as https://example.com")
	}
	*o = append(*o, text)
	return nil
}

// isLoopback says whether nobody but this machine can reach an address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// A reloaded is what was made of files, and is made again when one of them has
// changed, which is looked at once a second at most. What cannot be made leaves
// what there was.
type reloaded[T any] struct {
	files []string
	make  func() (T, error)

	mu     sync.Mutex
	value  T
	looked time.Time
	stamps []string
}

func newReloaded[T any](make func() (T, error), files ...string) (*reloaded[T], error) {
	r := &reloaded[T]{files: files, make: make, looked: time.Now()}
	r.stamps = r.stamp()
	var err error
	r.value, err = make()
	return r, err
}

func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.looked) > time.Second {
		r.looked = now
		if stamps := r.stamp(); fmt.Sprint(stamps) != fmt.Sprint(r.stamps) {
			if v, err := r.make(); err == nil {
				r.value, r.stamps = v, stamps
			}
		}
	}
	return r.value
}

// stamp tells files from later ones in their place.
func (r *reloaded[T]) stamp() (list []string) {
	for _, file := range r.files {
		if info, err := os.Stat(file); err == nil {
			list = append(list, fmt.Sprint(info.Size(), info.ModTime().UnixNano()))
		} else {
			list = append(list, "")
		}
	}
	return list
}

// tokenFrom reads a bearer token from a file, and again when that changes.
func tokenFrom(file string) (func() string, error) {
	r, err := newReloaded(func() (string, error) {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", inFile(file, err)
		}
		token := strings.TrimSpace(string(data))
		if token == "" {
			return "", inFile(file, errors.New("it contains no token"))
		}
		return token, nil
	}, file)
	if err != nil {
		return nil, err
	}
	return r.get, nil
}

// tlsFrom reads a certificate and its key, and again when they change.
func tlsFrom(cert, key string) (*tls.Config, error) {
	r, err := newReloaded(func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, inFile(cert, err)
		}
		return &pair, nil
	}, cert, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return r.get(), nil },
	}, nil
}
