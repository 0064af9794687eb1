package detect

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A head is one with random numbers in it, and what it says by the published
// formula, in float64, of all boxes.
type head struct {
	outputs []Output
	values  [][]float32
	width   int
	height  int
	want    []Box
}

func random(r *rand.Rand, n int, lo, hi float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(lo + r.Float64()*(hi-lo))
	}
	return x
}

// grid are the columns, rows and strides of all cells, in order.
func grid(width, height int) (cells [][3]float64) {
	for _, s := range []int{8, 16, 32} {
		for row := 0; row < height/s; row++ {
			for column := 0; column < width/s; column++ {
				cells = append(cells, [3]float64{float64(column), float64(row), float64(s)})
			}
		}
	}
	return cells
}

func corners(class int, score, x, y, w, h float64) Box {
	return Box{class, float32(score), x - w/2, y - h/2, x + w/2, y + h/2}
}

// argmax is the first of the greatest numbers, and its place.
func argmax(x []float32) (int, float64) {
	at := slices.Index(x, slices.Max(x))
	return at, float64(x[at])
}

var heads = map[Head]func(r *rand.Rand) head{
	YOLOv5: func(r *rand.Rand) head {
		n, c := 1+r.IntN(200), []int{1, 2, 7, 80, 300}[r.IntN(5)]
		h := head{width: 320, height: 224, outputs: []Output{{"output0", []int{1, n, 5 + c}}}}
		x := random(r, n*(5+c), 0, 1)
		for i := range n {
			row := x[i*(5+c):][:5+c]
			copy(row, random(r, 4, 0, 300))
			class, p := argmax(row[5:])
			h.want = append(h.want, corners(class, p*float64(row[4]), float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3])))
		}
		h.values = [][]float32{x}
		return h
	},
	YOLOv10: func(r *rand.Rand) head {
		n := 1 + r.IntN(300)
		h := head{width: 320, height: 224, outputs: []Output{{"output0", []int{1, n, 6}}}}
		var x []float32
		for i := range n {
			b, score, class := random(r, 4, 0, 300), random(r, 1, 0, 1)[0], r.IntN(1000)
			if i%10 == 9 {
				x = append(x, b[0], b[1], b[2], b[3], score, -1) // no box
				continue
			}
			x = append(x, b[0], b[1], b[2], b[3], score, float32(class))
			h.want = append(h.want, Box{class, score, float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])})
		}
		h.values = [][]float32{x}
		return h
	},
	YOLOv8: func(r *rand.Rand) head {
		n, c := 1+r.IntN(200), []int{1, 2, 7, 80, 300}[r.IntN(5)]
		transposed := r.IntN(2) == 0
		if transposed {
			n = []int{40*28 + 20*14 + 10*7, 80*56 + 40*28 + 20*14 + 10*7, 40*28 + 20*14 + 10*7 + 5*3}[r.IntN(3)]
		}
		h := head{width: 320, height: 224, outputs: []Output{{"output0", []int{1, 4 + c, n}}}}
		x := append(random(r, 4*n, 0, 300), random(r, c*n, 0, 1)...)
		for i := range n {
			var scores []float32
			for k := range c {
				scores = append(scores, x[(4+k)*n+i])
			}
			class, p := argmax(scores)
			h.want = append(h.want, corners(class, p, float64(x[i]), float64(x[n+i]), float64(x[2*n+i]), float64(x[3*n+i])))
		}
		if transposed {
			h.outputs[0].Shape = []int{1, n, 4 + c}
			y := make([]float32, len(x))
			for i := range x {
				y[i%n*(4+c)+i/n] = x[i]
			}
			x = y
		}
		h.values = [][]float32{x}
		return h
	},
	YOLOX: func(r *rand.Rand) head {
		h := head{width: 32 * (1 + r.IntN(4)), height: 32 * (1 + r.IntN(4))}
		c := 1 + r.IntN(7)
		var x []float32
		for _, g := range grid(h.width, h.height) {
			row := append(random(r, 4, -2, 3), random(r, 1+c, 0, 1)...)
			class, p := argmax(row[5:])
			h.want = append(h.want, corners(class, p*float64(row[4]), (float64(row[0])+g[0])*g[2], (float64(row[1])+g[1])*g[2],
				math.Exp(float64(row[2]))*g[2], math.Exp(float64(row[3]))*g[2]))
			x = append(x, row...)
		}
		h.outputs = []Output{{"output", []int{1, len(h.want), 5 + c}}}
		h.values = [][]float32{x}
		return h
	},
	YuNet: func(r *rand.Rand) head {
		h := head{width: 32 * (1 + r.IntN(4)), height: 32 * (1 + r.IntN(4))}
		h.outputs, h.values = make([]Output, 12), make([][]float32, 12)
		order := r.Perm(12)
		first := 0
		cells := grid(h.width, h.height)
		for g, s := range []int{8, 16, 32} {
			n := (h.width / s) * (h.height / s)
			cls, obj, box, kps := random(r, n, -0.2, 1.2), random(r, n, -0.2, 1.2), random(r, 4*n, -1, 1), random(r, 10*n, -1, 1)
			for i := range n {
				c := cells[first+i]
				score := math.Sqrt(min(max(float64(cls[i]), 0), 1) * min(max(float64(obj[i]), 0), 1))
				b := box[4*i:]
				h.want = append(h.want, corners(0, score, (c[0]+float64(b[0]))*c[2], (c[1]+float64(b[1]))*c[2],
					math.Exp(float64(b[2]))*c[2], math.Exp(float64(b[3]))*c[2]))
			}
			first += n
			for k, part := range [][]float32{cls, obj, box, kps} {
				at := order[3*k+g]
				h.outputs[at] = Output{fmt.Sprintf("%s_%d", []string{"cls", "obj", "bbox", "kps"}[k], s), []int{1, n, len(part) / n}}
				h.values[at] = part
			}
		}
		return h
	},
	SSD: func(r *rand.Rand) head {
		n, c := 1+r.IntN(200), 2+r.IntN(4)
		h := head{width: 320, height: 240}
		scores, boxes := random(r, n*c, 0, 1), random(r, 4*n, 0, 1)
		for i := range n {
			class, p := argmax(scores[i*c+1 : (i+1)*c])
			b := boxes[4*i:]
			h.want = append(h.want, Box{class, float32(p), 320 * float64(b[0]), 240 * float64(b[1]), 320 * float64(b[2]), 240 * float64(b[3])})
		}
		h.outputs = []Output{{"scores", []int{1, n, c}}, {"boxes", []int{1, n, 4}}}
		h.values = [][]float32{scores, boxes}
		if r.IntN(2) == 0 {
			slices.Reverse(h.outputs)
			slices.Reverse(h.values)
		}
		return h
	},
}

