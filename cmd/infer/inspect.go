package main

import (
	"cmp"
	"flag"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/digits"
)

var inspectCommand = command{
	name: "inspect",
	args: "[F] [--json]",
	help: `
Show what is in a frozen net, the built-in one if no file is given: steps,
shapes, parameters, multiply-adds, bytes, checksums, metadata. N is the batch;
open dimensions are shown by name, and those that depend on them as ?.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		asJSON := flags.Bool("json", false, "print JSON")
		return func(a *app, args []string) error {
			if err := model.take(args); err != nil {
				return err
			}
			v, err := a.inspect(string(*model))
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(v)
			}
			v.print(a)
			return nil
		}
	},
}

// A view of a file is what --json prints. −1 in a shape is the batch, or what is
// open or follows what is.
type view struct {
	File        string        `json:"file"`
	Name        string        `json:"name"`
	Source      string        `json:"source"`
	Producer    string        `json:"producer"`
	Note        string        `json:"note"`
	Labels      []string      `json:"labels"`
	Preparation string        `json:"preparation"`
	Answer      string        `json:"answer"`
	Inputs      []tensorView  `json:"inputs"`
	Outputs     []tensorView  `json:"outputs"`
	Open        []openView    `json:"open"`
	Layers      []layerView   `json:"layers"`
	Nodes       int           `json:"nodes"`
	Parameters  int           `json:"parameters"`
	MACs        int64         `json:"macs"`
	Integer     bool          `json:"integer"`
	Memory      memoryView    `json:"memory"`
	Bytes       int           `json:"bytes"`
	Sections    []sectionView `json:"sections"`
}

type tensorView struct {
	Name  string       `json:"name"`
	Shape tensor.Shape `json:"shape"`
	dims  string
}

// openView is a dimension that is open. Layers, MACs and memory are told of its
// size.
type openView struct {
	Name     string `json:"name"`
	Size     int    `json:"size"`
	Multiple int    `json:"multiple"`
	Least    int    `json:"least"`
	Most     int    `json:"most"`
}

type layerView struct {
	Name    string         `json:"name"`
	Op      string         `json:"op"`
	Inputs  []tensor.Shape `json:"inputs"`
	Outputs []tensor.Shape `json:"outputs"`
	Bytes   int            `json:"bytes"` // of weights
	MACs    int64          `json:"macs"`
	View    bool           `json:"view"` // it moves nothing: see engine.Step
}

// memoryView is in bytes, for one item on one thread.
type memoryView struct {
	Arena   int64 `json:"arena"`
	Scratch int64 `json:"scratch"`
	Tensors int64 `json:"tensors"`
}

type sectionView struct {
	Name   string `json:"name"`
	Offset int    `json:"offset"`
	Bytes  int    `json:"bytes"`
	CRC32C string `json:"crc32c"`
}

// inspect looks at a file, or at the built-in net if its name is empty.
func (a *app) inspect(file string) (*view, error) {
	data, from := digits.Data, "built in"
	if file != "" {
		var err error
		if data, err = a.readFile(file, 4<<30); err != nil {
			return nil, err
		}
		from = file
	}
	sections, err := weights.Sections(data)
	if err != nil {
		return nil, files.NotFrozen(from, data, inFile(from, err))
	}
	m, err := engine.Parse(data)
	if err != nil {
		return nil, inFile(from, err)
	}
	defer m.Close()
	open := []openView{}
	var sizes []int
	for _, d := range m.Open() {
		open = append(open, openView{d.Name, d.Size, d.Multiple, d.Least, d.Most})
		sizes = append(sizes, d.Size)
	}
	memory, err := m.Memory(1, sizes...)
	if err != nil {
		return nil, inFile(from, err)
	}

	meta := m.Meta()
	v := &view{
		File: from, Name: meta.Name, Source: meta.Source, Producer: meta.Producer, Note: meta.Note,
		Labels:      append([]string{}, meta.Labels...),
		Preparation: preparationString(meta.Preparation),
		Answer:      answerString(meta.Answer),
		Open:        open,
		Integer:     m.Integer(),
		Nodes:       meta.Nodes, Parameters: meta.Parameters, Bytes: len(data),
		Memory: memoryView{memory.Arena, memory.Scratch, memory.Tensors},
	}
	for _, t := range m.Inputs() {
		v.Inputs = append(v.Inputs, tensorView{t.Name, t.Shape, t.Dims()})
	}
	for _, t := range m.Outputs() {
		v.Outputs = append(v.Outputs, tensorView{t.Name, t.Shape, t.Dims()})
	}
	for _, s := range m.Steps() {
		v.Layers = append(v.Layers, layerView{s.Name, s.Op, tensor.Shapes(s.In), tensor.Shapes(s.Out), s.Weights, s.MACs, s.View})
		v.MACs += s.MACs
	}
	for _, s := range sections {
		v.Sections = append(v.Sections, sectionView{s.Name, s.Offset, s.Length, fmt.Sprintf("%08x", s.Checksum)})
	}
	return v, nil
}

// preparationString says how pictures become the input.
func preparationString(p weights.Preparation) string {
	side := func(n int) string {
		if n == 0 {
			return "open"
		}
		return fmt.Sprint(n)
	}
	size := side(p.Width) + "×" + side(p.Height)
	switch p.Kind {
	case weights.NoPicture:
		return "none: raw tensors only"
	case weights.Digit:
		return fmt.Sprintf("digit as MNIST's, %s, ink %g on %g", size, (255*p.Scale-p.Mean[0])/p.Std[0], (0-p.Mean[0])/p.Std[0])
	}
	fit := map[weights.Fit]string{weights.Crop: "crop", weights.Stretch: "stretch", weights.Pad: "pad"}[p.Fit]
	if p.Fit == weights.Crop && p.Resize > 0 {
		fit += fmt.Sprintf(" from %d", p.Resize)
	}
	order := map[weights.Order]string{weights.Gray: "gray", weights.RGB: "rgb", weights.BGR: "bgr"}[p.Order]
	return fmt.Sprintf("photo, %s, %s, %s, (v·%g − %v) / %v", size, fit, order, p.Scale,
		p.Mean[:p.Order.Channels()], p.Std[:p.Order.Channels()])
}

// openText lists open dimensions, and what they can be.
func openText(open []weights.OpenDim) string {
	var parts []string
	for _, d := range open {
		parts = append(parts, fmt.Sprintf("%s (%s)", d.Name, rangeText(d.Multiple, d.Least, d.Most)))
	}
	return strings.Join(parts, ", ")
}

// rangeText says what an open dimension can be.
func rangeText(multiple, least, most int) string {
	text := fmt.Sprintf("%s to %s", count(least), count(most))
	if multiple > 1 {
		text = fmt.Sprintf("multiples of %d from ", multiple) + text
	}
	return text
}

// steps is the number of layers that compute something.
func (v *view) steps() (n int) {
	for _, l := range v.Layers {
		if !l.View {
			n++
		}
	}
	return n
}

func (v *view) print(a *app) {
	line := func(name, format string, args ...any) {
		if s := fmt.Sprintf(format, args...); s != "" {
			fmt.Fprintf(a.stdout, "%-15s%s\n", name, printable(s))
		}
	}
	line("file", "%s", v.File)
	line("name", "%s", v.Name)
	line("source", "%s", v.Source)
	line("producer", "%s", v.Producer)
	line("note", "%s", v.Note)
	line("pictures", "%s", v.Preparation)
	line("answer", "%s", v.Answer)
	if n := len(v.Labels); n > 12 {
		line("labels", "%s, … (%d)", strings.Join(v.Labels[:3], ", "), n)
	} else {
		line("labels", "%s", strings.Join(v.Labels, ", "))
	}
	for _, t := range v.Inputs {
		line("input", "%s %s", t.Name, t.dims)
	}
	for _, t := range v.Outputs {
		line("output", "%s %s", t.Name, t.dims)
	}
	for _, d := range v.Open {
		line("open", "%s: %s; what follows is for %d", d.Name, rangeText(d.Multiple, d.Least, d.Most), d.Size)
	}
	line("parameters", "%s", count(v.Parameters))
	line("multiply-adds", "%s for one item", count(v.MACs))
	line("operators", "%s, frozen into %s", count(v.Nodes), counted(v.steps(), "steps"))
	if v.Integer {
		line("arithmetic", "integers: the same bits on every processor")
	}
	line("memory", "%s for one item on one thread: scratch %s, tensors %s; unshared they would take %s",
		counted(v.Memory.Arena+v.Memory.Scratch, "bytes"), count(v.Memory.Scratch), count(v.Memory.Arena), count(v.Memory.Tensors))

	width := 4
	names := make([]string, len(v.Layers))
	for i, l := range v.Layers {
		mark := ""
		if l.View {
			mark = " (no work)"
		}
		names[i] = cut(printable(cmp.Or(l.Name, "-")), maxName-len(mark)) + mark
		width = max(width, utf8.RuneCountInString(names[i]))
	}
	fmt.Fprintf(a.stdout, "\n%-*s  %-14s %-28s %14s %12s\n", width, "step", "operation", "result", "multiply-adds", "bytes")
	for i, l := range v.Layers {
		var shapes []string
		for _, s := range l.Outputs {
			shapes = append(shapes, tensor.Dims(s...))
		}
		fmt.Fprintf(a.stdout, "%-*s  %-14s %-28s %14s %12s\n", width, names[i], l.Op, strings.Join(shapes, ", "), count(l.MACs), count(l.Bytes))
	}
	fmt.Fprintf(a.stdout, "\n%-8s  %10s %12s  %s\n", "section", "offset", "bytes", "CRC-32C")
	for _, s := range v.Sections {
		fmt.Fprintf(a.stdout, "%-8s  %10s %12s  %s\n", s.Name, count(s.Offset), count(s.Bytes), s.CRC32C)
	}
	fmt.Fprintf(a.stdout, "%-8s  %10s %12s\n", "file", "", count(v.Bytes))
}
