package inferbeam

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	_ "image/png"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

func TestMain(m *testing.M) {
	flag.Parse()
	beam.Init()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

func init() {
	register.Function3x1[beam.Window, beam.EventTime, Answer, string](where)
	register.Function1x2[Answer, beam.EventTime, string](whenAnswered)
	register.Function1x2[int, beam.EventTime, Pixels](drawn)
	register.Function1x2[int, beam.EventTime, string](pathAt)
	register.Function1x1[Bad, string](named)
	register.Function1x1[Tensors, string](told)
	register.Function3x1[context.Context, Answer, func([]byte), error](poison)
	register.Emitter1[[]byte]()
}

// run runs a pipeline on Prism within this process, which must end well.
func run(t testing.TB, p *beam.Pipeline) beam.PipelineResult {
	t.Helper()
	result, err := beam.Run(context.Background(), "prism", p)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// counters are the counts of a pipeline, and of distributions how many there were.
func counters(result beam.PipelineResult) map[string]int {
	n := map[string]int{}
	for _, c := range result.Metrics().AllMetrics().Counters() {
		n[c.Name()] += int(c.Result())
	}
	for _, d := range result.Metrics().AllMetrics().Distributions() {
		if d.Namespace() == "infer" {
			n[d.Name()] += int(d.Result().Count)
		}
	}
	return n
}

// sevenPath is a picture of a 7.
func sevenPath(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "testdata", "7.png"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// block is n pictures of a stroke, no two of them the same.
func block(first, n int) Pixels {
	p := Pixels{File: "strokes", First: first, Width: 28, Height: 28, Data: make([]byte, n*784)}
	for i := range n {
		pix := p.Data[i*784:][:784]
		for y := 4; y < 24; y++ {
			x := 13 + (y-14)*((first+i)%9-4)/8
			pix[y*28+x], pix[y*28+x+1] = 255, byte(100+(first+i)%150)
		}
	}
	return p
}

// collector is what a runner would get of a DoFn of Classify.
type collector struct {
	lines []string
	times []beam.EventTime
	bad   []Bad
}

func (c *collector) answer(at beam.EventTime, a Answer) {
	c.lines, c.times = append(c.lines, string(a.Line)), append(c.times, at)
}

func (c *collector) failure(_ beam.EventTime, b Bad) { c.bad = append(c.bad, b) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A bundle that was cut off before its end is processed again, by the same instance
// or by a new one, and gives what it gives without that, each picture once.
func TestBundleAgain(t *testing.T) {
	ctx := context.Background()
	elements := []Pixels{block(0, 64), block(64, 1), block(65, 200), block(265, 3)}
	at := func(i int) beam.EventTime { return mtime.FromMilliseconds(int64(1000 * i)) }
	whole := func(f *classifyPixelsFn, want *collector) {
		t.Helper()
		var got collector
		f.StartBundle(ctx, got.answer, got.failure)
		for i, e := range elements {
			check(t, f.ProcessElement(ctx, at(i), e, got.answer, got.failure))
		}
		check(t, f.FinishBundle(ctx, got.answer, got.failure))
		if len(got.lines) != 268 || len(got.bad) != 0 {
			t.Fatalf("%d answers, %d bad", len(got.lines), len(got.bad))
		}
		for i := range got.lines {
			element := slices.IndexFunc(elements, func(p Pixels) bool { return i < p.First+len(p.Data)/784 })
			if !strings.Contains(got.lines[i], fmt.Sprintf(`"file":"strokes#%d"`, i)) || got.times[i] != at(element) {
				t.Fatalf("answer %d at %v: %s", i, got.times[i], got.lines[i])
			}
		}
		if want.lines == nil {
			*want = got
		} else if !slices.Equal(got.lines, want.lines) {
			t.Error("the second time it gives something else")
		}
	}
	fn := func(threads int) *classifyPixelsFn {
		f := &classifyPixelsFn{classifier{Options: Options{Threads: threads}, Across: true}}
		check(t, f.Setup(ctx))
		t.Cleanup(f.Teardown)
		return f
	}
	var want collector
	same, fresh := fn(3), fn(1)
	whole(same, &want)
	for n := range elements { // cut off behind n elements
		var lost collector
		same.StartBundle(ctx, lost.answer, lost.failure)
		for i, e := range elements[:n] {
			check(t, same.ProcessElement(ctx, at(i), e, lost.answer, lost.failure))
		}
		whole(same, &want)
	}
	whole(fresh, &want)
	// In other windows nothing is put by.
	alone := &classifyPixelsFn{classifier{Options: Options{Threads: 2}}}
	check(t, alone.Setup(ctx))
	defer alone.Teardown()
	var got collector
	alone.StartBundle(ctx, got.answer, got.failure)
	for i, e := range elements {
		check(t, alone.ProcessElement(ctx, at(i), e, got.answer, got.failure))
		if last := e.First + len(e.Data)/784; len(got.lines) != last {
			t.Errorf("%d answers behind picture %d", len(got.lines), last)
		}
	}
	if !slices.Equal(got.lines, want.lines) {
		t.Error("alone it gives something else")
	}
}

// The same for raw tensors.
func TestRunAgain(t *testing.T) {
	ctx := context.Background()
	f := &runFn{Options: Options{Threads: 2}, Across: true}
	check(t, f.Setup(ctx))
	defer f.Teardown()
	once := func(cut int) (out []string) {
		emit := func(_ beam.EventTime, x Tensors) { out = append(out, fmt.Sprint(x)) }
		bad := func(_ beam.EventTime, b Bad) { out = append(out, b.Name+" "+b.Reason) }
		for _, n := range []int{cut, 200} {
			out = nil
			f.StartBundle(ctx, emit, bad)
			for i := range n {
				check(t, f.ProcessElement(ctx, 0, input(i), emit, bad))
			}
		}
		check(t, f.FinishBundle(ctx, emit, bad))
		return out
	}
	want := once(0)
	if got := once(77); !slices.Equal(got, want) || len(got) != 200 || slices.Compact(slices.Clone(got))[199] != got[199] {
		t.Errorf("%d outputs, then %d", len(want), len(got))
	}
}

// input is a tensor for the built-in net; every tenth is none.
func input(i int) Tensors {
	x := make([]float32, 784)
	for k := range x {
		x[k] = float32((k*k+i)%97) / 97
	}
	values := [][]byte{tensor.Bytes(x)}
	if i%10 == 9 {
		values[0] = values[0][1:]
	}
	return Tensors{fmt.Sprint(i), values}
}

func told(x Tensors) string { return fmt.Sprint(x) }
func named(b Bad) string    { return b.Name + ": " + b.Reason }

// Tensors through a pipeline come out as of a Session.
func TestRun(t *testing.T) {
	ctx := context.Background()
	m, err := model(ctx, "")
	check(t, err)
	session, err := m.NewSession(engine.SessionOptions{})
	check(t, err)
	defer session.Close()
	var in []any
	var want, bad []any
	for i := range 300 {
		x := input(i)
		in = append(in, x)
		if i%10 == 9 {
			bad = append(bad, x.Name+": input 0 has 3135 bytes, where the model takes 3136")
			continue
		}
		copy(session.InputBytes(0), x.Values[0])
		check(t, session.Run(1))
		want = append(want, fmt.Sprint(Tensors{x.Name, [][]byte{session.OutputBytes(0)}}))
	}
	p, s := beam.NewPipelineWithRoot()
	out, wrong := Run(s, Options{}, beam.Create(s, in...))
	passert.Equals(s, beam.ParDo(s, told, out), want...)
	passert.Equals(s, beam.ParDo(s, named, wrong), bad...)
	if n := counters(run(t, p)); n["pictures"] != 300 || n["failures"] != 30 || n["picture_ns"] == 0 {
		t.Errorf("metrics %v", n)
	}
}

// An item without a result does not take the others of its batch with it.
func TestRunSeparates(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "table.frz")
	saveTable(t, path)
	f := &runFn{Options: Options{Model: path, Threads: 1}, Across: true}
	check(t, f.Setup(ctx))
	defer f.Teardown()
	var good, bad []string
	emit := func(_ beam.EventTime, x Tensors) { good = append(good, fmt.Sprint(x.Name, x.Values[0][0])) }
	failed := func(_ beam.EventTime, b Bad) { bad = append(bad, b.Name) }
	f.StartBundle(ctx, emit, failed)
	for i, v := range []int64{0, 9, 1, -9, 3} {
		check(t, f.ProcessElement(ctx, 0, Tensors{fmt.Sprint(i, "="), [][]byte{tensor.Bytes([]int64{v})}}, emit, failed))
	}
	check(t, f.FinishBundle(ctx, emit, failed))
	if !slices.Equal(good, []string{"0=5", "2=6", "4=8"}) || !slices.Equal(bad, []string{"1=", "3="}) {
		t.Errorf("good %q, bad %q", good, bad)
	}
}

func drawn(i int) (beam.EventTime, Pixels) {
	return mtime.FromMilliseconds(int64(i) * 1000), block(i, 1)
}
func pathAt(i int) (beam.EventTime, string)          { return mtime.FromMilliseconds(int64(i) * 1000), theSeven }
func whenAnswered(a Answer) (beam.EventTime, string) { return 0, a.Name }

var theSeven, _ = filepath.Abs(filepath.Join("..", "testdata", "7.png"))

func where(w beam.Window, at beam.EventTime, a Answer) string {
	return fmt.Sprintf("%s at %d until %d", a.Name, at.Milliseconds()/1000, w.MaxTimestamp().Milliseconds()/1000)
}

// Answers stay in the windows and at the times of their pictures.
func TestWindows(t *testing.T) {
	numbers := make([]any, 30)
	for i := range numbers {
		numbers[i] = i
	}
	for name, c := range map[string]struct {
		fn   *window.Fn
		ends func(i int) []int64
	}{
		"global":   {window.NewGlobalWindows(), func(int) []int64 { return []int64{mtime.EndOfGlobalWindowTime.Milliseconds() / 1000} }},
		"fixed":    {window.NewFixedWindows(10 * time.Second), func(i int) []int64 { return []int64{int64(i/10*10 + 9)} }},
		"sliding":  {window.NewSlidingWindows(10*time.Second, 20*time.Second), func(i int) []int64 { return []int64{int64(i/10*10 + 9), int64(i/10*10 + 19)} }},
		"sessions": {window.NewSessions(5 * time.Second), func(i int) []int64 { return []int64{int64(i + 4)} }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []any
			for i := range 30 {
				for _, end := range c.ends(i) {
					want = append(want, fmt.Sprintf("strokes#%d at %d until %d", i, i, end))
				}
			}
			p, s := beam.NewPipelineWithRoot()
			pictures := beam.WindowInto(s, c.fn, beam.ParDo(s, drawn, beam.Create(s, numbers...)))
			answers, _ := Classify(s, Options{Threads: 2}, pictures)
			places := beam.WindowInto(s, window.NewGlobalWindows(), beam.ParDo(s, where, answers))
			passert.Equals(s, places, want...)
			if n := counters(run(t, p)); n["pictures"] != 30 {
				t.Errorf("metrics %v", n)
			}
		})
	}
}

// Pictures come from everywhere, and those that are bad with a reason.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	seven, err := os.ReadFile(sevenPath(t))
	check(t, err)
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, data, 0o600))
		return path
	}
	good, bad, empty := put("a.png", seven), put("b.png", []byte("no picture")), put("c.png", nil)
	missing := filepath.Join(dir, "missing.png")
	reasons := []any{
		bad + ": " + bad + ": not a PNG, JPEG, GIF, BMP, TIFF or WebP picture",
		empty + ": " + empty + ": the file is empty",
	}
	list := put("list", []byte(good+"\r\n\n"+bad+"\n"+empty+"\n"+missing))
	archive := archiveOf(t, map[string][]byte{"x/7.png": seven, "x/b.png": []byte("no picture"), "x/label.txt": nil})
	tarred, zipped := put("t.tar", archive), put("t.tar.gz", compressed(t, archive))
	for name, c := range map[string]struct {
		source  func(beam.Scope) beam.PCollection
		answers []any
		bad     []any
	}{
		"match": {func(s beam.Scope) beam.PCollection { return Match(s, filepath.Join(dir, "*.png")) }, []any{good}, reasons},
		"list":  {func(s beam.Scope) beam.PCollection { return List(s, list) }, []any{good}, append(reasons, missing+": "+missing+": no such file or directory")},
		"tar": {func(s beam.Scope) beam.PCollection { return Tar(s, filepath.Join(dir, "*.tar*")) }, []any{tarred + "#x/7.png", zipped + "#x/7.png"}, []any{
			tarred + "#x/b.png: " + tarred + "#x/b.png: not a PNG, JPEG, GIF, BMP, TIFF or WebP picture",
			zipped + "#x/b.png: " + zipped + "#x/b.png: not a PNG, JPEG, GIF, BMP, TIFF or WebP picture"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, s := beam.NewPipelineWithRoot()
			answers, wrong := Classify(s, Options{}, c.source(s))
			passert.Equals(s, beam.ParDo(s, sevenName, answers), c.answers...)
			passert.Equals(s, beam.ParDo(s, named, wrong), c.bad...)
			if n := counters(run(t, p)); n["pictures"] != len(c.answers)+len(c.bad) || n["failures"] != len(c.bad) {
				t.Errorf("metrics %v", n)
			}
		})
	}
	for name, source := range map[string]func(beam.Scope) beam.PCollection{
		"nothing fits": func(s beam.Scope) beam.PCollection { return Match(s, filepath.Join(dir, "*.jpg")) },
		"no archive":   func(s beam.Scope) beam.PCollection { return Tar(s, bad) },
	} {
		p, s := beam.NewPipelineWithRoot()
		Classify(s, Options{}, source(s))
		if _, err := beam.Run(context.Background(), "prism", p); err == nil {
			t.Errorf("%s: the job succeeds", name)
		}
	}
	p, s := beam.NewPipelineWithRoot()
	Classify(s, Options{}, IDX(s, list))
	if _, err := beam.Run(context.Background(), "prism", p); err == nil || !strings.Contains(err.Error(), "not an IDX file") {
		t.Errorf("a list as IDX: %v", err)
	}
}

