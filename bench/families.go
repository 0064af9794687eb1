package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

// familyFiles are the models in a folder, which nets.py builds if there are none.
func familyFiles(folder string) ([]string, error) {
	pattern := filepath.Join(folder, "*.onnx")
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) > 0 {
		return paths, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	python := "/usr/bin/python3" // Debian's, which has Debian's PyTorch
	if _, err := os.Stat(python); err != nil {
		python = "python3"
	}
	c := exec.Command(python, "nets.py", folder)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("nets.py: %w", err)
	}
	return filepath.Glob(pattern)
}

// raceFamilies runs nets of many families against ONNX Runtime: float32, one
// item, one thread. A net that cannot be run is said to be so, and does not
// keep the others from it.
func (b *bench) raceFamilies() error {
	if b.families == "" {
		return nil
	}
	paths, err := familyFiles(b.families)
	if err != nil {
		return err
	}
	for _, path := range paths {
		r, err := raceFamily(path, b.rounds, b.each)
		if err != nil {
			log.Printf("%s: %v", netName(path), err)
			continue
		}
		b.Families = append(b.Families, r)
	}
	ratio := func(r result) float64 { return r.Timings[1].Best / r.Timings[0].Best }
	rows := slices.SortedFunc(slices.Values(b.Families), func(x, y result) int { return cmp.Compare(ratio(x), ratio(y)) })
	fmt.Printf("\n%-24s %10s %9s %10s %12s %8s %10s\n", "net", "MMAC", "GMAC/s", "infer ms", "ONNX Rt. ms", "ratio", "error")
	for _, r := range rows {
		ours, theirs := r.Timings[0].Best, r.Timings[1].Best
		fmt.Printf("%-24s %10.1f %9.1f %10.3f %12.3f %8.2f %10.1g\n", r.Work, r.MACs/1e6, r.MACs/ours, ours/1e6, theirs/1e6, ratio(r), r.Error)
	}
	if len(rows) > 0 {
		fmt.Printf("median %.2f\n\n", ratio(rows[len(rows)/2]))
	}
	return nil
}

// raceFamily compares a net's output with PyTorch's, as nets.py has left it,
// and races it.
func raceFamily(path string, rounds int, each time.Duration) (result, error) {
	r := result{Work: netName(path), Items: 1}
	m, err := freeze(path, tensor.F32)
	if err != nil {
		return r, err
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{})
	if err != nil {
		return r, err
	}
	defer s.Close()
	model, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	peer, err := newONNXRuntime(model, 1, 1)
	if err != nil {
		return r, err
	}
	stem := strings.TrimSuffix(path, ".onnx")
	if err := readFloats(stem+".input.npy", s.Input(0)); err != nil {
		return r, err
	}
	copy(peer.inputs[0], s.Input(0))
	want := make([]float32, len(peer.outputs[0]))
	if err := readFloats(stem+".output.npy", want); err != nil {
		return r, err
	}
	if err := s.Run(1); err != nil {
		return r, err
	}
	peer.run()
	r.Error = difference(s.Output(0), want)
	if !(r.Error <= 1e-4) { // NaN too
		return r, fmt.Errorf("the output differs from PyTorch's by %.2g of the range, ONNX Runtime's by %.2g", r.Error, difference(peer.outputs[0], want))
	}
	r.MACs = float64(modelMACs(m))
	r.Timings = race(rounds, each, running("infer f32", s, 1), contender{"ONNX Runtime", peer.run})
	return r, nil
}

// readFloats reads the elements of a .npy file of float32, which end it.
func readFloats(path string, x []float32) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(data) < 4*len(x) {
		return fmt.Errorf("%s does not have %d elements", path, len(x))
	}
	data = data[len(data)-4*len(x):]
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}
