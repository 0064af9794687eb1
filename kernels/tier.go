package kernels

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/infer-go/infer/asm"
)

// A Tier is everything that goes together for one kind of machine.
type Tier struct {
	// Name is what INFER_KERNELS calls it: "portable", "avx2", "neon".
	Name string

	// Features are the CPU features that it needs, as they are usually written.
	Features []string

	// Costs decide how convolutions are computed.
	Costs Costs

	// Supported says whether this processor has them.
	Supported bool

	asm.Table
}

// Tiers lists the tiers compiled into this program, the slowest first. The
// first is always the portable one.
func Tiers() []*Tier { return tiers }

// EnvVar names the environment variable that forces a tier.
const EnvVar = "INFER_KERNELS"

// Default is the tier that EnvVar names, or the fastest that this processor
// supports. It is looked up once.
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
	fault := fmt.Sprintf("no kernels %q", name)
	var supported []string
	for _, t := range tiers {
		switch {
		case !t.Supported && t.Name == name:
			fault = fmt.Sprintf("kernels %q need %s, not all of which this processor has", name, strings.Join(t.Features, ", "))
		case t.Name == name:
			return t, nil
		case t.Supported:
			supported = append(supported, t.Name)
		}
	}
	return nil, fmt.Errorf("%s; for this processor there are %s", fault, strings.Join(supported, ", "))
}