// sevenName is the name of a picture of a 7.
func sevenName(a Answer) string {
	classes, err := a.Classes()
	if err != nil || len(classes) != 1 || classes[0].Label != "7" {
		return string(a.Line)
	}
	return a.Name
}

func init() { register.Function1x1[Answer, string](sevenName) }

// poison fails at one picture.
func poison(_ context.Context, a Answer, emit func([]byte)) error {
	if a.Name == "strokes#150" {
		return errors.New("poisoned")
	}
	emit(a.Line)
	return nil
}

// A bundle that fails makes the job fail, and nothing has a final name; nor is
// anything lost or doubled in a job that succeeds.
func TestWrite(t *testing.T) {
	for _, fails := range []bool{false, true} {
		prefix := filepath.Join(t.TempDir(), "out", "part")
		p, s := beam.NewPipelineWithRoot()
		answers, _ := Classify(s, Options{}, beam.Create(s, block(0, 64), block(64, 64), block(128, 64)))
		lines := Lines(s, answers)
		if fails {
			lines = beam.ParDo(s, poison, answers)
		}
		Write(s, prefix, 5, lines)
		_, err := beam.Run(context.Background(), "prism", p)
		if (err != nil) != fails {
			t.Fatalf("fails is %v: %v", fails, err)
		}
		files, _ := filepath.Glob(prefix + "*")
		if fails {
			if len(files) != 0 {
				t.Errorf("a failed job leaves %q", files)
			}
			continue
		}
		seen := map[string]int{}
		for i, file := range files {
			if file != Shard(prefix, i, 5) {
				t.Errorf("file %d is %s", i, file)
			}
			data, err := os.ReadFile(file)
			check(t, err)
			for line := range strings.Lines(string(data)) {
				seen[line]++
			}
		}
		hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(prefix), ".*"))
		if len(files) != 5 || len(seen) != 192 || len(hidden) != 0 {
			t.Errorf("%d files, %d lines, left over %q", len(files), len(seen), hidden)
		}
		for line, n := range seen {
			if n != 1 {
				t.Errorf("%d times %s", n, line)
			}
		}
	}
}

