package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/ir"
)

// A Target is a tier as it is generated: a row of the table beside its
// emitters.
type Target struct {
	Name     string   // the end of its kernels' symbols: "avx2"
	GOARCH   string   // a tier is compiled into programs for that alone
	Features []string // CPU features that it needs beyond its base's, by cpuid's names

	// Base is the tier of the same GOARCH whose kernels it has where it emits
	// none of its own; "" is none.
	Base string

	// The largest tiles, as in Tier.
	Rows, Panels                   int
	QuantisedRows, QuantisedPanels int

	Emitter Emitter
}

// An Emitter writes kernels for processors of one GOARCH.
type Emitter interface {
	// Emits says whether it has the kernel.
	Emits(k Kernel) bool

	// File emits kernels of a tier, to stand in one file, ready to be printed.
	File(t Target, ks []Kernel) (*ir.File, error)

	// Needs names the CPU features without which a function does not run, as
	// its instructions tell.
	Needs(fn *ir.Function) ([]string, error)

	// Implies says that no processor has the feature without the other one.
	Implies(feature, other string) bool
}

// Targets are tiers, each behind its base; of a GOARCH the slowest first.
type Targets []Target

// base is the tier that t stands on.
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

// Features are all that a tier needs: its base's, then its own.
func (ts Targets) Features(t Target) ([]string, error) {
	base, ok, err := ts.base(t)
	if err != nil || !ok {
		return t.Features, err
	}
	all, err := ts.Features(base)
	return append(slices.Clip(all), t.Features...), err
}

// CheckFeatures refuses a tier's function that needs a CPU feature which the
// tier does not ask for: it would stop a user's program with SIGILL.
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
