// Package repository keeps the models of a server in step with the files from
// which they are loaded.
//
// A Source is one model: a file, which is its version 1, or a folder, as
// KServe mounts it. A folder contains one *.frz, which is version 1, or a
// folder for each version, named by its number, that contains a model.frz.
//
// Files are read, not mapped, so that overwriting one in place cannot crash
// the server.
package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/serve"
)

// A Source says where a model comes from.
type Source struct{ Name, Path string }

// A Repository loads the models of its Sources into a Server.
type Repository struct {
	server *serve.Server
	log    *slog.Logger

	mu      sync.Mutex // one look at a time
	sources []*source
}

// A source is a Source, and what was found there.
type source struct {
	Source
	off      bool // it was unloaded by a request
	unlisted bool // the Server was told of its version 1 that nothing is there
	versions map[int64]*found
}

// A found file is a version of a model.
type found struct {
	path           string
	last, loaded   fs.FileInfo // at the last look, and of what was loaded
	present, tried bool        // at this look; loaded is set
}

// New makes a Repository, which has not loaded anything yet.
func New(s *serve.Server, log *slog.Logger, sources ...Source) *Repository {
	r := &Repository{server: s, log: log}
	for _, src := range sources {
		r.sources = append(r.sources, &source{Source: src, versions: map[int64]*found{}})
	}
	return r
}

// Watch looks for changes, once each period, until ctx is done.
func (r *Repository) Watch(ctx context.Context, period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.look(false)
		case <-ctx.Done():
			return
		}
	}
}

// Reload loads at once whatever is new or has changed. Files that cannot be
// loaded are reported to the Server and the log, and change nothing else.
func (r *Repository) Reload() { r.look(true) }

// Err returns why no model of the Sources is ready, if none is and none of them
// is a folder, which may still be filled: a file that was named and cannot be
// loaded is rather a mistake than about to be replaced.
func (r *Repository) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sources {
		if info, err := os.Stat(s.Path); err == nil && info.IsDir() {
			return nil
		}
	}
	var first error
	for _, v := range r.server.Index() {
		switch {
		case v.Ready:
			return nil
		case first == nil:
			first = fmt.Errorf("no model can be served: %s: %w", v.Name, v.Reason)
		}
	}
	return first
}

func (r *Repository) look(atOnce bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sources {
		if !s.off {
			r.lookAt(s, atOnce)
		}
	}
}

// Load brings back a model that Unload removed, and loads what is new or has
// changed in its Source. Errors are serve.ErrNotFound, or say what is wrong
// with its newest file.
func (r *Repository) Load(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.named(name)
	if s == nil {
		return notFound(name)
	}
	s.off = false
	r.lookAt(s, true)
	m, err := r.server.Acquire(name, serve.Newest)
	if err == nil {
		m.Release()
	}
	return err
}

// Unload removes a model until Load is called.
func (r *Repository) Unload(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.named(name)
	if s == nil {
		return notFound(name)
	}
	s.off = true
	s.versions = map[int64]*found{}
	return r.server.Unload(name, 0)
}

// notFound is the error of a name that no Source has.
func notFound(name string) error { return fmt.Errorf("%w: %.100q", serve.ErrNotFound, name) }

func (r *Repository) named(name string) *source {
	for _, s := range r.sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// lookAt loads what has changed of a source: at once, or when two looks agree
// that it has, as somebody may still be writing.
func (r *Repository) lookAt(s *source, atOnce bool) {
	paths, err := list(s.Path)
	if err != nil {
		// It goes on with what it has: a file may be missing while another one
		// takes its place.
		if atOnce {
			s.unlisted = true
			r.failed(s.Name, 1, err)
		}
		return
	}
	if s.unlisted && paths[1] == "" && s.versions[1] == nil {
		r.server.Unload(s.Name, 1) // there never was one
	}
	s.unlisted = false
	for _, f := range s.versions {
		f.present = false
	}
	for version, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			if atOnce {
				r.failed(s.Name, version, err)
			}
			continue
		}
		f := s.versions[version]
		if f == nil {
			f = &found{}
			s.versions[version] = f
		}
		settled := same(f.last, info)
		f.path, f.last, f.present = path, info, true
		if f.tried && same(f.loaded, info) || !settled && !atOnce {
			continue
		}
		f.loaded, f.tried = info, true
		start := time.Now()
		if err := r.load(s.Name, version, path); err != nil {
			r.log.Error("a model cannot be loaded", "model", s.Name, "version", version, "error", err.Error())
		} else {
			r.log.Info("a model is loaded", "model", s.Name, "version", version, "took_ns", time.Since(start).Nanoseconds())
		}
	}
	for version, f := range s.versions {
		// The last one stays: nobody can want that no version is there.
		if !f.present && r.others(s.Name, version) {
			delete(s.versions, version)
			if r.server.Unload(s.Name, version) == nil {
				r.log.Info("a model is unloaded", "model", s.Name, "version", version)
			}
		}
	}
}

// others says whether another version of a model than this one is ready.
func (r *Repository) others(name string, version int64) bool {
	for _, s := range r.server.Index() {
		if s.Name == name && s.Version != version && s.Ready {
			return true
		}
	}
	return false
}

func (r *Repository) failed(name string, version int64, err error) {
	r.server.Fail(name, version, err)
	r.log.Error("a model cannot be loaded", "model", name, "version", version, "error", err.Error())
}

// load reads a file and loads it.
func (r *Repository) load(name string, version int64, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		err = files.Error(path, err)
		r.server.Fail(name, version, err)
		return err
	}
	if err = r.server.Load(name, version, data); err == nil {
		return nil
	}
	err = files.NotFrozen(path, data, files.Error(path, err))
	r.server.Fail(name, version, err)
	return err
}

// same says whether a file is the one that it was, as far as one can see from
// without.
func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// list finds the files of a model's versions.
func list(path string) (map[int64]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, files.Error(path, err)
	}
	if !info.IsDir() {
		return map[int64]string{1: path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, files.Error(path, err)
	}
	versions := map[int64]string{}
	var loose []string
	for _, e := range entries {
		name := e.Name()
		if n, err := strconv.ParseInt(name, 10, 64); err == nil && n > 0 && strconv.FormatInt(n, 10) == name {
			if file := filepath.Join(path, name, "model.frz"); isFile(file) {
				versions[n] = file
			}
		} else if filepath.Ext(name) == ".frz" && isFile(filepath.Join(path, name)) {
			loose = append(loose, filepath.Join(path, name))
		}
	}
	switch {
	case len(versions) > 0:
		return versions, nil
	case len(loose) == 1:
		return map[int64]string{1: loose[0]}, nil
	case len(loose) > 1:
		return nil, fmt.Errorf("%s: %d files *.frz, where there should be one", path, len(loose))
	}
	return nil, fmt.Errorf("%s: %w", path, errEmpty)
}

var errEmpty = errors.New("neither a file *.frz nor a VERSION/model.frz")

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
