package engine

import (
	"math/rand/v2"
	"testing"
)

func TestAssign(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		blocks := make([]block, rng.IntN(40))
		for i := range blocks {
			first := rng.IntN(30)
			blocks[i] = block{size: rng.IntN(1000), off: -1, first: first, last: first + rng.IntN(6)}
		}
		size := assign(blocks)
		for i, a := range blocks {
			if a.off < 0 || a.off%16 != 0 || a.end() > size {
				t.Fatalf("%+v in an arena of %d", a, size)
			}
			for _, b := range blocks[:i] {
				together := a.first <= b.last && b.first <= a.last
				if together && a.off < b.end() && b.off < a.end() {
					t.Fatalf("%+v and %+v overlap", a, b)
				}
			}
		}
		if least := live(blocks); size < least {
			t.Fatalf("an arena of %d holds %d at once", size, least)
		}
	}
}

func TestLive(t *testing.T) {
	blocks := []block{{size: 5, first: 0, last: 1}, {size: 7, first: 1, last: 2}, {size: 6, first: 2, last: 3}}
	if got := live(blocks); got != 13 {
		t.Errorf("live = %d, want 13", got)
	}
	if got := live(nil); got != 0 {
		t.Errorf("live of nothing = %d", got)
	}
}
