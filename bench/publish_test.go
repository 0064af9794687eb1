package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublished fails where documents do not say what results.json does.
func TestPublished(t *testing.T) {
	r, err := readReport("results.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range published {
		was, err := os.ReadFile(p.path)
		if err != nil {
			t.Fatal(err)
		}
		is, err := p.make(r, was)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(was, is) {
			t.Errorf("%s is not what results.json says: go -C bench run . -publish", p.path)
		}
	}
}

func TestCompare(t *testing.T) {
	report := func(ours float64) *report {
		return &report{Nets: []result{{Work: "digits, batch 1", Items: 1, Timings: []timing{
			{Name: "infer f32", Best: ours}, {Name: "ONNX Runtime", Best: 2000},
		}}}}
	}
	data, err := json.Marshal(report(1000))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "results.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := compare(report(1050), path); err != nil {
		t.Errorf("five per cent are not noise: %v", err)
	}
	if err := compare(report(1200), path); err == nil || !strings.Contains(err.Error(), "1 ratios are worse") {
		t.Errorf("a fifth more time: %v", err)
	}
	if table := ratioTable(report(1000)); !strings.Contains(table, "| *digits*, the embedded net | 1.00 µs | **2.00** |  |  |\n") {
		t.Errorf("the table is\n%s", table)
	}
}
