package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/kernels"
)

// raceThreads runs a net on one thread and on two, and compares their outputs
// to the bit.
func raceThreads(path string, batch, rounds int, each time.Duration) (result, error) {
	m, err := freeze(path, kernels.F32)
	if err != nil {
		return result{}, err
	}
	defer m.Close()
	var contenders []contender
	var sessions []*engine.Session
	for _, threads := range []int{1, 2} {
		s, err := m.NewSession(engine.SessionOptions{Batch: batch, Threads: threads})
		if err != nil {
			return result{}, err
		}
		defer s.Close()
		for i := range m.Inputs() {
			fill(s.Input(i))
		}
		if err := s.Run(batch); err != nil {
			return result{}, err
		}
		sessions = append(sessions, s)
		contenders = append(contenders, contender{fmt.Sprintf("%d threads", threads), func() {
			if err := s.Run(batch); err != nil {
				panic(err)
			}
		}})
	}
	for i := range m.Outputs() {
		one, two := sessions[0].Output(i), sessions[1].Output(i)
		for j := range one {
			if one[j] != two[j] {
				return result{}, fmt.Errorf("two threads give %v, one gives %v", two[j], one[j])
			}
		}
	}
	name := strings.TrimSuffix(filepath.Base(path), ".onnx")
	r := result{Work: fmt.Sprintf("%s, batch %d", name, batch), Items: batch, MACs: float64(batch) * float64(modelMACs(m)), Timings: race(rounds, each, contenders...)}
	one, two := r.Timings[0], r.Timings[1]
	fmt.Printf("%-28s one thread %9.2f µs an item, two %9.2f: %.2f times as fast (median %.2f)\n", r.Work,
		one.Best/1e3/float64(batch), two.Best/1e3/float64(batch), one.Best/two.Best, one.Median/two.Median)
	return r, nil
}

// torch times a digit net in PyTorch, in nanoseconds; false if there is none,
// or if it cannot run the net.
func torch(path string, batch int) (float64, bool) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.Command(python, "torch_reference.py", path, strconv.Itoa(batch)).Output()
		if err != nil {
			continue
		}
		ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		return ns, err == nil
	}
	return 0, false
}
