package kernels

import (
	"math"

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

// Scratch has a key for each box, and the sides of those that are picked.
func (op *suppressOp) Scratch() int {
	return 8*op.boxes + 4*sidesSize*min(op.Most, op.boxes)
}

func (op *suppressOp) Tasks(n int) int { return n }

func (op *suppressOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	rows := tensor.Slice[int64](out[0])
	for row := range op.items * op.classes {
		item, class := row/op.classes, row%op.classes
		boxes := floats(in[0])[item*op.boxes*4:][:op.boxes*4]
		scores := floats(in[1])[row*op.boxes:][:op.boxes]
		keys, sides := tensor.Slice[uint64](w.Scratch)[:op.boxes], floats(w.Scratch[8*op.boxes:])
		picked := op.pick(keys, sides, boxes, scores)
		for i := len(picked) - 1; i >= 0; i-- {
			rows[0], rows[1], rows[2] = int64(item), int64(class), int64(boxOf(picked[i]))
			rows = rows[3:]
		}
	}
	for i := range rows {
		rows[i] = -1
	}
}

// pick returns the keys of the boxes that are picked, the last one first, in
// scratch; sides has room for the sides of those.
func (op *suppressOp) pick(scratch []uint64, sides, boxes, scores []float32) []uint64 {
	heap := scratch[:0]
	for i, score := range scores {
		if score > op.Least || score == score && !op.Scored {
			heap = append(heap, keyOf(i, score))
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sinkKey(heap, i)
	}
	// Most boxes are never looked at, so that they need no order. What is picked
	// stands at the end of the scratch, which the heap leaves.
	picked := scratch[len(heap):len(heap)]
	end := len(heap)
	for len(heap) > 0 && len(picked) < op.Most {
		key := heap[0]
		heap[0] = heap[len(heap)-1]
		heap = heap[:len(heap)-1]
		sinkKey(heap, 0)
		used := len(picked) * sidesSize
		box := op.sides(sides[used:][:sidesSize], boxes[4*boxOf(key):][:4])
		if !op.suppressed(box, sides[:used]) {
			picked = scratch[end-len(picked)-1 : end]
			picked[0] = key
		}
	}
	return picked
}

// keyOf is a number that is larger for a better box: for one of a higher score or,
// of equal scores, of a lower number.
func keyOf(box int, score float32) uint64 {
	bits := math.Float32bits(score + 0) // no zero but 0
	if bits>>31 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 31
	}
	return uint64(bits)<<32 | uint64(^uint32(box))
}

// boxOf is the box of a key.
func boxOf(key uint64) int { return int(^uint32(key)) }

// sinkKey moves element i of a heap, whose largest element is the first, down to
// where it belongs.
func sinkKey(heap []uint64, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child] < heap[child+1] {
			child++
		}
		if heap[i] >= heap[child] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// suppressed says whether a box overlaps too much with one of others, whose sides
// follow one another: the intersection of the two over their union.
func (op *suppressOp) suppressed(box *[sidesSize]float32, others []float32) bool {
	if !(box[4] > 0) {
		return false
	}
	for ; len(others) > 0; others = others[sidesSize:] {
		other := (*[sidesSize]float32)(others)
		// Nearly all boxes lie apart.
		if !(box[1] > other[0] && other[1] > box[0] && box[3] > other[2] && other[3] > box[2] && other[4] > 0) {
			continue
		}
		height := min(box[1], other[1]) - max(box[0], other[0])
		width := min(box[3], other[3]) - max(box[2], other[2])
		both := float32(height * width)
		if both/(box[4]+other[4]-both) > op.Overlap {
			return true
		}
	}
	return false
}

// sidesSize is how many numbers the sides of a box are: top and bottom, left and
// right, and its area.
const sidesSize = 5

// sides sets dst to the sides of a box. One whose height and width are both
// negative has no area, although their product is positive.
func (op *suppressOp) sides(dst, box []float32) *[sidesSize]float32 {
	y, x := op.side(box, 0), op.side(box, 1)
	s := (*[sidesSize]float32)(dst)
	*s = [sidesSize]float32{y[0], y[1], x[0], x[1]}
	if y[1] > y[0] {
		s[4] = float32((y[1] - y[0]) * (x[1] - x[0]))
	}
	return s
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
