package engine

import (
	"cmp"
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// A block is a piece of an arena, in use from one point in time to another,
// both included. Sizes and offsets are in bytes.
type block struct {
	size, off   int
	first, last int
}

func (b *block) end() int { return b.off + b.size }

// assign sets the blocks' offsets, each at a cache line, so that blocks in use
// at the same time do not overlap, and returns the size of the arena that
// holds them. Blocks are placed where they fit best, the largest first; and
// once more in the order in which they come into use, which is better for
// chains; the smaller arena is kept.
func assign(blocks []block) int {
	for i := range blocks {
		blocks[i].size = tensor.AlignUp(blocks[i].size)
	}
	order := make([]*block, len(blocks))
	for i := range blocks {
		order[i] = &blocks[i]
	}
	bySize := func(a, b *block) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.first, b.first))
	}
	byTime := func(a, b *block) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.size, a.size))
	}

	slices.SortStableFunc(order, byTime)
	timeSize := fit(order)
	slices.SortStableFunc(order, bySize)
	if size := fit(order); size <= timeSize {
		return size
	}
	slices.SortStableFunc(order, byTime)
	return fit(order)
}

// sizes is the sum of the sizes of blocks that assign has rounded up.
func sizes(blocks []block) (n int) {
	for _, b := range blocks {
		n += b.size
	}
	return n
}

// layApart sets the blocks' offsets one after the other, and returns the size
// of the arena.
func layApart(blocks []block) (n int) {
	for i := range blocks {
		blocks[i].off = n
		n += blocks[i].size
	}
	return n
}

// fit places blocks in the given order, each into the smallest gap that holds
// it between those in use at the same time, and returns the end of the last.
func fit(blocks []*block) int {
	total := 0
	placed := make([]*block, 0, len(blocks)) // sorted by offset
	for _, b := range blocks {
		off, best := -1, math.MaxInt // the smallest gap
		end := 0                     // of what lies below the gap
		for _, p := range placed {
			if p.last < b.first || b.last < p.first {
				continue
			}
			if gap := p.off - end; gap >= b.size && gap < best {
				off, best = end, gap
			}
			end = max(end, p.end())
		}
		if off < 0 {
			off = end
		}
		b.off = off
		total = max(total, b.end())
		at, _ := slices.BinarySearchFunc(placed, off, func(p *block, off int) int { return cmp.Compare(p.off, off) })
		placed = slices.Insert(placed, at, b)
	}
	return total
}

// live is the size of the largest set of blocks in use at the same time: no
// arena can be smaller.
func live(blocks []block) int {
	last := 0
	for _, b := range blocks {
		last = max(last, b.last)
	}
	change := make([]int, last+2)
	for _, b := range blocks {
		change[b.first] += b.size
		change[b.last+1] -= b.size
	}
	most, now := 0, 0
	for _, d := range change {
		now += d
		most = max(most, now)
	}
	return most
}
