package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// digits is the net that the project ships.
const digits = "../weights/digits/digits.onnx"

// defaultNets are the digit nets, and the CNTK net where it is to be had.
func defaultNets() []string {
	nets := []string{digits, "../weights/digits/seed.onnx"}
	cntk := "../../shared/onnx/real/mnist_cntk.onnx"
	if _, err := os.Stat(cntk); err == nil {
		nets = append(nets, cntk)
	}
	return nets
}

// netName is what the tables call the net in a file.
func netName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".onnx") }

// freeze opens a model with weights of the given type.
func freeze(path string, e tensor.Elem) (*engine.Model, error) {
	model, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	net, _, err := onnx.Freeze(model, onnx.Options{Weights: e})
	if err != nil {
		return nil, err
	}
	data, err := weights.Marshal(net)
	if err != nil {
		return nil, err
	}
	return engine.Parse(data)
}

// running returns a contender that runs a Session with n items.
func running(name string, s *engine.Session, n int) contender {
	return contender{name, func() {
		if err := s.Run(n); err != nil {
			panic(err)
		}
	}}
}

// largeMACs are the multiply-adds of an item beyond which a batch brings nothing
// new, and takes minutes.
const largeMACs = 1e8

// raceNets runs whole nets against ONNX Runtime, and PyTorch beside them. A net
// that cannot take part, as it computes one item at a time, does not keep the
// others from it.
func (b *bench) raceNets() error {
	for _, path := range b.nets {
		for i, batch := range b.batches {
			if last := len(b.Nets) - 1; i > 0 && last >= 0 && b.Nets[last].MACs/float64(b.Nets[last].Items) > largeMACs {
				break
			}
			r, err := raceNet(path, batch, b.rounds, b.each)
			if err != nil {
				log.Printf("%s at batch %d: %v", path, batch, err)
				continue
			}
			b.Nets = append(b.Nets, r)
			if ns, ok := torch(path, batch); ok {
				fmt.Printf("%-28s PyTorch, by itself %9.2f µs an item\n", r.Work, ns/1e3/float64(batch))
			}
		}
	}
	return nil
}

// An entry is a form of a net that takes part in a race.
type entry struct {
	name  string
	path  string
	elem  tensor.Elem // of its weights
	limit float64     // of the difference from ONNX Runtime's answer to the same file
}

// quantisedPath is where the quantised form of a net is looked for.
func quantisedPath(path string) string { return strings.TrimSuffix(path, ".onnx") + ".int8.onnx" }

// raceNet runs a whole net against ONNX Runtime: in half precision, in float32,
// and quantised if that form of it stands beside the file, as FILE.int8.onnx.
func raceNet(path string, batch, rounds int, each time.Duration) (result, error) {
	entries := []entry{{"infer f16", path, tensor.F16, 1e-2}, {"infer f32", path, tensor.F32, 1e-4}}
	if _, err := os.Stat(quantisedPath(path)); err == nil {
		entries = append(entries, entry{"infer int8", quantisedPath(path), tensor.F32, 3e-2})
	}
	r := result{Work: fmt.Sprintf("%s, batch %d", netName(path), batch), Items: batch}
	peers := map[string]*onnxRuntime{} // by path
	var ours, theirs []contender
	for _, e := range entries {
		peer := peers[e.path]
		if peer == nil {
			model, err := os.ReadFile(e.path)
			if err != nil {
				return r, err
			}
			if peer, err = newONNXRuntime(model, batch, 1); err != nil {
				return r, err
			}
			peers[e.path] = peer
			for _, in := range peer.inputs {
				fill(in)
			}
			peer.run()
			name := "ONNX Runtime"
			if e.path != path {
				name += " int8"
			}
			theirs = append(theirs, contender{name, peer.run})
		}
		m, err := freeze(e.path, e.elem)
		if err != nil {
			return r, err
		}
		defer m.Close()
		s, err := m.NewSession(engine.SessionOptions{Batch: batch})
		if err != nil {
			return r, err
		}
		defer s.Close()
		for i, in := range peer.inputs {
			copy(s.Input(i), in)
		}
		if err := s.Run(batch); err != nil {
			return r, err
		}
		for i, want := range peer.outputs {
			d := difference(s.Output(i), want)
			if !(d <= e.limit) { // NaN too
				return r, fmt.Errorf("%s differs from ONNX Runtime by %.2g of the range", e.name, d)
			}
			r.Error = max(r.Error, d)
		}
		r.MACs = float64(batch) * float64(modelMACs(m))
		ours = append(ours, running(e.name, s, batch))
	}
	r.Timings = race(rounds, each, append(ours, theirs...)...)
	for _, t := range r.Timings {
		fmt.Printf("%-28s %-18s %9.2f µs an item (median %9.2f, min %9.2f)", r.Work, t.Name,
			t.Best/1e3/float64(batch), t.Median/1e3/float64(batch), t.Min/1e3/float64(batch))
		for _, peer := range r.Timings[len(ours):] {
			fmt.Printf("   %s ÷ this: best %.2f, median %.2f", peer.Name, peer.Best/t.Best, peer.Median/t.Median)
		}
		fmt.Println()
	}
	return r, nil
}
