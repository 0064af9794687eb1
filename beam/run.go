package inferbeam

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/infer-go/infer/engine"
)

// Run computes on Tensors, each the inputs of one item, and returns Tensors,
// its outputs, under the same name. Bad has those whose sizes differ from the
// model's inputs, and those that have no result. Windows, timestamps and
// metrics are as for Classify.
func Run(s beam.Scope, o Options, inputs beam.PCollection) (outputs, bad beam.PCollection) {
	s = s.Scope("inferbeam.Run")
	if t := inputs.Type().Type(); t != reflect.TypeFor[Tensors]() {
		panic(fmt.Sprintf("inferbeam.Run: elements of type %v, and not Tensors", t))
	}
	return beam.ParDo2(s, &runFn{Options: o, Across: inputs.WindowingStrategy().Fn.Kind == window.GlobalWindows}, inputs)
}

type tensorsEmitter = func(beam.EventTime, Tensors)

func init() {
	register.Emitter2[beam.EventTime, Tensors]()
	register.DoFn5x1[context.Context, beam.EventTime, Tensors, tensorsEmitter, badEmitter, error](&runFn{})
}

type runFn struct {
	Options Options
	Across  bool // as of a classifier

	sessions []*engine.Session // one for each thread
	batch    int
	lengths  []int // in bytes, of an item's inputs
	items    []*runItem
}

// A runItem is an element, and what became of it.
type runItem struct {
	at   beam.EventTime
	name string
	in   [][]byte
	out  [][]byte
	err  error
}

func (f *runFn) Setup(ctx context.Context) error {
	m, err := model(ctx, f.Options.Model)
	if err != nil {
		return err
	}
	f.batch = together
	for range f.Options.threads() {
		s, err := m.NewSession(engine.SessionOptions{Batch: f.batch, Sizes: f.Options.Sizes})
		if errors.Is(err, engine.ErrBatch) {
			f.batch = 1
			s, err = m.NewSession(engine.SessionOptions{Sizes: f.Options.Sizes})
		}
		if err != nil {
			f.Teardown()
			return fmt.Errorf("inferbeam.Run: %s: %w", f.Options.Model, err)
		}
		f.sessions = append(f.sessions, s)
	}
	f.lengths = nil
	for i := range f.sessions[0].Inputs() {
		f.lengths = append(f.lengths, len(f.sessions[0].InputBytes(i))/f.batch)
	}
	return nil
}

// StartBundle forgets a bundle that was cut off.
func (f *runFn) StartBundle(context.Context, tensorsEmitter, badEmitter) { f.items = nil }

func (f *runFn) ProcessElement(ctx context.Context, at beam.EventTime, x Tensors, emit tensorsEmitter, bad badEmitter) error {
	f.items = append(f.items, &runItem{at: at, name: x.Name, in: x.Values, err: f.check(x.Values)})
	if !f.Across || len(f.items) == f.batch*len(f.sessions) {
		return f.FinishBundle(ctx, emit, bad)
	}
	return nil
}

// check refuses what is not an item's inputs.
func (f *runFn) check(in [][]byte) error {
	if len(in) != len(f.lengths) {
		return fmt.Errorf("%d tensors, where the model has %d inputs", len(in), len(f.lengths))
	}
	for i, want := range f.lengths {
		if len(in[i]) != want {
			return fmt.Errorf("input %d has %d bytes, where the model takes %d", i, len(in[i]), want)
		}
	}
	return nil
}

// FinishBundle computes what there is, a part of it on each thread.
func (f *runFn) FinishBundle(ctx context.Context, emit tensorsEmitter, bad badEmitter) error {
	var good []*runItem
	for _, it := range f.items {
		if it.err == nil {
			good = append(good, it)
		}
	}
	begin := time.Now()
	var threads sync.WaitGroup
	for i, s := range f.sessions {
		first, last := len(good)*i/len(f.sessions), len(good)*(i+1)/len(f.sessions)
		if part := good[first:last]; len(part) > 0 {
			threads.Go(func() { compute(s, part) })
		}
	}
	threads.Wait()
	if len(good) > 0 {
		pictureTime.Update(ctx, time.Since(begin).Nanoseconds()/int64(len(good)))
	}
	for _, it := range f.items {
		pictureCount.Inc(ctx, 1)
		if it.err != nil {
			failureCount.Inc(ctx, 1)
			bad(it.at, Bad{Name: it.name, Reason: it.err.Error()})
		} else {
			emit(it.at, Tensors{it.name, it.out})
		}
	}
	f.items = nil
	return nil
}

// compute runs the items that have no error, no more than a batch of them. Where
// they have no result together, each is computed by itself.
func compute(s *engine.Session, items []*runItem) {
	for i := range s.Inputs() {
		to := s.InputBytes(i)
		for k, it := range items {
			copy(to[k*len(it.in[i]):], it.in[i])
		}
	}
	err := s.Run(len(items))
	if err != nil && len(items) > 1 {
		for i := range items {
			compute(s, items[i:i+1])
		}
		return
	}
	for k, it := range items {
		if it.err = err; err != nil {
			continue
		}
		it.out = make([][]byte, len(s.Outputs()))
		for i := range it.out {
			all := s.OutputBytes(i)
			n := len(all) / len(items)
			it.out[i] = append([]byte(nil), all[k*n:][:n]...)
		}
	}
}

func (f *runFn) Teardown() {
	for _, s := range f.sessions {
		s.Close()
	}
	f.sessions = nil
}
