package kernels

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/cpuid/v2"

	"github.com/infer-go/infer/asm"
)

// A Tier is everything that goes together for one kind of processor.
type Tier struct {
	// Name is what INFER_KERNELS calls it: "portable", "avx2", "avx512", "neon".
	Name string

	// Features are the CPU features that it needs, by cpuid's names.
	Features []string

	// Costs decide how convolutions are computed.
	Costs Costs

	// Supported says whether this processor has these features.
	Supported bool

	// MR is the largest number of rows of a tile.
	MR int

	// The largest tile of the gemm family of quantised operands, 0 without one.
	quantisedRows, quantisedPanels int

	kernels []asm.Entry
	memo    *memo // nil if Ops share nothing

	// What operations share at run time; what belongs to one operation, its
	// Bind looks up.
	gemmKernels     []func(*asm.GemmArgs) // by rows of the tile, 1 … MR
	productKernels  []func(*asm.ProductArgs)
	activateKernels [LastActivation + 1]func(*asm.ActivateArgs)
	binaryKernels   [len(binaryKernels)]func(*asm.BinaryArgs)
	widenKernel     func(*asm.WidenArgs)

	reduceRowsKernels    [len(foldings)]func(*asm.ReduceArgs)
	reduceColumnsKernels [len(foldings)]func(*asm.ReduceArgs)
	normaliseRows        func(*asm.NormaliseArgs)
	normaliseColumns     func(*asm.NormaliseArgs)
}

// newTier looks up what operations share.
func newTier(a asm.Tier, supported bool) *Tier {
	t := &Tier{
		Name: a.Name, Features: a.Features, Costs: costsOf(a.Name), Supported: supported,
		MR: a.Rows, kernels: a.Kernels,
		quantisedRows: a.QuantisedRows, quantisedPanels: a.QuantisedPanels,
		gemmKernels:    make([]func(*asm.GemmArgs), a.Rows+1),
		productKernels: make([]func(*asm.ProductArgs), a.Rows+1),
		widenKernel:    lookup[asm.WidenArgs](a.Kernels, asm.Kernel{Op: "widen", Operand: asm.F16, Weight: asm.F16}),
	}
	for rows := 1; rows <= a.Rows; rows++ {
		t.gemmKernels[rows] = lookup[asm.GemmArgs](a.Kernels, asm.Kernel{Op: "gemm", Rows: rows, Panels: 1})
		t.productKernels[rows] = lookup[asm.ProductArgs](a.Kernels, asm.Kernel{Op: "product", Rows: rows, Panels: 1})
	}
	for kind, k := range activationKernels {
		if k.Op != "" {
			t.activateKernels[kind] = lookup[asm.ActivateArgs](a.Kernels, k)
		}
	}
	for kind, k := range binaryKernels {
		t.binaryKernels[kind] = lookup[asm.BinaryArgs](a.Kernels, k)
	}
	for i := range foldings {
		t.reduceRowsKernels[i] = lookup[asm.ReduceArgs](a.Kernels, folding(i).rows())
		t.reduceColumnsKernels[i] = lookup[asm.ReduceArgs](a.Kernels, folding(i).columns())
	}
	t.normaliseRows = lookup[asm.NormaliseArgs](a.Kernels, normaliseRowsKernel)
	t.normaliseColumns = lookup[asm.NormaliseArgs](a.Kernels, normaliseColumnsKernel)
	return t
}

// find returns the tier's kernel, which takes arguments A. It is for Bind: a run
// looks nothing up. Every tier has each kernel that asm.Kernels lists, as a test
// sees; to ask for another one, or for other arguments, is a mistake in this
// package.
func find[A any](t *Tier, k asm.Kernel) func(*A) {
	run := lookup[A](t.kernels, k)
	if run == nil {
		panic("kernels: there is no " + k.Symbol(t.Name))
	}
	return run
}

// lookup returns a kernel of a table, nil if that lacks it.
func lookup[A any](kernels []asm.Entry, k asm.Kernel) func(*A) {
	for i := range kernels {
		if kernels[i].Kernel == k {
			return kernels[i].Run.(func(*A))
		}
	}
	return nil
}

// Tiers lists the tiers compiled into this program, the slowest first. The
// first is always the portable one.
func Tiers() []*Tier { return tiers }

var tiers = func() []*Tier {
	all := []*Tier{portable}
	for _, a := range asm.Tiers {
		all = append(all, newTier(a, supported(cpuid.CPU, a.Features)))
	}
	return all
}()

// supported says whether a processor has all features of a tier.
//
// Every processor that Go runs on in 64-bit ARM has ASIMD, and Go's own
// compiler relies on it. Asking would only fail where the system does not
// tell: on windows/arm64, and where a sandbox hides the auxiliary vector.
func supported(cpu cpuid.CPUInfo, features []string) bool {
	for _, f := range features {
		if f == "ASIMD" && runtime.GOARCH == "arm64" {
			continue
		}
		if !cpu.Supports(cpuid.ParseFeature(f)) {
			return false
		}
	}
	return true
}

// EnvVar names the environment variable that forces a tier.
const EnvVar = "INFER_KERNELS"

// Default returns the tier that EnvVar names, or else the fastest that this
// processor supports. The variable is read once.
func Default() (*Tier, error) { return chooseOnce() }

var chooseOnce = sync.OnceValues(func() (*Tier, error) {
	if name, ok := os.LookupEnv(EnvVar); ok && name != "" {
		t, err := ByName(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", EnvVar, err)
		}
		return t, nil
	}
	best := tiers[0]
	for _, t := range tiers {
		if t.Supported {
			best = t
		}
	}
	return best, nil
})

// ByName returns the tier of that name. If there is none, or if this processor
// does not support it, the error lists the tiers that it supports.
func ByName(name string) (*Tier, error) {
	fault := fmt.Sprintf("unknown tier %q", name)
	var supported []string
	for _, t := range tiers {
		switch {
		case !t.Supported && t.Name == name:
			fault = fmt.Sprintf("tier %q needs %s, not all of which this processor has", name, strings.Join(t.Features, ", "))
		case t.Name == name:
			return t, nil
		case t.Supported:
			supported = append(supported, t.Name)
		}
	}
	return nil, fmt.Errorf("%s; this processor supports %s", fault, strings.Join(supported, ", "))
}
