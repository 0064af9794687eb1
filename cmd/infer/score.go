package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/score"
)

var scoreCommand = command{
	name: "score",
	args: "[--model F] [--top K] (--files-from LIST | --images IDX) [--shard I/N] --output PART [--force]",
	help: `
Compute one shard of a batch job: answer the pictures whose paths are in LIST,
or those of a data set in MNIST's IDX format, in lines like those of infer
--json. Pictures of a data set are named IDX#n, counted from 0, and treated as
by infer eval. The pictures are divided, in order, into N shards of equal
length, to within one; this computes shard I, counted from 0. The parts of all
shards, concatenated in order, equal the part of shard 0/1.
PART gets its name when it is complete; a run that ends early leaves nothing
under that name, and starts from the beginning the next time. PART.json holds
the digests of model, list and flags: an existing part is skipped if they are
the same, unless --force is given. A picture without an answer gets a line that
says why, and is counted; it does not make the part fail. But if a file that
exists cannot be read, the part fails, and may be retried.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		j := job{shard: shard{0, 1}}
		flags.IntVar(&j.top, "top", 1, "write the `K` best answers to each picture")
		flags.StringVar(&j.list, "files-from", "", "read paths of pictures from `LIST`, one per line")
		flags.StringVar(&j.images, "images", "", "read pictures, N×height×width, from the file `IDX`")
		flags.Var(&j.shard, "shard", "answer shard `I/N` of the pictures, from 0/N to N−1/N; 0/1, all of them, if not given")
		flags.StringVar(&j.output, "output", "", "write the answers to `PART`")
		flags.BoolVar(&j.force, "force", false, "compute again even if PART exists")
		flags.IntVar(&j.threads, "threads", runtime.GOMAXPROCS(0), "compute on `N` threads")
		return func(a *app, args []string) error {
			switch {
			case len(args) > 0:
				return usagef("%q is not expected", args[0])
			case (j.list == "") == (j.images == ""):
				return usagef("one of --files-from and --images is needed")
			case j.list == "-" || j.images == "-":
				return usagef("other shards cannot read standard input again: give a file")
			case j.output == "" || j.output == "-":
				return usagef("--output is needed: a file")
			}
			if err := atLeastOne("top", j.top); err != nil {
				return err
			}
			if err := atLeastOne("threads", j.threads); err != nil {
				return err
			}
			for _, out := range []string{j.output, j.output + ".json"} {
				if err := checkOutput(out, j.list+j.images, string(*model)); err != nil {
					return err
				}
			}
			j.model = *model
			return a.score(&j)
		}
	},
}

// A job is a part of a batch.
type job struct {
	model        modelFile
	list, images string // one of them
	output       string
	shard        shard
	top, threads int
	force        bool
}

// A shard is part index of count.
type shard struct{ index, count int }

func (s *shard) String() string { return fmt.Sprintf("%d/%d", s.index, s.count) }

func (s *shard) Set(text string) error {
	index, count, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if err1 != nil || err2 != nil || i < 0 || i >= n || n > 1<<20 {
		return errors.New("needs I/N, from 0/N to N−1/N")
	}
	s.index, s.count = i, n
	return nil
}

// of is the part of n things: from the first to the one before the last.
func (s *shard) of(n int) (first, last int) {
	at := func(i int) int { return n/s.count*i + int(int64(n%s.count)*int64(i)/int64(s.count)) }
	return at(s.index), at(s.index + 1)
}

// score answers a part of the pictures, unless that has been done.
func (a *app) score(j *job) error {
	source, err := a.openSource(j)
	if err != nil {
		return err
	}
	defer source.Close()
	want, err := j.manifest(source.digest)
	if err != nil {
		return err
	}
	if have, ok := readManifest(j.output); ok && !j.force && have.same(want) {
		fmt.Fprintf(a.stderr, "%s is complete: %s, %d without an answer\n", printable(j.output), counted(have.Pictures, "pictures"), have.Failed)
		return nil
	}
	m, err := j.model.open()
	if err != nil {
		return err
	}
	defer m.Close()
	if err := score.Check(m); err != nil {
		return inFile(j.model.name(), err)
	}
	if j.list != "" {
		if err := j.model.checkPictures(m); err != nil {
			return err
		}
	}
	done, err := a.writePart(j, m, source)
	if err != nil {
		return err
	}
	want.result = done
	want.Kernels, want.Version = m.Kernels(), version()
	if err := want.write(a, j.output); err != nil {
		return err
	}
	if done.Failed > 0 {
		a.complain("%s: %d of %s without an answer", j.output, done.Failed, counted(done.Pictures, "pictures"))
	}
	return nil
}

// writePart answers the pictures, in order.
func (a *app) writePart(j *job, m *engine.Model, source *source) (done result, err error) {
	first, last := j.shard.of(source.count)
	bar := a.newProgress("pictures", last-first)
	defer bar.end()
	err = a.save(j.output, func(w io.Writer) error {
		pool := score.NewPool(m, j.threads, j.top)
		defer pool.Close()
		batches, failed := make(chan *score.Batch, 2*j.threads), make(chan error, 1)
		stop := make(chan struct{})
		go func() {
			defer close(batches)
			failed <- source.each(first, last, func(pictures []score.Picture) bool {
				select {
				case batches <- pool.Begin(pictures):
					return true
				case <-stop:
					return false
				}
			})
		}()
		defer func() {
			close(stop)
			for range batches { // nothing is begun when the pool is closed
			}
		}()
		sum := newDigest()
		w = io.MultiWriter(w, sum)
		for b := range batches {
			answers, err := b.Wait()
			if err != nil {
				return err
			}
			for _, answer := range answers {
				if answer.Err != nil {
					done.Failed++
				}
				n, err := w.Write(answer.Line)
				if err != nil {
					return err
				}
				done.Bytes += int64(n)
			}
			done.Pictures += len(answers)
			bar.set(done.Pictures)
		}
		done.Digest = sum.String()
		return <-failed
	})
	return done, err
}
