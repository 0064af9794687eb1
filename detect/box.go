package detect

import (
	"cmp"
	"math"
	"slices"
)

// A Box is one object that was found.
type Box struct {
	Class int
	Score float32 // 0…1

	// X0, Y0, X1 and Y1 bound it: left, top, right and bottom, in pixels. Pixel
	// i extends from i to i+1.
	X0, Y0, X1, Y1 float64
}

// area is 0 for a box that is empty or turned inside out.
func (b Box) area() float64 { return max(b.X1-b.X0, 0) * max(b.Y1-b.Y0, 0) }

// Overlap returns the area that two boxes share divided by the area that they
// cover together: intersection over union, 0…1. It is 0 if either is empty.
func Overlap(a, b Box) float64 {
	shared := Box{X0: max(a.X0, b.X0), Y0: max(a.Y0, b.Y0), X1: min(a.X1, b.X1), Y1: min(a.Y1, b.Y1)}.area()
	if shared == 0 {
		return 0
	}
	return shared / (a.area() + b.area() - shared)
}

// Suppress is non-maximum suppression, separately for each class. It keeps at
// most most boxes, the best first, and none that overlaps a better one of its
// class by more than overlap. Of boxes with equal scores, the earlier one is
// better. The result uses the memory of boxes.
func Suppress(boxes []Box, overlap float64, most int) []Box {
	slices.SortStableFunc(boxes, func(a, b Box) int { return cmp.Compare(b.Score, a.Score) })
	kept := boxes[:0] // never ahead of the box that is looked at
	for _, b := range boxes {
		if len(kept) >= most {
			break
		}
		if !slices.ContainsFunc(kept, func(better Box) bool { return better.Class == b.Class && Overlap(better, b) > overlap }) {
			kept = append(kept, b)
		}
	}
	return kept
}

// centred is the box of a size around a middle.
func centred(class int, score float32, x, y, width, height float64) Box {
	return Box{class, score, x - width/2, y - height/2, x + width/2, y + height/2}
}

// finite says whether a box has a place: all of its numbers are finite.
func (b Box) finite() bool {
	sum := b.X0 + b.Y0 + b.X1 + b.Y1 + float64(b.Score)
	return !math.IsNaN(sum - sum)
}
