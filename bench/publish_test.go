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
	row := func(work string, ours float64) []result {
		return []result{{Work: work, Items: 1, Timings: []timing{
			{Name: "infer f32", Best: ours}, {Name: "ONNX Runtime", Best: 2000},
		}}}
	}
	digits := func(ours float64) *report { return &report{Nets: row("digits, batch 1", ours)} }
	dcgan := func(ours float64) *report { return &report{Families: row("dcgan", ours)} }
	path := filepath.Join(t.TempDir(), "results.json")
	older := func(r *report) string {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := compare(digits(1050), older(digits(1000))); err != nil {
		t.Errorf("five per cent are not noise: %v", err)
	}
	if err := compare(digits(1200), older(digits(1000))); err == nil || !strings.Contains(err.Error(), "1 ratios are worse") {
		t.Errorf("a fifth more time: %v", err)
	}
	if err := compare(dcgan(1200), older(dcgan(1000))); err == nil {
		t.Error("a net of another family that takes a fifth more time is no regression")
	}
	if table := fullTable(dcgan(1000)); !strings.Contains(table, "| `dcgan` | 1.00 µs | 2.00 µs | 2.00 |\n") {
		t.Errorf("the table is\n%s", table)
	}
	if table := ratioTable(digits(1000)); !strings.Contains(table, "| *digits*, the embedded net | 1.00 µs | **2.00** |  |  |\n") {
		t.Errorf("the table is\n%s", table)
	}
}
