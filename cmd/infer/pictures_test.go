package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder of pictures of digits and of other things. It returns
// what should be read, in order, and the answers.
func folder(t *testing.T) (path string, files, want []string) {
	t.Helper()
	path = t.TempDir()
	put := func(name, from string) {
		t.Helper()
		to := filepath.Join(path, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		data := []byte("no picture")
		if from != "" {
			var err error
			if data, err = os.ReadFile(filepath.Join(testdata, from)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []struct{ name, from string }{
		{"a.PNG", "7.png"}, {"b/1.jpg", "2.jpg"}, {"b/2/x.webp", "9.webp"}, {"b/3.png", "3.gif"}, {"c.bmp", "6.bmp"}, {"d.tif", "5.tiff"},
	} {
		put(p.name, p.from)
		files = append(files, filepath.Join(path, filepath.FromSlash(p.name)))
		want = append(want, p.from[:1])
	}
	for _, name := range []string{"notes.txt", ".hidden.png", ".git/x.png", "none"} {
		put(name, "")
	}
	os.Symlink(filepath.Join(path, "a.PNG"), filepath.Join(path, "link.png"))
	os.Symlink(path, filepath.Join(path, "loop"))
	return path, files, want
}

func TestFolders(t *testing.T) {
	path, files, want := folder(t)
	lines := ""
	for i, file := range files {
		lines += file + ": " + want[i] + "\n"
	}
	for _, args := range [][]string{{path}, {"--threads", "1", path}, {"--threads", "7", path}, {path + "/"}} {
		if code, out, err := infer("", args...); code != exitOK || out != lines || err != "" {
			t.Errorf("infer %q: %d, %q, %q, want %q", args, code, out, err, lines)
		}
	}
	// A link that is named is followed, and a file is tried whatever it is called.
	if code, out, _ := infer("", filepath.Join(path, "link.png")); code != exitOK || out != "7\n" {
		t.Errorf("%d, %q", code, out)
	}
	mustFail(t, exitFailed, []string{"notes.txt: not a PNG"}, filepath.Join(path, "notes.txt"))
}

func TestFilesFrom(t *testing.T) {
	path, files, want := folder(t)
	lines, list := "", ""
	for i := len(files) - 1; i >= 0; i-- {
		lines += files[i] + ": " + want[i] + "\n"
		list += files[i] + "\r\n"
	}
	list = strings.TrimSuffix(list, "\r\n") // the last line need not end
	if code, out, err := infer(list, "--files-from", "-"); code != exitOK || out != lines {
		t.Errorf("%d, %q, %q, want %q", code, out, err, lines)
	}
	if code, out, _ := infer("", "--files-from", write(t, "list", []byte(list)), files[0]); code != exitOK || out != files[0]+": 7\n"+lines {
		t.Errorf("%d, %q", code, out)
	}
	if code, out, _ := infer(path+"\n", "--files-from", "-"); code != exitOK || !strings.HasPrefix(out, files[0]+": 7\n") {
		t.Errorf("a folder: %d, %q", code, out)
	}
	if code, out, err := infer("", "--files-from", "-"); code != exitOK || out != "" {
		t.Errorf("no files: %d, %q, %q", code, out, err)
	}
	mustFail(t, exitFailed, []string{"missing.txt: no such file"}, "--files-from", "missing.txt")
	mustFail(t, exitUsage, []string{"standard input is named twice"}, "--files-from", "-", "-")
	mustFail(t, exitUsage, []string{"--threads 0: at least 1"}, "--threads", "0", files[0])
}

// Many pictures come in order, and one that is bad does not stop the others.
func TestManyPictures(t *testing.T) {
	var args, want []string
	bad := write(t, "bad.png", []byte("no picture"))
	for i := range 300 {
		file := filepath.Join(testdata, "7.png")
		if i%3 == 1 {
			file = filepath.Join(testdata, "2.jpg")
		}
		if i%50 == 49 {
			file = bad
		}
		args, want = append(args, file), append(want, file)
	}
	code, out, errs := infer("", append(args, "--json", "--threads", "4")...)
	if code != exitFailed || strings.Count(errs, "\n") != 6 {
		t.Errorf("exit code %d, complaints %q", code, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d answers, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		var a classesAnswer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if digit := filepath.Base(want[i])[:1]; a.File != want[i] || (a.Error != nil) != (want[i] == bad) || want[i] != bad && a.Top[0].Label != digit {
			t.Errorf("answer %d: %s", i, line)
		}
	}
	if code, out, _ := infer("", append(args[:40], "--threads", "3")...); code != exitOK || strings.Count(out, "\n") != 40 {
		t.Error(fmt.Sprint(code, out))
	}
}
