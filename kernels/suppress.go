package kernels

import (
	"cmp"
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// NonMaxSuppression picks boxes. The first operand holds boxes [batch, boxes, 4],
// the second their scores [batch, classes, boxes]. For each item and class it
// picks the best box, then the best of those that overlap none picked before by
// more than Overlap, and so on, at most Most. With Scored, only scores above
// Least count. Boxes are two opposite corners, y1, x1, y2, x2 in any order, or
// with Centred the centre and the sides, x, y, width, height. Overlap is the
// intersection over the union; a box without area overlaps no other. Of equal
// scores the first box is the better one, and NaN is not a score.
//
// A row of the result is item, class and box, as int64. There are as many rows as
// boxes could be picked; those after the boxes actually picked are −1.
type NonMaxSuppression struct {
	Most            int
	Overlap, Least  float32
	Scored, Centred bool
}

// Limits of a NonMaxSuppression: boxes, and comparisons of two of them.
const (
	maxBoxes       = 1 << 18
	maxComparisons = 1 << 36
)

func (*NonMaxSuppression) Op() string { return "NonMaxSuppression" }

func (*NonMaxSuppression) Order() Order { return RowMajor }

// Traits counts four multiply-adds for each comparison, of every box with as
// many as can be picked. It sets MixesItems since results contain their item's
// number.
func (s *NonMaxSuppression) Traits(in []tensor.Type, _ []Param) Traits {
	boxes := in[0].Shape[1]
	return Traits{
		MixesItems: true, NumbersItems: true, Counted: true,
		Extra: tensor.Saturated(4, in[0].Shape[0], in[1].Shape[1], boxes, min(s.Most, boxes)),
	}
}

func (s *NonMaxSuppression) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(s, in, params, 2, 0); err != nil {
		return nil, err
	}
	boxes, scores := in[0].Shape, in[1].Shape
	if len(boxes) != 3 || boxes[2] != 4 || len(scores) != 3 || scores[0] != boxes[0] || scores[2] != boxes[1] {
		return nil, errorf(s, "scores of shape %s for boxes of shape %s", scores, boxes)
	}
	if err := checkRange(s, "the number of boxes", s.Most, 1); err != nil {
		return nil, err
	}
	if tensor.IsNaN(s.Overlap) || tensor.IsNaN(s.Least) || !s.Scored && s.Least != 0 {
		return nil, errorf(s, "overlap %v or least score %v is not a number, or means nothing", s.Overlap, s.Least)
	}
	most := min(s.Most, boxes[1])
	if boxes[1] > maxBoxes || tensor.Saturated(boxes[0], scores[1], boxes[1], most) > maxComparisons {
		return nil, errorf(s, "%d boxes for %d classes, of which %d are picked, are too many", boxes[1], scores[1], most)
	}
	rows := tensor.Saturated(boxes[0], scores[1], most)
	if rows > tensor.MaxDim {
		return nil, errorf(s, "a result of %d rows is too large", rows)
	}
	return result(s, tensor.Type{Elem: tensor.I64}, int(rows), 3)
}

func (s *NonMaxSuppression) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := s.Infer(in, params); err != nil {
		return nil, err
	}
	return &suppressOp{NonMaxSuppression: *s, items: in[0].Shape[0], boxes: in[0].Shape[1], classes: in[1].Shape[1]}, nil
}

// suppressOp is a NonMaxSuppression, one task: where a row stands depends on how
// many were picked before.
type suppressOp struct {
	NonMaxSuppression
	items, boxes, classes int
}

// Scratch has the numbers of the boxes.
func (op *suppressOp) Scratch() int { return 4 * op.boxes }

func (op *suppressOp) Tasks(n int) int { return n }

func (op *suppressOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	rows := tensor.Slice[int64](out[0])
	for row := range op.items * op.classes {
		item, class := row/op.classes, row%op.classes
		boxes := floats(in[0])[item*op.boxes*4:][:op.boxes*4]
		scores := floats(in[1])[row*op.boxes:][:op.boxes]
		for _, box := range op.pick(tensor.Slice[int32](w.Scratch), boxes, scores) {
			rows[0], rows[1], rows[2] = int64(item), int64(class), int64(box)
			rows = rows[3:]
		}
	}
	for i := range rows {
		rows[i] = -1
	}
}

// pick returns the boxes that are picked, in scratch.
func (op *suppressOp) pick(scratch []int32, boxes, scores []float32) []int32 {
	candidates := scratch[:0]
	for i, score := range scores {
		if score > op.Least || score == score && !op.Scored {
			candidates = append(candidates, int32(i))
		}
	}
	slices.SortFunc(candidates, func(a, b int32) int {
		if c := cmp.Compare(scores[b], scores[a]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	// What is picked stands where candidates were that have been looked at.
	picked := candidates[:0]
	for _, i := range candidates {
		if len(picked) == op.Most {
			break
		}
		free := true
		for _, j := range picked {
			if op.overlap(boxes[4*i:][:4], boxes[4*j:][:4]) > op.Overlap {
				free = false
				break
			}
		}
		if free {
			picked = append(picked, i)
		}
	}
	return picked
}

// overlap is the intersection of two boxes over their union.
func (op *suppressOp) overlap(a, b []float32) float32 {
	ay, by := op.side(a, 0), op.side(b, 0)
	ax, bx := op.side(a, 1), op.side(b, 1)
	height := min(ay[1], by[1]) - max(ay[0], by[0])
	width := min(ax[1], bx[1]) - max(ax[0], bx[0])
	areaA, areaB := float32((ay[1]-ay[0])*(ax[1]-ax[0])), float32((by[1]-by[0])*(bx[1]-bx[0]))
	if !(height > 0 && width > 0 && areaA > 0 && areaB > 0) {
		return float32(math.Inf(-1))
	}
	both := float32(height * width)
	return both / (areaA + areaB - both)
}

// side is from where to where a box goes in one direction: 0 down, 1 across.
func (op *suppressOp) side(box []float32, direction int) [2]float32 {
	if op.Centred {
		centre, half := box[1-direction], box[3-direction]/2
		return [2]float32{centre - half, centre + half}
	}
	a, b := box[direction], box[2+direction]
	return [2]float32{min(a, b), max(a, b)}
}
