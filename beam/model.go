package inferbeam

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/weights/digits"
)

// Options say which model computes, and how. The zero value is the built-in
// net, which reads digits.
type Options struct {
	// Model is the path of a frozen net that every worker can read, in any of
	// Beam's file systems that the program imports. If it is empty, the
	// built-in net is used.
	Model string

	// Top is the largest number of classes in an answer; 0 means 1.
	Top int

	// Threads is the number of threads on which an instance of a DoFn computes;
	// 0 means GOMAXPROCS, which is right for runners that give a process one
	// bundle at a time, as Prism does. Use 1 for runners that give it one
	// bundle per processor.
	Threads int

	// Sizes are those of the model's open dimensions for Run, if it has any.
	Sizes []int
}

func (o Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// models are those that this process has opened, which stay open.
var models struct {
	sync.Mutex
	open map[string]*engine.Model
}

// model is the model of a path, which is opened once.
func model(ctx context.Context, path string) (*engine.Model, error) {
	models.Lock()
	defer models.Unlock()
	if m, ok := models.open[path]; ok {
		return m, nil
	}
	m, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	if models.open == nil {
		models.open = map[string]*engine.Model{}
	}
	models.open[path] = m
	return m, nil
}

// maxModel is how many bytes of a model's file are read that cannot be mapped.
const maxModel = 8 << 30

func open(ctx context.Context, path string) (*engine.Model, error) {
	switch {
	case path == "":
		return engine.Parse(digits.Data)
	case isLocal(path):
		return engine.Open(path)
	}
	data, err := readRemote(ctx, path, maxModel)
	if err != nil {
		return nil, err
	}
	m, err := engine.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// isLocal says whether a path is one of this machine, and not of a service.
func isLocal(path string) bool { return !strings.Contains(path, "://") }

// readRemote reads a file through Beam's file systems. Errors name it.
func readRemote(ctx context.Context, path string, limit int64) ([]byte, error) {
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return nil, files.Error(path, err)
	}
	defer fs.Close()
	r, err := fs.OpenRead(ctx, path)
	if err != nil {
		return nil, files.Error(path, err)
	}
	defer r.Close()
	return files.ReadFrom(r, path, 0, limit)
}
