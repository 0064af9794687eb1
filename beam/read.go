package inferbeam

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/internal/idx"
)

func init() {
	register.Emitter1[string]()
	register.Emitter1[span]()
	register.Emitter1[Pixels]()
	register.Emitter1[Picture]()
	register.Function3x1[context.Context, string, func(string), error](expand)
	register.Function2x0[string, func(string)](trim)
	register.Function3x1[context.Context, string, func(span), error](spans)
	register.DoFn3x1[context.Context, span, func(Pixels), error](&readSpanFn{})
	register.Function3x1[context.Context, string, func(Picture), error](readTar)
}

// Match returns the paths of the files that match any of the patterns, spread
// over all workers. A pattern that matches no file is an error.
func Match(s beam.Scope, patterns ...string) beam.PCollection {
	s = s.Scope("inferbeam.Match")
	for _, p := range patterns {
		filesystem.ValidateScheme(p)
	}
	return beam.Reshuffle(s, beam.ParDo(s, expand, beam.CreateList(s, patterns)))
}

func expand(ctx context.Context, pattern string, emit func(string)) error {
	fs, err := filesystem.New(ctx, pattern)
	if err != nil {
		return err
	}
	defer fs.Close()
	paths, err := fs.List(ctx, pattern)
	if err != nil {
		return files.Error(pattern, err)
	}
	if len(paths) == 0 {
		return files.Error(pattern, errors.New("no file matches it"))
	}
	slices.Sort(paths)
	for _, path := range paths {
		emit(path)
	}
	return nil
}

// List returns the paths listed in a file, one per line, spread over all
// workers.
func List(s beam.Scope, file string) beam.PCollection {
	s = s.Scope("inferbeam.List")
	return beam.Reshuffle(s, beam.ParDo(s, trim, textio.Read(s, file)))
}

// trim leaves out empty lines, and what some systems end a line with.
func trim(line string, emit func(string)) {
	if path := strings.TrimSuffix(line, "\r"); path != "" {
		emit(path)
	}
}

// IDX gives the pictures of files in MNIST's IDX format as Pixels. It shuffles
// ranges of files. A file that is in the workers' local file system and not
// compressed is read only where it is needed; any other file is read by every
// worker.
func IDX(s beam.Scope, paths ...string) beam.PCollection {
	s = s.Scope("inferbeam.IDX")
	for _, p := range paths {
		filesystem.ValidateScheme(p)
	}
	parts := beam.Reshuffle(s, beam.ParDo(s, spans, beam.CreateList(s, paths)))
	return beam.ParDo(s, &readSpanFn{}, parts)
}

// spans emits the ranges of a file, each as many pictures as a thread takes.
func spans(ctx context.Context, path string, emit func(span)) error {
	f, err := openIDX(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := 0; i < f.Len(); i += together {
		emit(span{path, i, min(together, f.Len()-i)})
	}
	return nil
}

// maxIDX is how many bytes of a file are read that is read as a whole.
const maxIDX = 2 << 30

// An idxFile is an open file of pictures.
type idxFile struct {
	*idx.Items
	fs   filesystem.Interface
	file io.Closer
}

func openIDX(ctx context.Context, path string) (*idxFile, error) {
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := fs.OpenRead(ctx, path)
	if err != nil {
		fs.Close()
		return nil, files.Error(path, err)
	}
	f := &idxFile{fs: fs, file: r}
	f.Items, err = idx.Open(r, maxIDX)
	if err == nil && len(f.Shape) != 3 {
		err = fmt.Errorf("pictures have three dimensions, not %d", len(f.Shape))
	}
	if err != nil {
		f.Close()
		return nil, files.Error(path, err)
	}
	return f, nil
}

func (f *idxFile) Close() {
	f.file.Close()
	f.fs.Close()
}

// A readSpanFn reads ranges. It keeps the file open that it read last.
type readSpanFn struct {
	path string
	file *idxFile
}

func (f *readSpanFn) ProcessElement(ctx context.Context, part span, emit func(Pixels)) error {
	if f.file == nil || f.path != part.File {
		f.Teardown()
		file, err := openIDX(ctx, part.File)
		if err != nil {
			return err
		}
		f.path, f.file = part.File, file
	}
	data, err := f.file.Read(part.First, part.Count)
	if err != nil {
		return files.Error(part.File, err)
	}
	emit(Pixels{File: part.File, First: part.First, Height: f.file.Shape[1], Width: f.file.Shape[2], Data: data})
	return nil
}

func (f *readSpanFn) Teardown() {
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
}

// Tar returns the pictures in tar archives, plain or gzip, as Picture elements
// named ARCHIVE#PATH. Files without a picture's extension are skipped. Each
// archive is read by one worker.
func Tar(s beam.Scope, patterns ...string) beam.PCollection {
	return beam.ParDo(s.Scope("inferbeam.Tar"), readTar, Match(s, patterns...))
}

func readTar(ctx context.Context, path string, emit func(Picture)) error {
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return err
	}
	defer fs.Close()
	f, err := fs.OpenRead(ctx, path)
	if err != nil {
		return files.Error(path, err)
	}
	defer f.Close()
	if err := eachInTar(f, path, emit); err != nil {
		return files.Error(path, err)
	}
	return nil
}

func eachInTar(f io.Reader, path string, emit func(Picture)) error {
	b := bufio.NewReader(f)
	var in io.Reader = b
	if start, _ := b.Peek(2); string(start) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return err
		}
		defer z.Close()
		in = z
	}
	for archive := tar.NewReader(in); ; {
		entry, err := archive.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case entry.Typeflag != tar.TypeReg || !files.IsPicture(entry.Name):
			continue
		}
		data, err := files.ReadFrom(archive, entry.Name, entry.Size, files.MaxPicture)
		if err != nil {
			return err
		}
		emit(Picture{path + "#" + entry.Name, data})
	}
}
