package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"

	"github.com/infer-go/infer/engine"
)

var classifyCommand = command{
	args: "[--model F] [--top K] [--json] [--threads N] [--files-from F] IMAGE|FOLDER...",
	help: `
Say what is in each picture: PNG, JPEG, GIF, BMP, TIFF or WebP. Without --model
that is one digit for a picture, drawn or printed in any colour, size and place.
For one picture the answer stands alone on a line, for several behind the
file's name. With --top there is a line for each of the K best answers, with
its probability in front. --json prints one object for each picture:
{"file","top":[{"index","label","probability"}],"error"}.
Of a folder, and the folders in it, all files are read that have a picture's
extension, in order of their names; hidden ones and links are left out.
Pictures are read and computed N at a time; the answers come in order.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		top := flags.Int("top", 0, "show the `K` best answers with their probabilities")
		asJSON := flags.Bool("json", false, "print JSON, a line for each picture")
		threads := flags.Int("threads", runtime.GOMAXPROCS(0), "take `N` pictures at a time, each on one thread")
		filesFrom := flags.String("files-from", "", "read paths of pictures from `FILE`, one a line; - is standard input")
		return func(a *app, args []string) error {
			list := pictureList{args, *filesFrom}
			if err := list.check(); err != nil {
				return err
			}
			if isGiven(flags, "top") {
				if err := atLeastOne("top", *top); err != nil {
					return err
				}
			}
			if err := atLeastOne("threads", *threads); err != nil {
				return err
			}
			answers := a.ask(list, *threads, max(1, *top))
			defer answers.stop()
			m, err := model.open()
			if err != nil {
				return err
			}
			defer m.Close()
			if err := model.checkPictures(m); err != nil {
				return err
			}
			answers.begin(m)
			return a.tell(answers, list.several(), *top, *asJSON)
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

// tell prints the answers, each behind its file's name if named; top is 0 if the
// answer alone is wanted.
func (a *app) tell(answers *answers, named bool, top int, asJSON bool) error {
	bar := &progress{}
	if named && !isTerminal(a.stdout.w) { // there, the answers show how far it is
		bar = a.newProgress("pictures", 0)
		defer bar.end()
		defer bar.above(&a.stderr)()
	}
	failed := false
	done := 0
	for p := range answers.inOrder {
		<-p.done
		if p.err != nil {
			failed = true
			a.complain("%v", p.err)
		}
		switch {
		case asJSON:
			if err := a.printJSON(newAnswer(p.path, p.classes, p.err)); err != nil && a.stdout.err == nil {
				failed = true
				a.complain("%s: %v", p.path, err)
			}
		case p.err == nil:
			name := ""
			if named {
				name = printable(p.path) + ": "
			}
			for _, c := range p.classes {
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
		done++
		bar.setOf(done, int(answers.listed.Load()))
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

// printJSON prints a value on one line.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
