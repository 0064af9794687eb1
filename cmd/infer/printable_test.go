package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		`größer, "猫" \x1b 👩‍🔬`:     `größer, "猫" \x1b 👩‍🔬`,
		"\x1b[2J\r\nyes\t\x7f\x00": `\x1b[2J\r\nyes\t\x7f\x00`,
		"a\u009bb\u202ec":          `a\u009bb\u202ec`,
		"a\x9bb\ufffd":             `a\x9bb` + "\ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{{"", 3, ""}, {"größ", 4, "größ"}, {"größer", 4, "grö…"}, {"猫猫猫", 2, "猫…"}} {
		if got := cut(c.text, c.n); got != c.want {
			t.Errorf("%q cut to %d is %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

// Long names of steps do not widen a table, and its columns stay in line.
func TestLongNames(t *testing.T) {
	const long = "größer/" // 7 characters, 9 bytes
	net := twoClasses(1, 1)
	net.Steps[0].Name = strings.Repeat(long, 40)
	model := saveNet(t, net)
	for _, args := range [][]string{
		{"inspect", model},
		{"bench", "--model", model, "--layers", "--duration", "1ms"},
	} {
		var heading, row string
		text := mustInfer(t, args...)
		for line := range strings.Lines(text) {
			if strings.Contains(line, "operation") {
				heading = line
			}
			if strings.Contains(line, long) {
				row = line
			}
		}
		column, _, _ := strings.Cut(heading, "operation")
		name, _, ok := strings.Cut(row, "Binary")
		if !ok || utf8.RuneCountInString(name) != len(column) || !strings.HasSuffix(name, "…  ") || len(column) > maxName+4 {
			t.Errorf("infer %q says\n%s", args, text)
		}
	}
}

// Nothing that a file says reaches the terminal as a command for it.
func TestTextOfStrangers(t *testing.T) {
	const evil = "evil\x1b[2J\u202e"
	net := twoClasses(1, 1)
	net.Meta.Name, net.Meta.Source, net.Meta.Producer, net.Meta.Note = evil, evil, evil, evil
	net.Meta.Labels = []string{evil, evil}
	net.Values[0].Name, net.Values[1].Name, net.Steps[0].Name = evil, evil, evil
	model := saveNet(t, net)
	images, labels := idxFile(t, []byte{1, 2}, 1, 1, 2), idxFile(t, []byte{0}, 1)
	x := writeTensor(t, []int{1, 3}, []float32{1, 2, 3})
	for _, args := range [][]string{
		{"--model", model, gray(t, 1, 2)},
		{"--model", model, "--top", "2", gray(t, 1, 2)},
		{"inspect", model},
		{"eval", "--model", model, "--images", images, "--labels", labels},
		{"bench", "--model", model, "--layers", "--duration", "1ms"},
		{"run", "--model", model, "--input", x, "--output", "y.npy"}, // an error that names the input
	} {
		_, out, complaint := infer("", args...)
		if text := out + complaint; !strings.Contains(text, "evil") || strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("infer %q: %q", args, text)
		}
	}
}
