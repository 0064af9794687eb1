package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What is published of a report stands in documents between two marks, and in a
// picture beside them.
const (
	beginMark = "<!-- begin: go -C bench run . -publish -->\n"
	endMark   = "<!-- end -->\n"
)

// published lists the files that a report is written to, from the folder of the
// bench, and what each of them is made of it.
var published = []struct {
	path string
	make func(r *report, was []byte) ([]byte, error)
}{
	{"../README.md", func(r *report, was []byte) ([]byte, error) { return replaceMarked(was, ratioTable(r)) }},
	{"README.md", func(r *report, was []byte) ([]byte, error) { return replaceMarked(was, fullTable(r)) }},
	{"pictures/ratio.svg", func(r *report, _ []byte) ([]byte, error) { return ratioPicture(r), nil }},
}

// publish writes the documents' tables and the picture from a report.
func publish(resultsPath string) error {
	r, err := readReport(resultsPath)
	if err != nil {
		return err
	}
	for _, p := range published {
		was, err := os.ReadFile(p.path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		is, err := p.make(r, was)
		if err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p.path, is, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readReport(path string) (*report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// replaceMarked puts text between the marks of a document.
func replaceMarked(document []byte, text string) ([]byte, error) {
	before, rest, ok := bytes.Cut(document, []byte(beginMark))
	_, after, ok2 := bytes.Cut(rest, []byte(endMark))
	if !ok || !ok2 {
		return nil, fmt.Errorf("it has no lines %q and %q", strings.TrimSpace(beginMark), strings.TrimSpace(endMark))
	}
	return bytes.Join([][]byte{before, []byte(beginMark), []byte(text), []byte(endMark), after}, nil), nil
}

// titles are the names of nets for people.
var titles = map[string]string{
	"digits": "*digits*, the embedded net", "seed": "*seed*, one convolution", "mnist_cntk": "CNTK's MNIST net",
	"resnet18": "ResNet-18", "resnet50": "ResNet-50", "squeezenet1_1": "SqueezeNet 1.1",
	"mobilenet_v2": "MobileNetV2", "mobilenet_v3_small": "MobileNetV3-small",
}

// net divides what a result is of into the net and the batch.
func (r result) net() (title string, batch int) {
	name, tail, _ := strings.Cut(r.Work, ", batch ")
	batch, _ = strconv.Atoi(tail)
	if t, ok := titles[name]; ok {
		name = t
	}
	return name, batch
}

// timing is that of a contender, if it took part.
func (r result) timing(name string) (timing, bool) {
	for _, t := range r.Timings {
		if t.Name == name {
			return t, true
		}
	}
	return timing{}, false
}

// ratio is how many times as long the peer takes as a contender.
func (r result) ratio(contender, peer string) (float64, bool) {
	ours, ok := r.timing(contender)
	theirs, ok2 := r.timing(peer)
	if !ok || !ok2 {
		return 0, false
	}
	return theirs.Best / ours.Best, true
}

// duration is a time for people, in three digits.
func duration(ns float64) string {
	unit := "µs"
	ns /= 1e3
	if ns >= 1e3 {
		ns, unit = ns/1e3, "ms"
	}
	switch {
	case ns < 10:
		return fmt.Sprintf("%.2f %s", ns, unit)
	case ns < 100:
		return fmt.Sprintf("%.1f %s", ns, unit)
	}
	return fmt.Sprintf("%.0f %s", ns, unit)
}

// about says what a report was measured with.
func about(r *report) string {
	return fmt.Sprintf("Measured on %s, kernels `%s`, Go %s, ONNX Runtime %s.\n", r.Machine.Name, r.Machine.Kernels, strings.TrimPrefix(r.Machine.Go, "go"), r.Machine.ONNXRuntime)
}

// ratioTable has a row for each net at batch 1: its time in float32 and
// quantised, and how many times that ONNX Runtime takes.
func ratioTable(r *report) string {
	var b strings.Builder
	b.WriteString("| net | float32 | ONNX Runtime ÷ infer | int8 | ONNX Runtime int8 ÷ infer |\n| --- | --- | --- | --- | --- |\n")
	for _, n := range r.Nets {
		title, batch := n.net()
		ours, ok := n.timing("infer f32")
		ratio, ok2 := n.ratio("infer f32", "ONNX Runtime")
		if batch != 1 || !ok || !ok2 {
			continue
		}
		quantised, quotient := "", ""
		if t, ok := n.timing("infer int8"); ok {
			quantised = duration(t.Best)
			if q, ok := n.ratio("infer int8", "ONNX Runtime int8"); ok {
				quotient = fmt.Sprintf("**%.2f**", q)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | **%.2f** | %s | %s |\n", title, duration(ours.Best), ratio, quantised, quotient)
	}
	b.WriteString("\n" + about(r))
	return b.String()
}

// fullTable has a row for each form of each net at each batch: best and median
// of the rounds' medians for an item; then matrix products, and nets of other
// families.
func fullTable(r *report) string {
	var b strings.Builder
	b.WriteString("| net | batch | form | infer | ONNX Runtime, the same file | ratio of the best | of the medians |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, n := range r.Nets {
		title, batch := n.net()
		for _, form := range []string{"f16", "f32", "int8"} {
			peer := "ONNX Runtime"
			if form == "int8" {
				peer += " int8"
			}
			ours, ok := n.timing("infer " + form)
			theirs, ok2 := n.timing(peer)
			if !ok || !ok2 {
				continue
			}
			items := float64(n.Items)
			fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %.2f | %.2f |\n", title, batch, form,
				duration(ours.Best/items), duration(theirs.Best/items), theirs.Best/ours.Best, theirs.Median/ours.Median)
		}
	}
	if len(r.Products) > 0 {
		b.WriteString("\n| product | infer, GMAC/s |")
		for _, t := range r.Products[0].Timings[1:] {
			fmt.Fprintf(&b, " %s |", t.Name)
		}
		b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(r.Products[0].Timings)) + "\n")
		for _, p := range r.Products {
			fmt.Fprintf(&b, "| %s |", p.Work)
			for _, t := range p.Timings {
				fmt.Fprintf(&b, " %.1f |", p.MACs/t.Best)
			}
			b.WriteString("\n")
		}
	}
	if len(r.Families) > 0 {
		b.WriteString("\n| net of another family | infer f32 | ONNX Runtime | ratio of the best |\n| --- | --- | --- | --- |\n")
		for _, n := range r.Families {
			ours, ok := n.timing("infer f32")
			theirs, ok2 := n.timing("ONNX Runtime")
			if ok && ok2 {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %.2f |\n", n.Work, duration(ours.Best), duration(theirs.Best), theirs.Best/ours.Best)
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\nIts limits: %.1f GMAC/s in float32; reading L1 %.0f, L2 %.0f, L3 %.0f, memory %.0f GB/s.\n", about(r),
		r.Machine.Peak, r.Machine.L1, r.Machine.L2, r.Machine.L3, r.Machine.Memory)
	return b.String()
}

// compare tells where ratios have become worse than in an older report, by more
// than a part of them; it is an error if there is such a place.
func compare(is *report, path string) error {
	const slack = 0.07 // what machines of one kind differ by
	was, err := readReport(path)
	if err != nil {
		return err
	}
	if was.Machine.Name != is.Machine.Name {
		fmt.Printf("%s was measured on %s, this on %s\n", path, was.Machine.Name, is.Machine.Name)
	}
	before := map[string]result{}
	for _, r := range slices.Concat(was.Nets, was.Families) {
		before[r.Work] = r
	}
	worse := 0
	for _, r := range slices.Concat(is.Nets, is.Families) {
		for _, form := range []string{"f16", "f32", "int8"} {
			peer := "ONNX Runtime"
			if form == "int8" {
				peer += " int8"
			}
			now, ok := r.ratio("infer "+form, peer)
			then, ok2 := before[r.Work].ratio("infer "+form, peer)
			if !ok || !ok2 {
				continue
			}
			verdict := ""
			if now < then*(1-slack) {
				worse++
				verdict = "  worse"
			}
			fmt.Printf("%-28s %-5s %.2f, was %.2f%s\n", r.Work, form, now, then, verdict)
		}
	}
	if worse > 0 {
		return fmt.Errorf("%d ratios are worse than in %s by more than %.0f %%", worse, path, 100*slack)
	}
	return nil
}
