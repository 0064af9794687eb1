package kernels

// Costs decide, on a tier, between ways to compute the same thing. They are
// constants, measured once, so that the same file is computed in the same way,
// with the same bits, on every machine of the tier.
type Costs struct {
	// Channels is the least number of input and of output channels of a
	// convolution for which Winograd's transforms pay.
	Channels int

	// Fetch is how many multiply-adds take as long as fetching a weight from
	// beyond the second-level cache; Near is how many bytes of weights stay in
	// that cache.
	Fetch, Near int

	// Words is the least number of panels of a quantised convolution for which it
	// pays to widen its elements to words first; 0 if it never does.
	Words int
}

var (
	// vectors was measured on AMD's Zen 4 with AVX2: 58 multiply-adds and some 20
	// bytes of weights a nanosecond. NEON's kernels are built alike.
	vectors = Costs{Channels: 16, Fetch: 12, Near: 1 << 20}

	// scalars was measured on the same with the portable kernels: with 3
	// multiply-adds a nanosecond weights come from afar in no time, but a
	// transform is as long as those of 50 channels save.
	scalars = Costs{Channels: 64}
)

// costsOf are the costs of a tier.
func costsOf(tier string) Costs {
	costs := vectors
	switch tier {
	case "portable":
		costs = scalars
	case "avx2":
		costs.Words = 3
	}
	return costs
}

// fastest is the algorithm of the least estimated time, of those that the Spec
// allows.
//
// Winograd's F(m×m, 3×3) needs (m+2)² multiplications a tile instead of 9·m²,
// and pays for it with transforms of input and output, and with (m+2)²/9 times
// the weights. With few channels the transforms are all there is. With many, on
// a small map, the weights are, which have to be fetched from far away: so each
// weight is worth as many multiply-adds as a tile or pixel uses it for, plus
// what fetching it takes.
func (m *convMap) fastest() Winograd {
	costs := &m.Tier.Costs
	if min(m.cin, m.Channels) < costs.Channels {
		return NoWinograd
	}
	size := [2]int{m.pooled() * m.out[0], m.pooled() * m.out[1]}
	cost := func(perKernel, uses int) int {
		if perKernel*m.cin*m.Channels*4 > costs.Near {
			uses += costs.Fetch
		}
		return perKernel * uses
	}
	best, least := NoWinograd, cost(9, size[0]*size[1])
	for w := WinogradF2; w <= m.Winograd; w++ {
		alg := winograds[w]
		tiles := ceilDiv(size[0], alg.m) * ceilDiv(size[1], alg.m)
		if c := cost(alg.t()*alg.t(), tiles); c < least {
			best, least = w, c
		}
	}
	return best
}
