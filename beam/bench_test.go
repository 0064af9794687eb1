package inferbeam

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/idx"
	"github.com/infer-go/infer/internal/score"
	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/weights/digits"
)

// BenchmarkPictures answers 100,000 pictures of 28×28 pixels, 64 an element, none
// of them decoded: in a pipeline on Prism that writes the answers to files; by the
// pool of infer score, which makes the same lines; and in a loop on two
// goroutines, which only computes the best class. cpu-pictures/s are pictures for
// a second of processor time, which a machine with other work does not disturb.
func BenchmarkPictures(b *testing.B) {
	images := manyPictures(b)
	for _, c := range []struct {
		name string
		do   func(*testing.B, string) int
	}{{"loop", benchLoop}, {"score", benchScore}, {"prism", benchPrism}} {
		b.Run(c.name, func(b *testing.B) {
			begin, n := cpuTime(), 0
			for b.Loop() {
				n += c.do(b, images)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "pictures/s")
			b.ReportMetric(float64(n)/(cpuTime()-begin).Seconds(), "cpu-pictures/s")
		})
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// manyPictures is MNIST's test pictures ten times, in one file.
func manyPictures(b *testing.B) string {
	f, err := os.Open(testenv.File(b, "mnist", "t10k-images-idx3-ubyte.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	set, err := idx.Read(f)
	if err != nil {
		b.Fatal(err)
	}
	data := []byte{0, 0, 8, 3, 0, 1, 0x86, 0xa0, 0, 0, 0, 28, 0, 0, 0, 28}
	for range 10 {
		data = append(data, set.Data...)
	}
	path := filepath.Join(b.TempDir(), "pictures.idx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func eachBlock(b *testing.B, path string, do func(first int, data []byte)) int {
	f, err := openIDX(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for i := 0; i < f.Len(); i += together {
		data, err := f.Read(i, min(together, f.Len()-i))
		if err != nil {
			b.Fatal(err)
		}
		do(i, data)
	}
	return f.Len()
}

func benchLoop(b *testing.B, images string) int {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	blocks := make(chan []byte, 4)
	var threads sync.WaitGroup
	for range 2 {
		threads.Go(func() {
			s, err := m.NewSession(engine.SessionOptions{Batch: together})
			if err != nil {
				b.Error(err)
				return
			}
			defer s.Close()
			for data := range blocks {
				n := len(data) / 784
				picture.NormaliseGray(s.Input(0)[:len(data)], data, &m.Meta().Preparation)
				if err := s.Run(n); err != nil {
					b.Error(err)
				}
				for i := range n {
					if _, err := m.Top(s.Output(0)[10*i:][:10], 1); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	n := eachBlock(b, images, func(_ int, data []byte) { blocks <- data })
	close(blocks)
	threads.Wait()
	return n
}

func benchScore(b *testing.B, images string) int {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	out, err := os.Create(filepath.Join(b.TempDir(), "lines"))
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	pool := score.NewPool(m, 2, 1)
	defer pool.Close()
	var begun []*score.Batch
	write := func() {
		answers, err := begun[0].Wait()
		if err != nil {
			b.Fatal(err)
		}
		for _, a := range answers {
			out.Write(a.Line)
		}
		begun = begun[1:]
	}
	n := eachBlock(b, images, func(first int, data []byte) {
		begun = append(begun, pool.Begin(split(Pixels{File: images, First: first, Width: 28, Height: 28, Data: data})))
		if len(begun) > 4 {
			write()
		}
	})
	for len(begun) > 0 {
		write()
	}
	return n
}

func benchPrism(b *testing.B, images string) int {
	p, s := beam.NewPipelineWithRoot()
	answers, _ := Classify(s, Options{Threads: 2}, IDX(s, images))
	Write(s, filepath.Join(b.TempDir(), "answers"), 2, Lines(s, answers))
	result, err := beam.Run(context.Background(), "prism", p)
	if err != nil {
		b.Fatal(err)
	}
	return counters(result)["pictures"]
}
