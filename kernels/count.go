package kernels

import (
	"math"
	"slices"
)

// MACs is the number of multiply-adds that an operation takes for operands of
// these shapes, which Shapes has accepted: those of the plain sums, whatever
// the algorithm, with taps on padding counted. Operations that are not sums of
// products have none.
func MACs(s Spec, in [][]int, params []Param) int64 {
	switch s := s.(type) {
	case *Conv:
		// The result's size before pooling.
		n, err := s.count(s, in[0][1], in[0][2], false)
		if err != nil {
			return 0
		}
		return saturated(in[0][0], int(n[0]), int(n[1]), s.Kernel[0], s.Kernel[1], in[0][3]/s.Groups, s.Channels)
	case *ConvTranspose:
		return saturated(append(slices.Clone(in[0]), s.Kernel[0], s.Kernel[1], s.Channels/s.Groups)...)
	case *FullyConnected:
		return saturated(append(slices.Clone(in[0]), s.Channels)...)
	case *MatMul:
		out, err := s.Shapes(in, params)
		if err != nil {
			return 0
		}
		return saturated(append(out[0], in[0][len(in[0])-1])...)
	}
	return 0
}

// Work is about how many multiply-adds take as long as an operation for operands
// of these shapes, which Shapes has accepted. For sums of products it is MACs;
// a Pool has one for each element of each window, an LRN for each term of each
// sum. To load and store operands and results comes on top.
func Work(s Spec, in [][]int, params []Param) int64 {
	switch s := s.(type) {
	case *Pool:
		n, err := s.count(s, in[0][1], in[0][2], s.Ceil)
		if err != nil {
			return 0
		}
		return saturated(in[0][0], int(n[0]), int(n[1]), s.Kernel[0], s.Kernel[1], in[0][3])
	case *LRN:
		return saturated(append(slices.Clone(in[0]), min(s.Size, in[0][3]))...)
	}
	return MACs(s, in, params)
}

// TableEntries bounds the tables that Bind makes of an operation's geometry,
// for operands of these shapes, which Shapes has accepted: the rows and columns
// of a Resize, the runs of windows with the same taps, and the boxes of a
// Padding, in entries of less than 100 bytes. They need not be in proportion to
// the file.
func TableEntries(s Spec, in [][]int, params []Param) int {
	var w *Window
	switch s := s.(type) {
	case *Resize:
		return s.Size[0] + s.Size[1]
	case *Padding:
		boxes := 1
		for i := range in[0] {
			if s.Before[i]+s.After[i] > 0 {
				boxes *= 3
			}
		}
		if s.Mode == PadConstant {
			boxes = 2*len(in[0]) + 1
		}
		return boxEntries * boxes
	case *Pool:
		w = &s.Window
	case *Conv:
		if params[0].Form == Taps {
			w = &s.Window
		}
	}
	if w == nil {
		return 0
	}
	return int(w.edge(0, maxEdge) + w.edge(1, maxEdge))
}

// boxEntries is how many entries a box of a Padding takes.
const boxEntries = 4

// saturated is a product of positive numbers, at most the largest int64.
func saturated(dims ...int) int64 {
	x := int64(1)
	for _, d := range dims {
		if x > math.MaxInt64/int64(d) {
			return math.MaxInt64
		}
		x *= int64(d)
	}
	return x
}
