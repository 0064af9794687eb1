package main

import (
	"strings"
	"testing"
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
