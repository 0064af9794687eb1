package kernels

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestNonMaxSuppression compares with a float64 reference that takes the best box
// that is left, again and again.
func TestNonMaxSuppression(t *testing.T) {
	g := newGenerator(92)
	for range 300 {
		items, classes, boxes := 1+g.IntN(2), 1+g.IntN(3), 1+g.IntN(30)
		s := &NonMaxSuppression{Most: 1 + g.IntN(12), Overlap: float32(g.IntN(10)) / 10, Scored: g.IntN(2) == 0, Centred: g.IntN(2) == 0}
		if s.Scored {
			s.Least = float32(g.IntN(5)) / 10
		}
		x, scores := make([]float32, items*boxes*4), make([]float32, items*classes*boxes)
		for i := range x {
			x[i] = float32(g.IntN(80)-16) / 4 // areas are exact; sides may be negative
		}
		for i := range scores {
			scores[i] = float32(g.IntN(10)) / 10
			if g.IntN(20) == 0 {
				scores[i] = float32(math.NaN())
			}
		}
		in := []tensor.Type{tensor.Floats(items, boxes, 4), tensor.Floats(items, classes, boxes)}
		out, _ := runOnce(t, s, in, elements(x...), elements(scores...))
		var want []int64
		for row := range items * classes {
			want = append(want, referencePick(s, int64(row/classes), int64(row%classes), x[row/classes*boxes*4:][:boxes*4], scores[row*boxes:][:boxes])...)
		}
		got := tensor.Slice[int64](out[0])
		if rows := items * classes * min(s.Most, boxes); len(got) != 3*rows {
			t.Fatalf("%d rows, want %d", len(got)/3, rows)
		}
		if !slices.Equal(got[:len(want)], want) || slices.ContainsFunc(got[len(want):], func(i int64) bool { return i != -1 }) {
			t.Fatalf("%+v: %v, want %v", s, got, want)
		}
	}
	for _, in := range [][]tensor.Type{
		{tensor.Floats(1, 1<<20, 4), tensor.Floats(1, 1, 1<<20)},
		{tensor.Floats(1, 1<<17, 4), tensor.Floats(1, 64, 1<<17)},
	} {
		if _, err := (&NonMaxSuppression{Most: math.MaxInt32}).Infer(in, nil); err == nil {
			t.Errorf("boxes of %v are accepted", in)
		}
	}
}

