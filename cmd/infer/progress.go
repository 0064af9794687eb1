package main

import (
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
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	bars := mpb.New(mpb.WithOutput(f), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	return &progress{bars, bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(what+" ")),
		mpb.AppendDecorators(decor.Percentage(), decor.CountersNoUnit("  %d of %d")),
		mpb.BarRemoveOnComplete(),
	)}
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
