package main

import (
	"flag"
	"fmt"
	"runtime"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/weights"
)

var classifyCommand = command{
	args: "[--model F] [--input-size HxW] [--top K] [--json] [--draw OUT.png] [--threads N] [--files-from F] IMAGE|FOLDER...",
	help: `
Say what is in each picture: PNG, JPEG, GIF, BMP, TIFF or WebP. Without --model
that is one digit in each picture, drawn or printed in any colour, size and
position. For one picture, the line is just the answer; for several, it begins
with the file's name. With --top there is a line for each of the K best
answers, beginning with its probability. --json prints one object for each
picture: {"file","top":[{"index","label","probability"}],"error"}. A net frozen
as a detector answers with boxes, in the picture's own pixels:
{"file","boxes":[{"index","label","score","x","y","width","height"}],"error"};
a net that segments, with the share of each class; a net that makes pictures,
with their size. --draw draws the answer. If a folder is given, all files with
a picture's extension in it and its subfolders are read, in order of their
names, except hidden files and links. N pictures are read and computed at a
time; answers are printed in order.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		var o classifyOptions
		flags.IntVar(&o.top, "top", 0, "show the `K` best answers with their probabilities")
		flags.BoolVar(&o.json, "json", false, "print JSON, one line per picture")
		flags.StringVar(&o.draw, "draw", "", "draw the answer to one picture, if it is boxes, a mask or a picture, to `OUT.png`")
		size := inputSizeFlag(flags, "compute all pictures at this `HxW`, if the net leaves the size open; each at its own size if not given")
		threads := flags.Int("threads", runtime.GOMAXPROCS(0), "process `N` pictures at a time, each on one thread")
		filesFrom := flags.String("files-from", "", "read paths of pictures from `FILE`, one per line; - is standard input")
		return func(a *app, args []string) error {
			list := pictureList{args, *filesFrom}
			if err := list.check(); err != nil {
				return err
			}
			if isGiven(flags, "top") {
				if err := atLeastOne("top", o.top); err != nil {
					return err
				}
			}
			if err := atLeastOne("threads", *threads); err != nil {
				return err
			}
			stream := a.ask(list, *threads, o)
			defer stream.stop()
			m, err := model.open()
			if err != nil {
				return err
			}
			defer m.Close()
			if err := model.checkPictures(m); err != nil {
				return err
			}
			if kind := m.Meta().Answer.Kind; kind == weights.Scores || kind == weights.Probabilities {
				if err := model.checkClasses(m); err != nil {
					return err
				}
			}
			if o.draw != "" {
				if err := checkDraw(m, o.draw, list); err != nil {
					return err
				}
			}
			if *size != nil {
				s, err := model.session(m, engine.SessionOptions{Sizes: *size})
				if err != nil {
					return err
				}
				s.Close()
			}
			stream.begin(m, *size)
			return a.tell(stream, list.several(), o)
		}
	},
}

type classifyOptions struct {
	top  int
	json bool
	draw string
}

// checkDraw refuses to draw what cannot be drawn, or into what cannot be an
// output.
func checkDraw(m *engine.Model, out string, list pictureList) error {
	switch kind := m.Meta().Answer.Kind; {
	case kind == weights.Scores || kind == weights.Probabilities:
		return usagef("--draw: classes cannot be drawn")
	case list.several():
		return usagef("--draw takes one picture")
	}
	return checkOutput(out, list.args...)
}

// tell prints the answers, each behind its file's name if named.
func (a *app) tell(stream *answerStream, named bool, o classifyOptions) error {
	bar := &progress{}
	if named && !isTerminal(a.stdout.w) { // there, the answers show how far it is
		bar = a.newProgress("pictures", 0)
		defer bar.end()
		defer bar.above(&a.stderr)()
	}
	failed := false
	done := 0
	for p := range stream.inOrder {
		<-p.done
		if p.err == nil && o.draw != "" {
			p.err = a.drawAnswer(o.draw, p.answer, p.data)
		}
		if p.err != nil {
			failed = true
			a.complain("%v", p.err)
		}
		switch {
		case o.json:
			var object answers.Answer = p.answer
			if p.err != nil {
				object = answers.None(stream.model)
			}
			object.About(p.path, p.err)
			if err := a.printJSON(object); err != nil && a.stdout.err == nil {
				failed = true
				a.complain("%s: %v", p.path, err)
			}
		case p.err == nil:
			name := ""
			if named {
				name = printable(p.path) + ": "
			}
			for _, line := range p.answer.lines() {
				fmt.Fprintln(a.stdout, name+line)
			}
		}
		if a.stdout.err != nil {
			return nil // nobody listens; run says so
		}
		done++
		bar.setOf(done, int(stream.listed.Load()))
	}
	if failed {
		return errReported
	}
	return nil
}

// printJSON prints a value on one line.
func (a *app) printJSON(v any) error {
	line, err := answers.Line(v)
	if err == nil {
		_, err = a.stdout.Write(line)
	}
	return err
}
