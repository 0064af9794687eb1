package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/ir"
)

// A Target is a tier as it is generated: a row of the table, and its emitter.
type Target struct {
	Name     string   // the end of its kernels' symbols: "avx2"
	GOARCH   string   // the tier is compiled into programs for this alone
	Features []string // CPU features that it needs beyond its base's, by cpuid's names

	// Base is the tier of the same GOARCH from which it inherits the kernels
	// that it does not emit; "" for none.
	Base string

	// The largest tiles, as in Tier.
	Rows, Panels                   int
	QuantisedRows, QuantisedPanels int

	Emitter Emitter
}

// An Emitter writes kernels for processors of one GOARCH.
type Emitter interface {
	// Emits reports whether it can emit the kernel.
	Emits(k Kernel) bool

	// File emits kernels of a tier as one file, ready to be printed.
	File(t Target, ks []Kernel) (*ir.File, error)

	// Needs returns the CPU features that the function's instructions need.
	Needs(fn *ir.Function) ([]string, error)

	// Implies reports whether every processor with the feature has the other
	// one.
	Implies(feature, other string) bool
}

// Targets are tiers, each after its base; within a GOARCH the slowest first.
type Targets []Target

// base returns the base of t.
func (ts Targets) base(t Target) (base Target, ok bool, err error) {
	if t.Base == "" {
		return Target{}, false, nil
	}
	i := slices.IndexFunc(ts, func(other Target) bool { return other.Name == t.Base })
	if i < 0 || ts[i].GOARCH != t.GOARCH || i >= slices.IndexFunc(ts, func(other Target) bool { return other.Name == t.Name }) {
		return Target{}, false, fmt.Errorf("%s: no tier %q of %s stands before it", t.Name, t.Base, t.GOARCH)
	}
	return ts[i], true, nil
}

// Features returns all features that a tier needs: its base's, then its own.
func (ts Targets) Features(t Target) ([]string, error) {
	base, ok, err := ts.base(t)
	if err != nil || !ok {
		return t.Features, err
	}
	all, err := ts.Features(base)
	return append(slices.Clip(all), t.Features...), err
}

// CheckFeatures rejects a function that needs a CPU feature that its tier does
// not require: it would crash a user's program with SIGILL.
func (ts Targets) CheckFeatures(t Target, fn *ir.Function) error {
	has, err := ts.Features(t)
	if err != nil {
		return err
	}
	needs, err := t.Emitter.Needs(fn)
	if err != nil {
		return fmt.Errorf("%s: %w", fn.Name, err)
	}
	for _, need := range needs {
		if !slices.ContainsFunc(has, func(f string) bool { return f == need || t.Emitter.Implies(f, need) }) {
			return fmt.Errorf("%s needs %s, and %s asks for no more than %s", fn.Name, need, t.Name, strings.Join(has, ", "))
		}
	}
	return nil
}

// Kernels lists a tier's kernels, each with the name of the tier that emits it.
func (ts Targets) Kernels(t Target) (own []Kernel, all []Entry, err error) {
	base, ok, err := ts.base(t)
	if err != nil {
		return nil, nil, err
	}
	var inherited []Entry
	if ok {
		if _, inherited, err = ts.Kernels(base); err != nil {
			return nil, nil, err
		}
	}
	for _, k := range Kernels(t.Rows, t.Panels) {
		if t.Emitter.Emits(k) {
			own = append(own, k)
			all = append(all, Entry{Kernel: k, From: t.Name})
			continue
		}
		i := slices.IndexFunc(inherited, func(e Entry) bool { return e.Kernel == k })
		if i < 0 {
			return own, all, fmt.Errorf("no emitter for %s", k.Symbol(t.Name))
		}
		all = append(all, inherited[i])
	}
	for _, k := range QuantisedKernels(t.QuantisedRows, t.QuantisedPanels) {
		if t.Emitter.Emits(k) {
			own = append(own, k)
			all = append(all, Entry{Kernel: k, From: t.Name})
		} else if i := slices.IndexFunc(inherited, func(e Entry) bool { return e.Kernel == k }); i >= 0 {
			all = append(all, inherited[i])
		}
	}
	return own, all, nil
}
