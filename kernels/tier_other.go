//go:build purego || !amd64

package kernels

var tiers = []*Tier{portable}
