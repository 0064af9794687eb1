package main

import (
	"sync/atomic"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
)

// An answerStream gives the answers to many pictures, in order. Some are worked
// on at a time.
type answerStream struct {
	inOrder chan *asked
	listed  atomic.Int64 // pictures that are known of

	model   *engine.Model
	sizes   []int         // at which all are computed, nil for each at its own
	ready   chan struct{} // closed when there is a model
	stopped chan struct{}
	stop    func() // begins no more work; what is being read may never come
}

// An asked is a picture, and what the model says of it when done is closed.
type asked struct {
	path   string
	answer answer
	data   []byte // of the picture, if it is drawn on
	err    error  // it names the file
	done   chan struct{}
}

// listedAhead is how many paths are listed before their pictures are read. A
// progress bar knows as many.
const listedAhead = 1 << 12

// ask begins to read pictures, and to answer them when the model is there. No
// more than twice as many as there are threads are read, or wait for those
// before them.
func (a *app) ask(list pictureList, threads int, o classifyOptions) *answerStream {
	s := &answerStream{
		inOrder: make(chan *asked, threads),
		ready:   make(chan struct{}),
		stopped: make(chan struct{}),
	}
	paths := make(chan *asked, listedAhead)
	work := make(chan *asked)
	go func() {
		defer close(paths)
		list.each(a, func(path string, err error) bool {
			p := &asked{path: path, err: err, done: make(chan struct{})}
			s.listed.Add(1)
			return send(paths, p, s.stopped)
		})
	}()
	go func() {
		defer close(s.inOrder)
		defer close(work)
		for p := range paths {
			if !send(s.inOrder, p, s.stopped) || !send(work, p, s.stopped) {
				return
			}
		}
	}()
	for range threads {
		go func() {
			var with asker
			defer with.close()
			for p := range work {
				s.answer(a, p, &with, o)
				close(p.done)
			}
		}()
	}
	s.stop = func() { close(s.stopped) }
	return s
}

// send sends p, if nobody stops it.
func send(to chan<- *asked, p *asked, stopped <-chan struct{}) bool {
	select {
	case to <- p:
		return true
	case <-stopped:
		return false
	}
}

// begin says that there is a model, and at which sizes it computes if not at
// each picture's own.
func (s *answerStream) begin(m *engine.Model, sizes []int) {
	s.model, s.sizes = m, sizes
	close(s.ready)
}

func (s *answerStream) answer(a *app, p *asked, with *asker, o classifyOptions) {
	if p.err != nil {
		return
	}
	data, err := a.readPicture(p.path)
	if err != nil {
		p.err = err
		return
	}
	select {
	case <-s.ready:
	case <-s.stopped:
		return
	}
	if p.err = with.open(s.model, s.sizes); p.err != nil {
		return
	}
	if p.answer, err = with.ask(data, max(1, o.top), o.top > 0); err != nil {
		p.err = files.PictureError(p.path, err)
	}
	if o.draw != "" {
		p.data = data
	}
}
