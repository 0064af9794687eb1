package engine

import "github.com/infer-go/infer/kernels"

// TierVar names the environment variable that forces a tier.
const TierVar = kernels.EnvVar

// A Tier is a complete table of kernels for one kind of processor.
type Tier struct {
	Name      string
	Features  []string // of the processor that it needs
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

// DefaultTier returns the name of the tier that is used if Options name none:
// the one in the environment variable TierVar or, if it is empty, the fastest
// that this processor supports. It is an error if TierVar names an unknown
// tier, or one that this processor does not support.
func DefaultTier() (string, error) {
	t, err := kernels.Default()
	if err != nil {
		return "", err
	}
	return t.Name, nil
}
