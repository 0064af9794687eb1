package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/digits"
)

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// mustScore does a part and returns what is in it, and what is said.
func mustScore(t *testing.T, args ...string) (part, said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "part.jsonl")
	code, out, said := infer("", append([]string{"score", "--output", file}, args...)...)
	if code != exitOK || out != "" {
		t.Fatalf("infer score %q: exit code %d, %q, %q", args, code, out, said)
	}
	return read(t, file), said
}

func TestShards(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 64, 1000, math.MaxInt} {
		for _, count := range []int{1, 2, 3, 7, 64, 1 << 20} {
			next := 0
			for i := range min(count, 1000) {
				first, last := (&shard{i, count}).of(n)
				if first != next || last < first || last-first-1 > n/count {
					t.Fatalf("%d/%d of %d is %d to %d, and begins behind %d", i, count, n, first, last, next)
				}
				next = last
			}
			if count <= 1000 && next != n {
				t.Errorf("%d shards of %d end at %d", count, n, next)
			}
		}
	}
}

// The parts of all shards are the one part of a run without shards, whatever the
// threads, and what infer eval says of the pictures is what they say.
func TestScoreImages(t *testing.T) {
	if testing.Short() {
		t.Skip("it scores 10,000 pictures several times")
	}
	set := mnist(t)
	images, labels := testenv.File(t, "mnist", "t10k-images-idx3-ubyte.gz"), testenv.File(t, "mnist", "t10k-labels-idx1-ubyte.gz")
	whole, said := mustScore(t, "--images", images, "--threads", "1")
	if said != "" {
		t.Errorf("it says %q", said)
	}
	parts := ""
	for i := range 4 {
		part, _ := mustScore(t, "--images", images, "--shard", fmt.Sprintf("%d/4", i), "--threads", "3")
		parts += part
	}
	if parts != whole {
		t.Error("the parts of four shards are not the whole")
	}
	lines := strings.Split(strings.TrimSuffix(whole, "\n"), "\n")
	if len(lines) != 10_000 {
		t.Fatalf("%d lines", len(lines))
	}
	correct := 0
	for i, line := range lines {
		var a struct {
			File string
			Top  []struct{ Index int }
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil || a.File != fmt.Sprintf("%s#%d", images, i) || len(a.Top) != 1 {
			t.Fatalf("line %d: %v, %s", i, err, line)
		}
		if a.Top[0].Index == int(set.labels.Data[i]) {
			correct++
		}
	}
	var e evaluation
	if err := json.Unmarshal([]byte(mustInfer(t, "eval", "--images", images, "--labels", labels, "--json")), &e); err != nil || e.Correct != correct {
		t.Errorf("%d are right, where eval has %d, %v", correct, e.Correct, err)
	}
	// A file that is not compressed is read in parts.
	data := append([]byte{0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 0, 28, 0, 0, 0, 28}, set.images.Data[:100*784]...)
	plain := write(t, "plain.idx", data)
	part, _ := mustScore(t, "--images", plain, "--shard", "1/3")
	if want := strings.Join(lines[33:66], "\n") + "\n"; strings.ReplaceAll(part, plain, images) != want {
		t.Error("a plain file gives other lines")
	}
	if part, _ := mustScore(t, "--images", idxFile(t, make([]byte, 784), 1, 28, 28), "--shard", "1/2", "--top", "3"); strings.Count(part, `"index"`) != 3 {
		t.Errorf("the second half of one picture is %q", part)
	}
	if part, _ := mustScore(t, "--images", idxFile(t, make([]byte, 784), 1, 28, 28), "--shard", "0/2"); part != "" {
		t.Errorf("the first half of one picture is %q", part)
	}
}

// Lines are those of infer --json, for every kind of net, and for pictures
// without an answer.
func TestScoreFiles(t *testing.T) {
	var list []string
	files, err := filepath.Glob(filepath.Join(testdata, "[0-9].*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	bad := []string{write(t, "bad.png", []byte("no picture")), write(t, "empty.png", nil), "missing.png", t.TempDir(), "bad.png/x", blank(t, 40, 30)}
	for i := range 150 {
		if list = append(list, files[i%len(files)]); i%20 == 10 {
			list = append(list, bad[i/20%len(bad)])
		}
	}
	list = append(list, plainPicture(t, 50, 9, color.NRGBA{200, 10, 30, 255}))
	for name, model := range map[string]string{
		"digits": "", "boxes": saveNet(t, oneBox()), "open": colours(t, true), "mask": saveNet(t, pixels(weights.Mask)), "picture": saveNet(t, pixels(weights.Picture)),
	} {
		var args []string
		if model != "" {
			args = []string{"--model", model}
		}
		// What is a folder for infer is one path here.
		files := strings.ReplaceAll(strings.Join(list, "\n"), bad[3], "missing2.png")
		_, want, _ := infer(files, append(args, "--json", "--top", "2", "--files-from", "-")...)
		file := write(t, "list", []byte(files+"\r\n\n"))
		got, said := mustScore(t, append(args, "--files-from", file, "--top", "2")...)
		if got != want {
			t.Errorf("%s: the lines differ: %d and %d bytes", name, len(got), len(want))
		}
		failed := strings.Count(got, `"error":"`)
		if failed == 0 || !strings.Contains(said, fmt.Sprintf("%d of %d pictures without an answer", failed, len(list))) {
			t.Errorf("%s: %d have no answer, and it says %q", name, failed, said)
		}
	}
	if part, _ := mustScore(t, "--files-from", write(t, "list", []byte(bad[3]))); !strings.Contains(part, "it is a folder") {
		t.Errorf("a folder: %s", part)
	}
}

// A part that is there is computed again only if it would be another, or is
// damaged.
func TestScoreSkips(t *testing.T) {
	dir := t.TempDir()
	list, part, other := filepath.Join(dir, "list"), filepath.Join(dir, "part"), filepath.Join(dir, "other.frz")
	seven, one := filepath.Join(testdata, "7.png"), filepath.Join(testdata, "1.png")
	put := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put(list, seven+"\n"+one)
	put(other, string(digits.Data))
	score := func(skipped bool, args ...string) {
		t.Helper()
		before, _ := os.Stat(part)
		code, _, said := infer("", append([]string{"score", "--files-from", list, "--output", part}, args...)...)
		if code != exitOK || strings.Contains(said, "is complete: ") != skipped {
			t.Errorf("%q: exit code %d, it says %q", args, code, said)
		}
		if after, err := os.Stat(part); err != nil || before != nil && os.SameFile(before, after) != skipped {
			t.Errorf("%q: skipped is %v, but the file says another thing, %v", args, skipped, err)
		}
	}
	score(false)
	score(true)
	score(true, "--model", other) // the same bytes
	score(true, "--threads", "1")
	score(false, "--force")
	score(false, "--top", "2")
	score(true, "--top", "2")
	score(false, "--top", "2", "--shard", "0/2")
	score(false)
	put(list, one+"\n"+seven)
	score(false)
	if got := read(t, part); !strings.HasPrefix(got, fmt.Sprintf("{%q:%q", "file", one)) {
		t.Errorf("the part of another list is %s", got)
	}
	put(part, read(t, part)[1:])
	score(false)
	put(part+".json", "{")
	score(false)
	os.Remove(part)
	score(false)
	put(other, read(t, saveNet(t, twoClasses(1, 1))))
	score(false, "--model", other)
	score(true, "--model", other)
	var m manifest
	decode(t, read(t, part+".json"), &m, "model", "list", "flags", "pictures", "failed", "bytes", "digest", "version", "kernels")
	if m.Pictures != 2 || m.Failed != 0 || m.Bytes != int64(len(read(t, part))) {
		t.Errorf("%+v", m)
	}
}

func TestScoreErrors(t *testing.T) {
	list, part := write(t, "list", []byte(filepath.Join(testdata, "7.png"))), filepath.Join(t.TempDir(), "part")
	for _, c := range []struct {
		args, says string
	}{
		{"", "one of --files-from and --images"},
		{"--files-from LIST --images LIST --output PART", "one of --files-from and --images"},
		{"--files-from - --output PART", "standard input"},
		{"--files-from LIST", "--output is needed"},
		{"--files-from LIST --output -", "--output is needed"},
		{"--files-from LIST --output PART --shard 4/4", "--shard: needs I/N"},
		{"--files-from LIST --output PART --shard -1/4", "--shard: needs I/N"},
		{"--files-from LIST --output PART --shard 1", "--shard: needs I/N"},
		{"--files-from LIST --output PART --top 0", "--top 0: at least 1"},
		{"--files-from LIST --output PART --threads 0", "--threads 0: at least 1"},
		{"--files-from LIST --output LIST", "is an input too"},
		{"--files-from LIST --output PART x", "is not expected"},
	} {
		args := strings.Fields(strings.NewReplacer("LIST", list, "PART", part).Replace(c.args))
		mustFail(t, exitUsage, []string{"score: ", c.says}, append([]string{"score"}, args...)...)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--files-from", "missing"}, "missing: no such file"},
		{[]string{"--images", list}, "not an IDX file"},
		{[]string{"--images", idxFile(t, []byte{1, 2}, 2)}, "three dimensions"},
		{[]string{"--images", idxFile(t, []byte{1, 2}, 1, 1, 3)}, "cut off"},
		{[]string{"--images", idxFile(t, []byte{1, 2}, 1, 1, 1)}, "holds more"},
		{[]string{"--files-from", write(t, "empty", nil)}, "the list contains no pictures"},
		{[]string{"--files-from", list, "--model", "missing.frz"}, "missing.frz: no such file"},
		{[]string{"--files-from", list, "--model", colours(t, false)}, "freeze it with infer convert --crop"},
	} {
		mustFail(t, exitFailed, []string{c.says}, append([]string{"score", "--output", part}, c.args...)...)
	}
	if runtime.GOOS == "linux" { // where a file exists that cannot be read
		if _, err := os.ReadFile("/proc/self/mem"); err != nil && !errors.Is(err, os.ErrPermission) {
			mustFail(t, exitFailed, []string{"/proc/self/mem: "}, "score", "--output", part, "--files-from", write(t, "list", []byte("/proc/self/mem")))
		}
	}
	if names, err := os.ReadDir(filepath.Dir(part)); err != nil || len(names) != 0 {
		t.Errorf("left over: %v, %v", names, err)
	}
}

// JSON has no infinities: the line says so.
func TestScoreThatIsNoJSON(t *testing.T) {
	net := twoClasses(1, -3e38)
	net.Meta.Answer.Kind = weights.Probabilities
	part, _ := mustScore(t, "--model", saveNet(t, net), "--top", "2", "--images", idxFile(t, []byte{255, 255, 255, 0}, 2, 1, 2))
	if lines := bytes.Split([]byte(part), []byte("\n")); len(lines) != 3 || !json.Valid(lines[0]) || !bytes.Contains(lines[0], []byte(`"error":"`)) || !bytes.Contains(lines[1], []byte(`"error":null`)) {
		t.Errorf("%s", part)
	}
}