// Names are given once more where a runner asks for that, and what cannot be written
// is an error that leaves nothing.
func TestWriteAgain(t *testing.T) {
	ctx := context.Background()
	prefix := filepath.Join(t.TempDir(), "part")
	shard := &writeShardFn{Prefix: prefix, Shards: 1}
	write := func(text string) (names string, err error) {
		blocks := []string{text, "\n"}
		err = shard.ProcessElement(ctx, 0, func(b *[]byte) bool {
			if len(blocks) == 0 {
				return false
			}
			*b, blocks = []byte(blocks[0]), blocks[1:]
			return true
		}, func(_ int, pair string) { names = pair })
		return names, err
	}
	give := func(names string) error {
		more := true
		return (&renameFn{}).ProcessElement(ctx, 0, func(s *string) bool {
			*s = names
			defer func() { more = false }()
			return more
		})
	}
	names, err := write("one")
	check(t, err)
	if files, _ := filepath.Glob(prefix + "*"); len(files) != 0 {
		t.Errorf("before its time there is %q", files)
	}
	check(t, give(names))
	check(t, give(names))
	if data, _ := os.ReadFile(Shard(prefix, 0, 1)); !bytes.Equal(data, []byte("one\n")) {
		t.Errorf("written is %q", data)
	}
	if err := give(prefix + ".x\n" + prefix + ".y"); err == nil {
		t.Error("a file that never was has its name")
	}
	if runtime.GOOS == "linux" {
		shard.Prefix = "/proc/none/part"
		if _, err := write("one"); err == nil || !strings.Contains(err.Error(), Shard(shard.Prefix, 0, 1)) {
			t.Errorf("into nowhere: %v", err)
		}
	}
}