func TestHeads(t *testing.T) {
	for kind := YOLOv5; kind <= LastHead; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(kind)))
			for range 200 {
				h := heads[kind](r)
				d, err := New(kind, h.outputs, h.width, h.height)
				if err != nil {
					t.Fatal(err)
				}
				least := float32(r.Float64())
				got, err := d.Decode(nil, h.values, least)
				if err != nil {
					t.Fatal(err)
				}
				want := slices.DeleteFunc(h.want, func(b Box) bool { return b.Score < least })
				compare(t, got, want)
				overlap := r.Float64()
				compare(t, Suppress(got, overlap, 20), suppressed(want, overlap, 20))
			}
		})
	}
}

// compare compares boxes, within 1e-4 of their sides.
func compare(t *testing.T, got, want []Box) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d boxes, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		within := 1e-4 * (1 + math.Abs(w.X1-w.X0))
		if g.Class != w.Class || math.Abs(float64(g.Score-w.Score)) > 1e-6 ||
			math.Abs(g.X0-w.X0) > within || math.Abs(g.X1-w.X1) > within || math.Abs(g.Y0-w.Y0) > within || math.Abs(g.Y1-w.Y1) > within {
			t.Fatalf("box %d is %+v, want %+v", i, g, w)
		}
	}
}

// suppressed is non-maximum suppression as it is explained: take the best box
// that is left, and cross out what overlaps it.
func suppressed(boxes []Box, overlap float64, most int) (kept []Box) {
	left := slices.Clone(boxes)
	for len(left) > 0 && len(kept) < most {
		top := 0
		for i, b := range left {
			if b.Score > left[top].Score {
				top = i
			}
		}
		a := left[top]
		kept = append(kept, a)
		left = slices.Delete(left, top, top+1)
		left = slices.DeleteFunc(left, func(b Box) bool {
			w := min(a.X1, b.X1) - max(a.X0, b.X0)
			h := min(a.Y1, b.Y1) - max(a.Y0, b.Y0)
			if a.Class != b.Class || w <= 0 || h <= 0 {
				return false
			}
			return w*h/((a.X1-a.X0)*(a.Y1-a.Y0)+(b.X1-b.X0)*(b.Y1-b.Y0)-w*h) > overlap
		})
	}
	return kept
}

