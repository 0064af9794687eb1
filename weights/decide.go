package weights

import "github.com/infer-go/infer/kernels"

// Decide makes the choices of a net's steps that change the bits of results, and so
// are made when it is frozen: for tiers, by name, of which none should be slower by
// them. The net is whole, with the sizes that it is frozen at; those of other
// sizes have the same choices.
func (n *Net) Decide(tiers []string) {
	for _, s := range n.Steps {
		if d, ok := s.Spec.(kernels.Deciding); ok {
			in, params := n.Operands(s)
			d.Decide(in, params, tiers)
		}
	}
}