// What cannot be read now fails the job: it is not said of the picture.
func TestUnreadable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no file that exists and cannot be read")
	}
	prefix := filepath.Join(t.TempDir(), "part")
	p, s := beam.NewPipelineWithRoot()
	answers, _ := Classify(s, Options{}, beam.Create(s, sevenPath(t), "/proc/self/mem"))
	Write(s, prefix, 1, Lines(s, answers))
	if _, err := beam.Run(context.Background(), "prism", p); err == nil || !strings.Contains(err.Error(), "/proc/self/mem") {
		t.Errorf("the job ends with %v", err)
	}
	if files, _ := filepath.Glob(prefix + "*"); len(files) != 0 {
		t.Errorf("it leaves %q", files)
	}
}

// A model is opened once, whoever asks; and one that is none, is none for all.
func TestModels(t *testing.T) {
	ctx := context.Background()
	var group sync.WaitGroup
	got := make([]*engine.Model, 8)
	for i := range got {
		group.Go(func() { got[i], _ = model(ctx, "") })
	}
	group.Wait()
	for _, m := range got {
		if m == nil || m != got[0] {
			t.Errorf("%p and %p", m, got[0])
		}
	}
	for _, path := range []string{"missing.frz", sevenPath(t), "nowhere://x"} {
		f := &classifyPathsFn{classifier{Options: Options{Model: path}}}
		if err := f.Setup(ctx); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		f.Teardown()
		r := &runFn{Options: Options{Model: path}}
		if err := r.Setup(ctx); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
	bad := &classifyPixelsFn{classifier{Across: true}}
	check(t, bad.Setup(ctx))
	defer bad.Teardown()
	var c collector
	for _, p := range []Pixels{{}, {Width: -1, Height: -1, Data: []byte{1}}, {Width: 2, Height: 2, Data: []byte{1}}, {Width: math.MaxInt, Height: 2, Data: []byte{1}}} {
		if err := bad.ProcessElement(ctx, 0, p, c.answer, c.failure); err == nil {
			t.Errorf("%+v are pictures", p)
		}
	}
	for _, wrong := range []func(beam.Scope){
		func(s beam.Scope) { Classify(s, Options{}, beam.Create(s, 1)) },
		func(s beam.Scope) { Run(s, Options{}, beam.Create(s, "x")) },
		func(s beam.Scope) { Lines(s, beam.Create(s, "x")) },
		func(s beam.Scope) { Write(s, "x", 0, beam.Create(s, []byte("x"))) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a pipeline of wrong types is made")
				}
			}()
			_, s := beam.NewPipelineWithRoot()
			wrong(s)
		}()
	}
}

// All elements go through a coder and come back.
func TestElements(t *testing.T) {
	for _, element := range []any{
		Picture{"a", []byte{1, 2}}, block(3, 2), Answer{"a", []byte("x\n")}, Bad{"a", "b", nil}, input(1), span{"a", 1 << 40, 2},
	} {
		typ := reflect.TypeOf(element)
		var b bytes.Buffer
		check(t, beam.NewElementEncoder(typ).Encode(element, &b))
		got, err := beam.NewElementDecoder(typ).Decode(&b)
		check(t, err)
		if fmt.Sprint(got) != fmt.Sprint(element) {
			t.Errorf("%v became %v", element, got)
		}
	}
}
