package engine

import "github.com/infer-go/infer/kernels"

// TierVar names the environment variable that forces a tier.
const TierVar = kernels.EnvVar

// A Tier is the kernels for one kind of processor.
type Tier struct {
	Name      string
	Features  []string // of the processor, that it needs
	Supported bool     // this processor has them
}

// Tiers lists the tiers in this program, the slowest first. The first is
// "portable", which every processor supports.
func Tiers() []Tier {
	var list []Tier
	for _, t := range kernels.Tiers() {
		list = append(list, Tier{Name: t.Name, Features: t.Features, Supported: t.Supported})
	}
	return list
}

// DefaultTier is the name of the tier that computes where Options name none:
// the one that the environment variable TierVar names, or the fastest that this
// processor supports. An error says that there is none of that name, or that
// this processor does not support it.
func DefaultTier() (string, error) {
	t, err := kernels.Default()
	if err != nil {
		return "", err
	}
	return t.Name, nil
}
