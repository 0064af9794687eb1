package weights

import "github.com/infer-go/infer/kernels"

// Decide makes those choices for a net's steps that change the bits of results,
// and must therefore be made when it is frozen. They are made for the tiers
// named, and should slow down none of them. The net must be complete, with the
// sizes at which it is frozen. The choices also hold for all other sizes.
func (n *Net) Decide(tiers []string) {
	for _, s := range n.Steps {
		if d, ok := s.Spec.(kernels.Deciding); ok {
			in, params := n.Operands(s)
			d.Decide(in, params, tiers)
		}
	}
}
