package inferbeam

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/infer-go/infer/internal/files"
)

func init() {
	register.Function1x1[Answer, []byte](answerLine)
	register.Function1x1[Bad, []byte](badLine)
	register.Emitter2[int, []byte]()
	register.Emitter2[int, string]()
	register.Iter1[[]byte]()
	register.Iter1[string]()
	register.DoFn3x0[context.Context, []byte, func(int, []byte)](&gatherFn{})
	register.DoFn2x0[[]byte, func(int, []byte)](&emptyShardsFn{})
	register.DoFn4x1[context.Context, int, func(*[]byte) bool, func(int, string), error](&writeShardFn{})
	register.DoFn3x1[context.Context, int, func(*string) bool, error](&renameFn{})
}

// Lines returns the lines of Answer or Bad elements, as Write takes them.
func Lines(s beam.Scope, elements beam.PCollection) beam.PCollection {
	switch t := elements.Type().Type(); t {
	case reflect.TypeFor[Answer]():
		return beam.ParDo(s, answerLine, elements)
	case reflect.TypeFor[Bad]():
		return beam.ParDo(s, badLine, elements)
	default:
		panic(fmt.Sprintf("inferbeam.Lines: elements of type %v: Answer and Bad have lines", t))
	}
}

func answerLine(a Answer) []byte { return a.Line }
func badLine(b Bad) []byte       { return b.Line }

// Shard returns the name of a file that Write makes:
// PREFIX-00000-of-00004.jsonl.
func Shard(prefix string, i, n int) string { return fmt.Sprintf("%s-%05d-of-%05d.jsonl", prefix, i, n) }

// Write writes lines, elements of type []byte that end with a line feed, into n
// files, which Shard names. A line's contents determine which file it is in,
// but not its order there. Files are written under temporary names, whose last
// element begins with a dot, and synced to disk; when all of them are complete,
// they get their names. A pipeline that fails earlier leaves none of them, but
// perhaps files with temporary names.
func Write(s beam.Scope, prefix string, n int, lines beam.PCollection) {
	s = s.Scope("inferbeam.Write")
	filesystem.ValidateScheme(prefix)
	if n < 1 {
		panic(fmt.Sprintf("inferbeam.Write: %d files", n))
	}
	lines = beam.WindowInto(s, window.NewGlobalWindows(), lines)
	blocks := beam.Flatten(s,
		beam.ParDo(s, &gatherFn{Shards: n}, lines),
		beam.ParDo(s, &emptyShardsFn{Shards: n}, beam.Impulse(s)))
	written := beam.ParDo(s, &writeShardFn{Prefix: prefix, Shards: n}, beam.GroupByKey(s, blocks))
	beam.ParDo0(s, &renameFn{}, beam.GroupByKey(s, written))
}

// blockSize is how many bytes of lines travel together, about.
const blockSize = 64 << 10

// A gatherFn puts the lines of a bundle that belong to a shard together: few large
// elements cost less than many small ones.
type gatherFn struct {
	Shards int

	blocks map[int][]byte
}

func (f *gatherFn) StartBundle(context.Context, func(int, []byte)) { f.blocks = map[int][]byte{} }

func (f *gatherFn) ProcessElement(_ context.Context, line []byte, emit func(int, []byte)) {
	h := fnv.New32a()
	h.Write(line)
	shard := int(h.Sum32() % uint32(f.Shards))
	block := append(f.blocks[shard], line...)
	if len(block) >= blockSize {
		emit(shard, block)
		block = nil
	}
	f.blocks[shard] = block
}

func (f *gatherFn) FinishBundle(_ context.Context, emit func(int, []byte)) {
	for shard, block := range f.blocks {
		if len(block) > 0 {
			emit(shard, block)
		}
	}
	f.blocks = nil
}

// An emptyShardsFn makes every shard exist.
type emptyShardsFn struct{ Shards int }

func (f *emptyShardsFn) ProcessElement(_ []byte, emit func(int, []byte)) {
	for i := range f.Shards {
		emit(i, nil)
	}
}

// A writeShardFn writes a shard under a temporary name, and emits both names.
type writeShardFn struct {
	Prefix string
	Shards int
}

func (f *writeShardFn) ProcessElement(ctx context.Context, shard int, blocks func(*[]byte) bool, emit func(int, string)) error {
	final := Shard(f.Prefix, shard, f.Shards)
	cut := strings.LastIndexAny(final, `/`+string(filepath.Separator)) + 1
	temp := fmt.Sprintf("%s.%s.%08x.tmp", final[:cut], final[cut:], rand.Uint32())
	fs, err := filesystem.New(ctx, temp)
	if err != nil {
		return err
	}
	defer fs.Close()
	if err := writeBlocks(ctx, fs, temp, blocks); err != nil {
		if r, ok := fs.(filesystem.Remover); ok {
			r.Remove(ctx, temp)
		}
		return files.Error(final, err)
	}
	emit(0, temp+"\n"+final)
	return nil
}

func writeBlocks(ctx context.Context, fs filesystem.Interface, path string, blocks func(*[]byte) bool) error {
	w, err := fs.OpenWrite(ctx, path)
	if err != nil {
		return err
	}
	var block []byte
	for err == nil && blocks(&block) {
		_, err = w.Write(block)
	}
	// A local file is brought to the disk; elsewhere Close does that.
	if f, ok := w.(interface{ Sync() error }); ok && err == nil {
		err = f.Sync()
	}
	if closed := w.Close(); err == nil {
		err = closed
	}
	return err
}

// A renameFn gives all files their names. It may be called again when some have
// them already.
type renameFn struct{}

func (*renameFn) ProcessElement(ctx context.Context, _ int, names func(*string) bool) error {
	folders := map[string]bool{}
	var pair string
	for names(&pair) {
		temp, final, _ := strings.Cut(pair, "\n")
		if err := rename(ctx, temp, final); err != nil {
			return files.Error(final, err)
		}
		if isLocal(final) {
			folders[filepath.Dir(final)] = true
		}
	}
	for folder := range folders {
		// Where a folder cannot be synced there is no other way either.
		if d, err := os.Open(folder); err == nil {
			d.Sync()
			d.Close()
		}
	}
	return nil
}

func rename(ctx context.Context, temp, final string) error {
	fs, err := filesystem.New(ctx, final)
	if err != nil {
		return err
	}
	defer fs.Close()
	err = filesystem.Rename(ctx, fs, temp, final)
	if err != nil && !exists(ctx, fs, temp) && exists(ctx, fs, final) {
		return nil // it was, before
	}
	return err
}

func exists(ctx context.Context, fs filesystem.Interface, path string) bool {
	_, err := fs.Size(ctx, path)
	return err == nil
}
