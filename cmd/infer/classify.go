package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"image"

	"github.com/infer-go/infer/engine"
)

var classifyCommand = command{
	args: "[--model F] [--input-size HxW] [--top K] [--json] IMAGE...",
	help: `
Say what is in each picture: PNG, JPEG, GIF, BMP, TIFF or WebP. Without --model
that is one digit for a picture, drawn or printed in any colour, size and place.
For one picture the answer stands alone on a line, for several behind the
file's name. With --top there is a line for each of the K best answers, with
its probability in front. --json prints one object for each picture:
{"file","top":[{"index","label","probability"}],"error"}.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		top := flags.Int("top", 0, "show the `K` best answers with their probabilities")
		asJSON := flags.Bool("json", false, "print JSON, a line for each picture")
		size := inputSizeFlag(flags, "compute all pictures at this `HxW`, of a net that leaves the size open; each at its own if not given")
		return func(a *app, args []string) error {
			if len(args) == 0 {
				return usagef("no picture is given")
			}
			if isGiven(flags, "top") {
				if err := atLeastOne("top", *top); err != nil {
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
			c := classifier{m: m}
			if *size != nil {
				if c.s, err = model.session(m, engine.SessionOptions{Sizes: *size}); err != nil {
					return err
				}
				defer c.s.Close()
			}
			return a.classify(c, pictures, len(args) > 1, *top, *asJSON)
		}
	},
}

// An answer is what --json prints for a picture.
type answer struct {
	File  string  `json:"file"`
	Top   []class `json:"top"`
	Error *string `json:"error"` // null if there is none
}

type class struct {
	Index       int     `json:"index"`
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
}

// A classifier says what is on pictures: in a session for one size if it has one.
type classifier struct {
	m *engine.Model
	s *engine.Session
}

// classify returns the best classes.
func (c classifier) classify(img image.Image, top int) ([]engine.Class, error) {
	if c.s == nil {
		return c.m.Classify(img, top)
	}
	if _, err := c.s.SetPicture(0, img); err != nil {
		return nil, err
	}
	if err := c.s.Run(1); err != nil {
		return nil, err
	}
	return c.m.Top(c.s.Output(0), top)
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
func (a *app) classify(c classifier, pictures <-chan pictureFile, named bool, top int, asJSON bool) error {
	failed := false
	for picture := range pictures {
		file := picture.name
		classes, err := picture.answer(c, max(1, top))
		if err != nil {
			failed = true
			a.complain("%v", err)
		}
		switch {
		case asJSON:
			if err := a.printJSON(newAnswer(file, classes, err)); err != nil && a.stdout.err == nil {
				failed = true
				a.complain("%s: %v", file, err)
			}
		case err == nil:
			name := ""
			if named {
				name = printable(file) + ": "
			}
			for _, c := range classes {
				if top > 0 {
					name := fmt.Sprintf("%s%6.2f%%  ", name, 100*c.Probability)
					fmt.Fprintln(a.stdout, name+printable(c.Label))
					continue
				}
				fmt.Fprintln(a.stdout, name+printable(c.Label))
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

func newAnswer(file string, classes []engine.Class, err error) answer {
	ans := answer{File: file, Top: []class{}}
	if err != nil {
		text := err.Error()
		ans.Error = &text
		return ans
	}
	for _, c := range classes {
		ans.Top = append(ans.Top, class(c))
	}
	return ans
}

// answer is what the model says of the picture. Errors name the file.
func (p *pictureFile) answer(c classifier, top int) ([]engine.Class, error) {
	if p.err != nil {
		return nil, p.err
	}
	classes, err := c.classify(p.img, top)
	if err != nil {
		return nil, inFile(p.name, err)
	}
	return classes, nil
}

// printJSON prints a value on one line.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
