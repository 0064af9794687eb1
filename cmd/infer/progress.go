package main

import (
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// A progress shows a bar while something is done that takes a while, on a
// terminal only. The zero value shows nothing.
type progress struct {
	bars *mpb.Progress
	bar  *mpb.Bar
}

// newProgress begins to show how much of total has been done.
func (a *app) newProgress(what string, total int) *progress {
	if !isTerminal(a.stderr) {
		return &progress{}
	}
	f := a.stderr.(*os.File)
	bars := mpb.New(mpb.WithOutput(f), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	return &progress{bars, bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(what+" ")),
		mpb.AppendDecorators(decor.Percentage(), decor.CountersNoUnit("  %d of %d")),
		mpb.BarRemoveOnComplete(),
	)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// setOf says how much has been done, of how much as far as that is known.
func (p *progress) setOf(done, total int) {
	if p.bar != nil {
		p.bar.SetTotal(int64(max(total, done+1)), false) // all that is left to do ends it
		p.bar.SetCurrent(int64(done))
	}
}

// above makes what is written to w stand above the bar, until restore is called.
func (p *progress) above(w *io.Writer) (restore func()) {
	if p.bar == nil {
		return func() {}
	}
	before := *w
	*w = p.bars
	return func() { *w = before }
}

// set says how much has been done.
func (p *progress) set(done int) {
	if p.bar != nil {
		p.bar.SetCurrent(int64(done))
	}
}

// end takes the bar away. It may be called more than once.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
		p.bar = nil
	}
}
