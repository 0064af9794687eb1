package weights

import "github.com/infer-go/infer/kernels"

// Decide makes those choices of a net's steps that change the bits of
// results, and must therefore be made when it is frozen. They are made for
// the named tiers, none of which should become slower by them. The net must
// be complete, with the sizes that it is frozen at. The choices also hold
// for all other sizes.
func (n *Net) Decide(tiers []string) {
	for _, s := range n.Steps {
		if d, ok := s.Spec.(kernels.Deciding); ok {
			in, params := n.Operands(s)
			d.Decide(in, params, tiers)
		}
	}
}
