// The command infer-beam answers pictures in a pipeline of Apache Beam, in lines of
// JSON as of infer --json.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"os"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec/optimized"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/s3"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	inferbeam "github.com/infer-go/infer/beam"
)

const usage = `infer-beam [FLAG]... --output PREFIX (--images IDX | --files-from LIST | --tar ARCHIVES | PICTURES...)
    Answer pictures in a pipeline of Apache Beam, in lines of JSON as of infer
    --json, in the files PREFIX-00000-of-0000N.jsonl. PICTURES and ARCHIVES are
    patterns such as photos/*.jpg; paths may begin with gs:// or s3://. Pictures
    of an IDX file are called FILE#n, from 0, those of an archive ARCHIVE#PATH.
    Without --runner everything runs in this process. For a runner elsewhere:
    --runner universal --endpoint HOST:PORT, with --environment_type LOOPBACK to
    compute in this process nevertheless.

`

func main() {
	var j job
	flag.StringVar(&j.options.Model, "model", "", "the frozen net in `FILE`, which every worker can read; the built-in one, which reads digits, if not given")
	flag.IntVar(&j.options.Top, "top", 1, "write the `K` best answers to each picture")
	flag.IntVar(&j.options.Threads, "threads", 0, "compute on `N` threads for each bundle; GOMAXPROCS if not given")
	flag.StringVar(&j.images, "images", "", "read pictures, N×height×width, from the file `IDX`")
	flag.StringVar(&j.list, "files-from", "", "read paths of pictures from `LIST`, one per line")
	flag.StringVar(&j.archives, "tar", "", "read pictures from the tar files that match `ARCHIVES`")
	flag.StringVar(&j.output, "output", "", "write answers to files that begin with `PREFIX`")
	flag.StringVar(&j.bad, "bad", "", "write pictures without an answer to files that begin with `PREFIX`; among the answers if not given")
	flag.IntVar(&j.shards, "shards", 1, "write `N` files")
	flag.BoolVar(&j.force, "force", false, "write although there are files with the prefix")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	beam.Init()
	j.patterns = flag.Args()
	if err := j.check(); err != nil {
		fmt.Fprintf(os.Stderr, "infer-beam: %v (see infer-beam --help)\n", err)
		os.Exit(2)
	}
	if err := j.run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "infer-beam: %v\n", err)
		os.Exit(1)
	}
}

// A job is what the flags say.
type job struct {
	options                inferbeam.Options
	images, list, archives string
	patterns               []string
	output, bad            string
	shards                 int
	force                  bool
}

func (j *job) check() error {
	sources := 0
	for _, given := range []bool{j.images != "", j.list != "", j.archives != "", len(j.patterns) > 0} {
		if given {
			sources++
		}
	}
	switch {
	case sources != 1:
		return errors.New("one of --images, --files-from, --tar and pictures is needed")
	case j.output == "":
		return errors.New("--output is needed")
	case j.output == j.bad:
		return errors.New("--output and --bad must differ")
	case j.options.Top < 1 || j.shards < 1:
		return errors.New("--top and --shards: at least 1")
	case j.options.Threads < 0:
		return errors.New("--threads: at least 1")
	}
	return nil
}

func (j *job) run(ctx context.Context) error {
	for _, prefix := range []string{j.output, j.bad} {
		if prefix == "" {
			continue
		}
		if err := j.checkOutput(ctx, prefix); err != nil {
			return err
		}
	}
	pipeline, s := beam.NewPipelineWithRoot()
	answers, bad := inferbeam.Classify(s, j.options, j.pictures(s))
	lines, without := inferbeam.Lines(s, answers), inferbeam.Lines(s, bad)
	if j.bad == "" {
		lines = beam.Flatten(s, lines, without)
	} else {
		inferbeam.Write(s, j.bad, j.shards, without)
	}
	inferbeam.Write(s, j.output, j.shards, lines)

	runner := *runners.Runner
	if runner == "" {
		runner = "prism"
	}
	result, err := beam.Run(ctx, runner, pipeline)
	if err != nil {
		return err
	}
	counts := map[string]int64{}
	for _, c := range result.Metrics().AllMetrics().Counters() {
		if c.Namespace() == "infer" {
			counts[c.Name()] += c.Result()
		}
	}
	fmt.Fprintf(os.Stderr, "%d pictures, %d without an answer\n", counts["pictures"], counts["failures"])
	return nil
}

// checkOutput refuses to mix files with those of an earlier job.
func (j *job) checkOutput(ctx context.Context, prefix string) error {
	fs, err := filesystem.New(ctx, prefix)
	if err != nil {
		return err
	}
	defer fs.Close()
	old, err := fs.List(ctx, prefix+"-*-of-*.jsonl")
	if err != nil {
		return fmt.Errorf("%s: %w", prefix, err)
	}
	if len(old) > 0 && !j.force {
		return fmt.Errorf("%s exists: remove it, or give --force", old[0])
	}
	return nil
}

// pictures is the source.
func (j *job) pictures(s beam.Scope) beam.PCollection {
	switch {
	case j.images != "":
		return inferbeam.IDX(s, j.images)
	case j.list != "":
		return inferbeam.List(s, j.list)
	case j.archives != "":
		return inferbeam.Tar(s, j.archives)
	}
	return inferbeam.Match(s, j.patterns...)
}
