package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"image"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights"
)

var classifyCommand = command{
	args: "[--model F] [--input-size HxW] [--top K] [--json] [--draw OUT.png] IMAGE...",
	help: `
Say what is in each picture: PNG, JPEG, GIF, BMP, TIFF or WebP. Without --model
that is one digit for a picture, drawn or printed in any colour, size and place.
For one picture the answer stands alone on a line, for several behind the
file's name. With --top there is a line for each of the K best answers, with
its probability in front. --json prints one object for each picture:
{"file","top":[{"index","label","probability"}],"error"}.
A net that was frozen as a detector answers with boxes, in the picture's own
pixels: {"file","boxes":[{"index","label","score","x","y","width","height"}],"error"};
one that segments with the share of each class; one that makes pictures with
their size. --draw shows the answer in a picture.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		var o classifyOptions
		flags.IntVar(&o.top, "top", 0, "show the `K` best answers with their probabilities")
		flags.BoolVar(&o.json, "json", false, "print JSON, a line for each picture")
		flags.StringVar(&o.draw, "draw", "", "draw the answer to one picture, of boxes, a mask or a picture, into `OUT.png`")
		size := inputSizeFlag(flags, "compute all pictures at this `HxW`, of a net that leaves the size open; each at its own if not given")
		return func(a *app, args []string) error {
			if len(args) == 0 {
				return usagef("no picture is given")
			}
			if isGiven(flags, "top") {
				if err := atLeastOne("top", o.top); err != nil {
					return err
				}
			}
			pictures, stop := a.readAhead(args)
			defer stop()
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
				if err := checkDraw(m, o.draw, args); err != nil {
					return err
				}
			}
			c := asker{m: m}
			if *size != nil {
				if c.s, err = model.session(m, engine.SessionOptions{Sizes: *size}); err != nil {
					return err
				}
				defer c.s.Close()
			}
			return a.classify(c, pictures, len(args) > 1, o)
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
func checkDraw(m *engine.Model, out string, pictures []string) error {
	switch kind := m.Meta().Answer.Kind; {
	case kind == weights.Scores || kind == weights.Probabilities:
		return usagef("--draw: of classes nothing can be drawn")
	case len(pictures) != 1:
		return usagef("--draw takes one picture, not %d", len(pictures))
	}
	return checkOutput(out, pictures...)
}

// A pictureFile is a picture that has been read, or the reason why not.
type pictureFile struct {
	name string
	img  image.Image
	err  error
}

// readAhead reads the files one by one, each while the model is opened or
// computes the one before. stop ends it.
func (a *app) readAhead(files []string) (pictures <-chan pictureFile, stop func()) {
	read, done := make(chan pictureFile), make(chan struct{})
	go func() {
		defer close(read)
		for _, name := range files {
			img, err := a.readPicture(name)
			select {
			case read <- pictureFile{name, img, err}:
			case <-done:
				return
			}
		}
	}()
	return read, func() { close(done) }
}

// classify answers each picture, behind its file's name if named; top is 0 if
// the answer alone is wanted.
func (a *app) classify(c asker, pictures <-chan pictureFile, named bool, o classifyOptions) error {
	failed := false
	for picture := range pictures {
		file := picture.name
		ans, err := picture.answer(c, o)
		if err == nil && o.draw != "" {
			err = a.drawAnswer(o.draw, ans, picture.img)
		}
		if err != nil {
			failed = true
			a.complain("%v", err)
		}
		switch {
		case o.json:
			if err != nil {
				ans = noAnswer(c.m)
			}
			ans.about(file, err)
			if err := a.printJSON(ans); err != nil && a.stdout.err == nil {
				failed = true
				a.complain("%s: %v", file, err)
			}
		case err == nil:
			name := ""
			if named {
				name = printable(file) + ": "
			}
			for _, line := range ans.lines() {
				fmt.Fprintln(a.stdout, name+line)
			}
		}
		if a.stdout.err != nil {
			return nil // nobody listens; run says so
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// answer is what the model says of the picture. Errors name the file.
func (p *pictureFile) answer(c asker, o classifyOptions) (answer, error) {
	if p.err != nil {
		return nil, p.err
	}
	ans, err := c.ask(p.img, max(1, o.top), o.top > 0)
	if err != nil {
		return nil, inFile(p.name, err)
	}
	return ans, nil
}

// printJSON prints a value on one line.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
