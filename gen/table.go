package main

import (
	"bytes"
	"fmt"
	"go/format"
	"maps"
	"slices"
	"strings"

	"github.com/infer-go/infer/gen/spec"
)

// A table is the tiers of one architecture, printed one after the other.
type table struct{ bytes.Buffer }

// add prints a tier.
func (b *table) add(t spec.Target, features []string, entries []spec.Entry) {
	fmt.Fprintf(b, "{\nName: %q,\nFeatures: %#v,\nRows: %d, Panels: %d,\n", t.Name, features, t.Rows, t.Panels)
	if t.QuantisedRows > 0 {
		fmt.Fprintf(b, "QuantisedRows: %d, QuantisedPanels: %d,\n", t.QuantisedRows, t.QuantisedPanels)
	}
	b.WriteString("Kernels: []Entry{\n")
	for _, e := range entries {
		fmt.Fprintf(b, "{%s, %q, %s},\n", identity(e.Kernel), e.From, e.Symbol())
	}
	b.WriteString("},\n},\n")
}

// identity is a Kernel as it is written in Go, without what is zero.
func identity(k spec.Kernel) string {
	fields := []string{fmt.Sprintf("Op: %q", k.Op)}
	for _, e := range []struct {
		name string
		elem spec.Elem
	}{{"Operand", k.Operand}, {"Weight", k.Weight}, {"Result", k.Result}} {
		if e.elem != 0 {
			fields = append(fields, e.name+": "+strings.ToUpper(e.elem.String()))
		}
	}
	if k.Variant != "" {
		fields = append(fields, fmt.Sprintf("Variant: %q", k.Variant))
	}
	if k.Rows > 0 {
		fields = append(fields, fmt.Sprintf("Rows: %d, Panels: %d", k.Rows, k.Panels))
	}
	return "Kernel{" + strings.Join(fields, ", ") + "}"
}

// writeTables writes a file for each architecture that has tiers, and one for
// all others.
func writeTables(out map[string][]byte, tables map[string]*table) error {
	archs := slices.Sorted(maps.Keys(tables))
	write := func(name, constraint, tiers string) error {
		source := warning + "//go:build " + constraint + "\n\npackage asm\n\n" +
			"// Tiers lists the tiers of this architecture, the slowest first.\nvar Tiers" + tiers + "\n"
		formatted, err := format.Source([]byte(source))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out[name] = formatted
		return nil
	}
	for _, arch := range archs {
		if err := write("tiers_"+arch+".go", "!purego", " = []Tier{\n"+tables[arch].String()+"}"); err != nil {
			return err
		}
	}
	return write("tiers_other.go", "purego || !("+strings.Join(archs, " || ")+")", " []Tier")
}