func TestSuppress(t *testing.T) {
	a := Box{0, 0.9, 0, 0, 10, 10}
	b := Box{0, 0.8, 0, 0, 10, 5} // half of a
	c := Box{1, 0.8, 0, 0, 10, 10}
	empty := Box{0, 0.7, 5, 5, 5, 9}
	for _, f := range []struct {
		name    string
		in      []Box
		overlap float64
		most    int
		want    []Box
	}{
		{"none", nil, 0.5, 10, nil},
		{"just as much", []Box{b, a}, 0.5, 10, []Box{a, b}},
		{"more", []Box{b, a}, 0.49, 10, []Box{a}},
		{"other classes", []Box{c, a}, 0, 10, []Box{a, c}},
		{"the first of equals", []Box{{0, 0.9, 0, 0, 10, 11}, a}, 0.5, 10, []Box{{0, 0.9, 0, 0, 10, 11}}},
		{"at most", []Box{a, b, c}, 1, 2, []Box{a, b}},
		{"empty", []Box{a, empty, empty}, 0, 10, []Box{a, empty, empty}},
	} {
		if got := Suppress(slices.Clone(f.in), f.overlap, f.most); !slices.Equal(got, f.want) {
			t.Errorf("%s: %+v, want %+v", f.name, got, f.want)
		}
	}
}

func TestWrongOutputs(t *testing.T) {
	many := make([]Output, 12)
	for i := range many {
		many[i] = Output{fmt.Sprint(i), []int{1, 16, 1}}
	}
	for _, f := range []struct {
		head    Head
		outputs []Output
		want    string
	}{
		{YOLOv5, nil, "there should be one output, not 0"},
		{YOLOv5, []Output{{"x", []int{1, 3, 9, 6}}}, `output "x" of shape [1 3 9 6] is not a matrix`},
		{YOLOv5, []Output{{"x", []int{2, 3, 9}}}, "is not a matrix"},
		{YOLOv5, []Output{{"x", []int{1, 9, 5}}}, "5 numbers for a box, which is less than 5 and a class"},
		{YOLOv8, []Output{{"x", []int{1, 4, 9}}}, "4 numbers for a box, which is less than 4 and a class"},
		{YOLOv10, []Output{{"x", []int{1, 9, 7}}}, "7 numbers for a box, where 6 are expected"},
		{YOLOX, []Output{{"x", []int{1, 9, 6}}}, "9 boxes, where the grids on 64×32 pixels have 42 cells"},
		{YOLOX, []Output{{"x", []int{1, 42, 5}}}, "5 numbers for a box"},
		{YuNet, many[:11], "there should be 12 outputs, not 11"},
		{YuNet, many, `output "0" of 16×1, where cls_8 is 32×1`},
		{SSD, many[:1], "there should be two outputs, not 1"},
		{SSD, []Output{{"scores", []int{1, 9, 2}}, {"boxes", []int{1, 8, 4}}}, "boxes of 8×4 for 9 scores"},
		{SSD, []Output{{"scores", []int{1, 9, 1}}, {"boxes", []int{1, 9, 4}}}, "1 scores for a box"},
	} {
		_, err := New(f.head, f.outputs, 64, 32)
		if !errors.Is(err, ErrOutputs) || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%v, %v: %v, want %q", f.head, f.outputs, err, f.want)
		}
	}
	if _, err := New(LastHead+1, nil, 1, 1); err == nil {
		t.Error("a head that does not exist is one")
	}
	if _, err := New(YOLOv5, []Output{{"x", []int{1, 1, 6}}}, 0, 1); err == nil {
		t.Error("an input of no width")
	}
}

func TestDecodeErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	d, err := New(YOLOv5, []Output{{"x", []int{2, 7}}}, 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	if d.Classes() != 2 {
		t.Errorf("%d classes, want 2", d.Classes())
	}
	good := []float32{1, 1, 1, 1, 0.9, 0.5, 0.4}
	for name, bad := range map[string][]float32{
		"object": {1, 1, 1, 1, nan, 0.5, 0.4},
		"class":  {1, 1, 1, 1, 0.9, 0.5, nan},
		"middle": {1, nan, 1, 1, 0.9, 0.5, 0.4},
		"side":   {1, 1, inf, 1, 0.9, 0.5, 0.4},
	} {
		kept := []Box{{Score: 1}}
		got, err := d.Decode(kept, [][]float32{append(slices.Clone(good), bad...)}, 0.1)
		if !errors.Is(err, ErrNaN) || !slices.Equal(got, kept) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := d.Decode(nil, [][]float32{good}, 0.1); err == nil {
		t.Error("an output that is too short is decoded")
	}
	if _, err := d.Decode(nil, nil, 0.1); err == nil {
		t.Error("no output is decoded")
	}
}

func TestHeadNamed(t *testing.T) {
	for h := YOLOv5; h <= LastHead; h++ {
		if got, err := HeadNamed(strings.ToUpper(h.String())); got != h || err != nil {
			t.Errorf("%v: %v, %v", h, got, err)
		}
	}
	for _, name := range []string{"", "yolo", "head 0"} {
		if _, err := HeadNamed(name); err == nil {
			t.Errorf("%q names a head", name)
		}
	}
}