func referencePick(s *NonMaxSuppression, item, class int64, x, scores []float32) (rows []int64) {
	box := func(i int) (top, left, bottom, right float64) {
		a, b, c, d := float64(x[4*i]), float64(x[4*i+1]), float64(x[4*i+2]), float64(x[4*i+3])
		if s.Centred {
			return b - d/2, a - c/2, b + d/2, a + c/2
		}
		return min(a, c), min(b, d), max(a, c), max(b, d)
	}
	gone := make([]bool, len(scores))
	for picked := 0; picked < s.Most; picked++ {
		best := -1
		for i, score := range scores {
			if !gone[i] && score == score && (!s.Scored || score > s.Least) && (best < 0 || score > scores[best]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		rows = append(rows, item, class, int64(best))
		gone[best] = true
		t, l, b, r := box(best)
		for i := range scores {
			t2, l2, b2, r2 := box(i)
			both := max(min(b, b2)-max(t, t2), 0) * max(min(r, r2)-max(l, l2), 0)
			if union := (b-t)*(r-l) + (b2-t2)*(r2-l2) - both; both > 0 && float32(both/union) > s.Overlap {
				gone[i] = true
			}
		}
	}
	return rows
}

// TestRoiAlign compares with the definition in float64.
func TestRoiAlign(t *testing.T) {
	g := newGenerator(93)
	for range 300 {
		n, h, w, c := 1+g.IntN(2), 1+g.IntN(6), 1+g.IntN(6), 1+g.IntN(3)
		if g.IntN(4) == 0 {
			c += 70
		}
		r := &RoiAlign{Max: g.IntN(2) == 0, HalfPixel: g.IntN(2) == 0, Size: [2]int{1 + g.IntN(3), 1 + g.IntN(3)}, Sampling: g.IntN(4), Scale: []float32{1, 0.5, 0.25}[g.IntN(3)]}
		const regions = 3
		x, boxes := make([]float32, n*h*w*c), make([]float32, 4*regions)
		for i := range x {
			x[i] = g.Float32()*2 - 1
		}
		maps := make([]int64, regions)
		for i := range maps {
			maps[i] = int64(g.IntN(n))
			for k := range 4 {
				boxes[4*i+k] = float32(g.IntN(160)-40) / 8 / r.Scale // sums are exact
			}
		}
		in := []tensor.Type{tensor.Floats(n, h, w, c), tensor.Floats(regions, 4), {Elem: tensor.I64, Shape: tensor.Shape{regions}}}
		tier := Tiers()[g.IntN(len(Tiers()))]
		if !tier.Supported {
			tier = portable
		}
		out, fault := runOn(t, tier, r, in, elements(x...), elements(boxes...), elements(maps...))
		if fault != nil {
			t.Fatal(fault)
		}
		got := floats(out[0])
		for i := range got {
			channel, bin, region := i%c, i/c%(r.Size[0]*r.Size[1]), i/c/(r.Size[0]*r.Size[1])
			at := func(y, x2 int) float64 {
				return float64(x[((int(maps[region])*h+y)*w+x2)*c+channel])
			}
			want := referenceBin(r, boxes[4*region:][:4], bin/r.Size[1], bin%r.Size[1], h, w, at)
			if !(math.Abs(float64(got[i])-want) <= 1e-5) {
				t.Fatalf("%+v, region %v on %d×%d: element %d is %v, want %v", r, boxes[4*region:][:4], h, w, i, got[i], want)
			}
		}
	}
	in := []tensor.Type{tensor.Floats(1, 2, 2, 1), tensor.Floats(2, 4), {Elem: tensor.I32, Shape: tensor.Shape{2}}}
	r := &RoiAlign{Size: [2]int{1, 1}, Scale: 1}
	nan := float32(math.NaN())
	out, fault := runOnce(t, r, in, elements[float32](1, 1, 1, 1), elements(nan, 0, 1, 1, 0, 0, float32(math.Inf(1)), 1), elements[int32](0, 0))
	for _, v := range floats(out[0]) {
		if fault != nil || v == v {
			t.Errorf("a region that is not finite: %v and %v", v, fault)
		}
	}
	// A region that is far larger than the map takes no longer than the map.
	r.HalfPixel = true
	out, _ = runOnce(t, r, in, elements[float32](1, 1, 1, 1), elements[float32](-5e5, -5e5, 5e5, 5e5, 0, 0, 0, 0), elements[int32](0, 0))
	if v := floats(out[0])[0]; !(v >= 0 && v < 1e-9) {
		t.Errorf("a mean of %v", v)
	}
	if _, fault = runOnce(t, r, in, elements[float32](1, 1, 1, 1), make([]byte, 32), elements[int32](0, 1)); !errors.Is(fault, ErrIndex) {
		t.Errorf("map 1 of 1: fault %v", fault)
	}
}

func referenceBin(r *RoiAlign, box []float32, row, column, h, w int, at func(y, x int) float64) float64 {
	var start, size [2]float64
	var count [2]int
	for i := range 2 {
		start[i], size[i] = float64(box[1-i]*r.Scale), float64(box[3-i]*r.Scale)-float64(box[1-i]*r.Scale)
		if r.HalfPixel {
			start[i] -= 0.5
		} else {
			size[i] = max(size[i], 1)
		}
		size[i] /= float64(r.Size[i])
		if count[i] = r.Sampling; count[i] == 0 {
			count[i] = int(max(math.Ceil(size[i]), 0))
		}
	}
	sum, most := 0.0, math.Inf(-1)
	for i := range count[0] {
		for j := range count[1] {
			y := start[0] + float64(row)*size[0] + (float64(i)+0.5)*size[0]/float64(count[0])
			x := start[1] + float64(column)*size[1] + (float64(j)+0.5)*size[1]/float64(count[1])
			if y < -1 || y > float64(h) || x < -1 || x > float64(w) {
				most = max(most, 0)
				continue
			}
			y, x = min(max(y, 0), float64(h-1)), min(max(x, 0), float64(w-1))
			y0, x0 := int(y), int(x)
			fy, fx := y-float64(y0), x-float64(x0)
			for dy := range 2 {
				for dx := range 2 {
					weight := (1 - fy - float64(dy) + 2*float64(dy)*fy) * (1 - fx - float64(dx) + 2*float64(dx)*fx)
					v := weight * at(min(y0+dy, h-1), min(x0+dx, w-1))
					sum, most = sum+v, max(most, v)
				}
			}
		}
	}
	switch {
	case !r.Max:
		return sum / float64(max(count[0]*count[1], 1))
	case count[0]*count[1] == 0:
		return 0
	}
	return most
}
