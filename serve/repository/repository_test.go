package repository

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/weights/digits"
)

func write(t *testing.T, data []byte, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".new", data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	return file
}

func newRepository(t *testing.T, path string) (*Repository, *serve.Server) {
	t.Helper()
	s := serve.New(serve.Options{})
	t.Cleanup(func() { s.Close() })
	return New(s, slog.New(slog.DiscardHandler), Source{"m", path}), s
}

// served is the model that is served, nil if none is, and the reason.
func served(s *serve.Server) (*serve.Model, error) {
	m, err := s.Acquire("m", serve.Newest)
	if err == nil {
		m.Release()
	}
	return m, err
}

func TestFile(t *testing.T) {
	path := write(t, digits.Data, t.TempDir(), "a.frz")
	r, s := newRepository(t, path)
	r.Reload()
	first, err := served(s)
	if err != nil {
		t.Fatal(err)
	}
	r.Reload()
	if m, _ := served(s); m != first {
		t.Error("it was loaded again, and has not changed")
	}
	// Without haste, a change counts when it is seen twice.
	write(t, digits.Data, path)
	r.look(false)
	if m, _ := served(s); m != first {
		t.Error("a change was believed at once")
	}
	r.look(false)
	second, _ := served(s)
	if second == first {
		t.Error("a change was not seen")
	}
	// A broken file changes nothing but the reason.
	write(t, []byte("broken"), path)
	r.Reload()
	if m, _ := served(s); m != second {
		t.Error("a broken file was loaded")
	}
	if list := s.Index(); len(list) != 1 || list[0].Reason == nil {
		t.Errorf("%v", list)
	}
	os.Remove(path)
	r.Reload()
	if m, _ := served(s); m != second {
		t.Error("the model is gone with its file")
	}
	write(t, digits.Data, path)
	r.Reload()
	if list := s.Index(); len(list) != 1 || list[0].Reason != nil {
		t.Errorf("%v", list)
	}
}

func TestVersions(t *testing.T) {
	dir := t.TempDir()
	r, s := newRepository(t, dir)
	r.Reload()
	if _, err := served(s); !errors.Is(err, serve.ErrNotReady) {
		t.Errorf("an empty folder: %v", err)
	}
	write(t, digits.Data, dir, "2", "model.frz")
	write(t, digits.Data, dir, "10", "model.frz")
	write(t, digits.Data, dir, "011", "model.frz")
	write(t, []byte("broken"), dir, "12", "model.frz")
	r.Reload()
	if m, err := served(s); err != nil || m.Version != 10 {
		t.Fatalf("%v, %v", m, err)
	}
	if list := s.Index(); len(list) != 3 || list[0].Version != 2 || list[2].Reason == nil {
		t.Errorf("%v", list)
	}
	os.RemoveAll(filepath.Join(dir, "10"))
	r.Reload()
	if m, err := served(s); err != nil || m.Version != 2 {
		t.Fatalf("%v, %v", m, err)
	}
	os.RemoveAll(filepath.Join(dir, "2"))
	r.Reload()
	if m, err := served(s); err != nil || m.Version != 2 {
		t.Fatalf("the last version is gone: %v, %v", m, err)
	}
}

func TestFolderOfOne(t *testing.T) {
	dir := t.TempDir()
	write(t, digits.Data, dir, "net.frz")
	r, s := newRepository(t, dir)
	r.Reload()
	if m, err := served(s); err != nil || m.Version != 1 {
		t.Fatalf("%v, %v", m, err)
	}
	write(t, digits.Data, dir, "other.frz")
	if _, err := list(dir); err == nil {
		t.Error("two files are one model")
	}
}

func TestLoadAndUnload(t *testing.T) {
	r, s := newRepository(t, write(t, digits.Data, t.TempDir(), "a.frz"))
	r.Reload()
	ctx := context.Background()
	if err := r.Unload(ctx, "m"); err != nil {
		t.Error(err)
	}
	r.Reload()
	if _, err := served(s); !errors.Is(err, serve.ErrNotFound) {
		t.Errorf("unloaded: %v", err)
	}
	if err := r.Load(ctx, "m"); err != nil {
		t.Error(err)
	}
	if _, err := served(s); err != nil {
		t.Error(err)
	}
	if !errors.Is(r.Load(ctx, "x"), serve.ErrNotFound) || !errors.Is(r.Unload(ctx, "x"), serve.ErrNotFound) {
		t.Error("an unknown model is found")
	}
}

func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.frz")
	r, s := newRepository(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Watch(ctx, time.Millisecond) }()
	write(t, digits.Data, path)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := served(s); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the file was not seen")
		}
	}
	cancel()
	<-done
}
