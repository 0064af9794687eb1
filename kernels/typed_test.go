package kernels

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// A cell is an element of any type: a number, exact for all of them but large
// float32, which do not occur here, and an int64 beside it.
type cell struct {
	f float64
	i int64
}

var allElems = []tensor.Elem{tensor.F32, tensor.U8, tensor.I8, tensor.I16, tensor.I32, tensor.I64, tensor.Bool}

// cells reads elements.
func cells(e tensor.Elem, b []byte) []cell {
	out := make([]cell, len(b)/e.Size())
	for i := range out {
		switch e {
		case tensor.F32:
			f := tensor.Slice[float32](b)[i]
			out[i] = cell{float64(f), 0}
			continue
		case tensor.I8:
			out[i].i = int64(int8(b[i]))
		case tensor.I16:
			out[i].i = int64(tensor.Slice[int16](b)[i])
		case tensor.I32:
			out[i].i = int64(tensor.Slice[int32](b)[i])
		case tensor.I64:
			out[i].i = tensor.Slice[int64](b)[i]
		default:
			out[i].i = int64(b[i])
		}
		out[i].f = float64(out[i].i)
	}
	return out
}

// elements are random, and now and then extreme; many are equal.
func (g generator) elements(e tensor.Elem, n int) []byte {
	b := tensor.AlignedBytes(n * e.Size())
	for i := range n {
		v := int64(g.between(-3, 3))
		if g.IntN(6) == 0 {
			v = int64(g.Uint64())
		}
		switch e {
		case tensor.F32:
			x := float32(v%8) + 0.5*float32(g.IntN(2))
			if g.IntN(10) == 0 {
				x = specials[g.IntN(len(specials)-2)]
			}
			tensor.Slice[float32](b)[i] = x
		case tensor.U8, tensor.I8:
			b[i] = byte(v)
		case tensor.Bool:
			b[i] = byte(v & 1)
		case tensor.I16:
			tensor.Slice[int16](b)[i] = int16(v)
		case tensor.I32:
			tensor.Slice[int32](b)[i] = int32(v)
		case tensor.I64:
			tensor.Slice[int64](b)[i] = v
		}
	}
	return b
}

// runTyped runs an operation of n items: in one go and in parts, which must be
// the same. It returns the results, and the fault that there was.
func (g generator) runTyped(t *testing.T, s Spec, in []tensor.Type, params []Param, x [][]byte, n int) ([][]byte, []tensor.Type, error) {
	t.Helper()
	out, err := s.Infer(in, params)
	if err != nil {
		t.Fatalf("%s%+v of %v: %v", s.Op(), s, in, err)
	}
	op, err := s.Bind(portable, in, params)
	if err != nil {
		t.Fatal(err)
	}
	w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	results := func() (z [][]byte) {
		for _, t := range out {
			z = append(z, tensor.AlignedBytes(n*t.Bytes()))
		}
		return z
	}
	tasks := op.Tasks(n)
	whole, parts := results(), results()
	op.Run(w, x, whole, n, 0, tasks)
	for lo := 0; lo < tasks; {
		hi := min(lo+g.between(1, tasks), tasks)
		op.Run(w, x, parts, n, lo, hi)
		lo = hi
	}
	if !slices.EqualFunc(whole, parts, slices.Equal) {
		t.Fatalf("%s%+v of %v: parts differ from the whole", s.Op(), s, in)
	}
	return whole, out, w.Fault
}

// broadcastAt is the place in an operand of an element of the result.
func broadcastAt(index []int, shape []int) int {
	at := 0
	for i, d := range shape {
		k := index[len(index)-len(shape)+i]
		if d == 1 {
			k = 0
		}
		at = at*d + k
	}
	return at
}

// narrow makes a shape that broadcasts to another one of the same rank.
func (g generator) narrow(shape []int) []int {
	out := slices.Clone(shape)
	for i := range out {
		if g.IntN(3) == 0 {
			out[i] = 1
		}
	}
	return out
}

// wrapInt is an int64 as an element.
func wrapInt(e tensor.Elem, v int64) int64 {
	switch e {
	case tensor.U8:
		return v & 0xff
	case tensor.I8:
		return int64(int8(v))
	case tensor.I16:
		return int64(int16(v))
	case tensor.I32:
		return int64(int32(v))
	}
	return v
}

// refTyped is a function of two elements by its definition; false for a fault.
func refTyped(k BinaryKind, e tensor.Elem, a, b cell) (cell, bool) {
	truth := func(v bool) (cell, bool) {
		if v {
			return cell{1, 1}, true
		}
		return cell{}, true
	}
	order := cmp.Compare(a.i, b.i)
	switch k {
	case Equal:
		return truth(e == tensor.F32 && a.f == b.f || e != tensor.F32 && order == 0)
	case Less:
		return truth(e == tensor.F32 && a.f < b.f || e != tensor.F32 && order < 0)
	case LessOrEqual:
		return truth(e == tensor.F32 && a.f <= b.f || e != tensor.F32 && order <= 0)
	case And:
		return truth(a.i == 1 && b.i == 1)
	case Or:
		return truth(a.i == 1 || b.i == 1)
	case Xor:
		return truth(a.i != b.i)
	}
	if e == tensor.F32 { // Fmod
		return cell{float64(float32(math.Mod(a.f, b.f))), 0}, true
	}
	var v int64
	switch k {
	case Add:
		v = a.i + b.i
	case Sub:
		v = a.i - b.i
	case Mul:
		v = a.i * b.i
	case Max:
		v = max(a.i, b.i)
	case Min:
		v = min(a.i, b.i)
	case BitAnd, BitOr, BitXor:
		for bit := range 64 {
			x, y := a.i>>bit&1, b.i>>bit&1
			set := map[BinaryKind]bool{BitAnd: x*y == 1, BitOr: x+y > 0, BitXor: x != y}
			if set[k] {
				v |= 1 << bit
			}
		}
	case ShiftLeft, ShiftRight:
		v = a.i
		for range min(uint64(b.i), 64) {
			if k == ShiftLeft {
				v *= 2
			} else {
				v = (v - v&1) / 2
			}
		}
	default:
		if b.i == 0 {
			return cell{}, false
		}
		if v = a.i / b.i; k != Div {
			v = a.i - v*b.i
			if k == Mod && v != 0 && (v < 0) != (b.i < 0) {
				v += b.i
			}
		}
	}
	v = wrapInt(e, v)
	return cell{float64(v), v}, true
}

func same(a, b cell) bool { return a.i == b.i && (a.f == b.f || a.f != a.f && b.f != b.f) }

func TestBinaryOfTypes(t *testing.T) {
	g := newGenerator(90)
	faults := 0
	for _, e := range allElems {
		for k := Add; k <= LastBinary; k++ {
			if !k.takes(e) || e == tensor.F32 && k <= Pow {
				continue
			}
			for range 12 {
				z := g.shape(g.between(0, 4), 5)
				if g.IntN(6) == 0 {
					z = append(z, 700)
				}
				in := []tensor.Type{{Elem: e, Shape: g.narrow(z)}, {Elem: e, Shape: g.narrow(z)}}
				n := g.between(1, 3)
				x := [][]byte{g.elements(e, n*in[0].Shape.Volume()), g.elements(e, n*in[1].Shape.Volume())}
				spec := &Binary{Kind: k}
				var params []Param
				which := g.IntN(3) // 2: no operand is constant
				full := slices.Clone(x)
				if which < 2 {
					params = []Param{{Elem: e, Shape: in[which].Shape, Data: g.elements(e, in[which].Shape.Volume())}}
					full[which] = slices.Repeat(params[0].Data, n)
					spec.Swap = which == 0
					in, x = slices.Delete(slices.Clone(in), which, which+1), slices.Delete(slices.Clone(x), which, which+1)
				}
				shapes := [2]tensor.Shape{in[0].Shape, in[len(in)-1].Shape}
				if which < 2 {
					shapes[which] = params[0].Shape
				}
				got, out, fault := g.runTyped(t, spec, in, params, x, n)
				wantFault := false
				result := cells(out[0].Elem, got[0])
				for item := range n {
					var operand [2][]cell
					for i := range operand {
						v := shapes[i].Volume()
						operand[i] = cells(e, full[i])[item*v:][:v]
					}
					i := item * out[0].Shape.Volume()
					for index := range indices(out[0].Shape) {
						want, ok := refTyped(k, e, operand[0][broadcastAt(index, shapes[0])], operand[1][broadcastAt(index, shapes[1])])
						wantFault = wantFault || !ok
						if !same(result[i], want) {
							t.Fatalf("kind %d of %v, %v and %v: element %v is %v, want %v", k, e, shapes[0], shapes[1], index, result[i], want)
						}
						i++
					}
				}
				if (fault != nil) != wantFault || wantFault && !errors.Is(fault, ErrDivision) {
					t.Errorf("kind %d of %v: fault %v, want one: %v", k, e, fault, wantFault)
				}
				if wantFault {
					faults++
				}
			}
		}
	}
	if faults == 0 {
		t.Error("nothing was divided by zero")
	}
}

func TestSelect(t *testing.T) {
	g := newGenerator(91)
	for range 300 {
		e := allElems[g.IntN(len(allElems))]
		z := g.shape(g.between(0, 5), 4)
		n := g.between(1, 3)
		spec := &Select{Constant: [3]bool{g.IntN(3) == 0, g.IntN(3) == 0, g.IntN(3) == 0}}
		if spec.Constant == [3]bool{true, true, true} {
			spec.Constant[1] = false
		}
		var in []tensor.Type
		var params []Param
		var x [][]byte
		var full [3][]cell
		var shapes [3]tensor.Shape
		for i, c := range spec.Constant {
			typ := tensor.Type{Elem: e, Shape: g.narrow(z)}
			if i == 0 {
				typ.Elem = tensor.Bool
			}
			shapes[i] = typ.Shape
			if c {
				data := g.elements(typ.Elem, typ.Shape.Volume())
				params = append(params, Param{Elem: typ.Elem, Shape: typ.Shape, Data: data})
				full[i] = cells(typ.Elem, slices.Repeat(data, n))
				continue
			}
			in = append(in, typ)
			x = append(x, g.elements(typ.Elem, n*typ.Shape.Volume()))
			full[i] = cells(typ.Elem, x[len(x)-1])
		}
		got, out, _ := g.runTyped(t, spec, in, params, x, n)
		result := cells(e, got[0])
		for item := range n {
			i := item * out[0].Shape.Volume()
			for index := range indices(out[0].Shape) {
				pick := func(k int) cell {
					return full[k][item*shapes[k].Volume()+broadcastAt(index, shapes[k])]
				}
				want := pick(2)
				if pick(0).i != 0 {
					want = pick(1)
				}
				if !same(result[i], want) {
					t.Fatalf("%+v of %v: element %v is %v, want %v", spec, shapes, index, result[i], want)
				}
				i++
			}
		}
	}
}

func TestConvert(t *testing.T) {
	g := newGenerator(92)
	for _, from := range allElems {
		for _, to := range allElems {
			shape := g.shape(2, 30)
			in := []tensor.Type{{Elem: from, Shape: shape}}
			x := [][]byte{g.elements(from, 2*in[0].Shape.Volume())}
			got, _, _ := g.runTyped(t, &Convert{Result: Elements{Elem: to}}, in, nil, x, 2)
			result := cells(to, got[0])
			for i, v := range cells(from, x[0]) {
				var want cell
				switch {
				case to == tensor.Bool:
					if v.f != 0 {
						want = cell{1, 1}
					}
				case to == tensor.F32 && from == tensor.F32:
					want = v
				case to == tensor.F32:
					want.f = float64(float32(v.i))
				case from == tensor.F32:
					w := FloatToInt(v.f, to)
					want = cell{float64(w), w}
				default:
					w := wrapInt(to, v.i)
					want = cell{float64(w), w}
				}
				if !same(result[i], want) {
					t.Fatalf("%v to %v: %v is %v, want %v", from, to, v, result[i], want)
				}
			}
		}
	}
}

// TestFloatToInt has what x86-64's instructions make of the numbers.
func TestFloatToInt(t *testing.T) {
	for _, c := range []struct {
		x    float64
		e    tensor.Elem
		want int64
	}{
		{-3.75, tensor.I32, -3}, {3.75, tensor.I64, 3}, {300, tensor.U8, 44}, {-1, tensor.U8, 255}, {200, tensor.I8, -56},
		{1 << 31, tensor.I32, -1 << 31}, {-1 << 31, tensor.I32, -1 << 31}, {1 << 31, tensor.I64, 1 << 31}, {1 << 40, tensor.U8, 0},
		{math.NaN(), tensor.I64, math.MinInt64}, {math.NaN(), tensor.I32, math.MinInt32}, {math.NaN(), tensor.I16, 0},
		{math.Inf(1), tensor.I64, math.MinInt64}, {math.Inf(-1), tensor.I64, math.MinInt64}, {-1 << 63, tensor.I64, math.MinInt64},
	} {
		if got := FloatToInt(c.x, c.e); got != c.want {
			t.Errorf("%v as %v is %d, want %d", c.x, c.e, got, c.want)
		}
	}
}

func TestRepeatAndTake(t *testing.T) {
	g := newGenerator(93)
	for range 400 {
		e := allElems[g.IntN(len(allElems))]
		in := []tensor.Type{{Elem: e, Shape: g.shape(g.between(1, 8), 3)}}
		n := g.between(1, 3)
		x := [][]byte{g.elements(e, n*in[0].Shape.Volume())}
		rank := len(in[0].Shape)
		var spec Spec
		source := func(index []int) []int { return index }
		if g.IntN(2) == 0 {
			spec = &Repeat{Times: g.shape(rank, 2)}
			source = func(index []int) []int {
				from := slices.Clone(index)
				for i := range from {
					from[i] %= in[0].Shape[i]
				}
				return from
			}
		} else {
			axis := g.IntN(rank)
			take := &Take{Axis: axis}
			for range g.between(1, 6) {
				take.Index = append(take.Index, g.IntN(in[0].Shape[axis]))
			}
			spec = take
			source = func(index []int) []int {
				from := slices.Clone(index)
				from[axis] = take.Index[index[axis]]
				return from
			}
		}
		got, out, _ := g.runTyped(t, spec, in, nil, x, n)
		result, values := cells(e, got[0]), cells(e, x[0])
		for item := range n {
			i := item * out[0].Shape.Volume()
			for index := range indices(out[0].Shape) {
				want := values[item*in[0].Shape.Volume()+broadcastAt(source(index), in[0].Shape)]
				if !same(result[i], want) {
					t.Fatalf("%s%+v of %v: element %v is %v, want %v", spec.Op(), spec, in, index, result[i], want)
				}
				i++
			}
		}
	}
}

func TestGather(t *testing.T) {
	g := newGenerator(94)
	faults := 0
	for range 400 {
		e := allElems[g.IntN(len(allElems))]
		values := tensor.Type{Elem: e, Shape: g.shape(g.between(1, 4), 4)}
		places := tensor.Type{Elem: tensor.I64, Shape: g.shape(g.between(0, 3), 4)}
		axis := g.IntN(len(values.Shape))
		shared := g.IntN(axis + 1)
		places.Shape = slices.Concat(values.Shape[:shared], places.Shape)
		dim := values.Shape[axis]
		n := g.between(1, 3)
		long := make([]int64, n*places.Shape.Volume())
		bad := g.IntN(8) == 0
		for i := range long {
			long[i] = int64(g.between(-dim, dim-1))
		}
		if bad {
			long[g.IntN(len(long))] = []int64{int64(dim), int64(-dim - 1), math.MinInt64, math.MaxInt64}[g.IntN(4)]
		}
		index := tensor.Bytes(long)
		if g.IntN(2) == 0 && !bad {
			places.Elem = tensor.I32
			short := make([]int32, len(long))
			for i, v := range long {
				short[i] = int32(v)
			}
			index = tensor.Bytes(short)
		}
		in, x := []tensor.Type{values, places}, [][]byte{g.elements(e, n*values.Shape.Volume()), index}
		var params []Param
		all := x[0]
		if g.IntN(2) == 0 {
			data := x[0][:values.Bytes()]
			params = []Param{{Elem: e, Shape: values.Shape, Data: data}}
			in, x, all = in[1:], x[1:], slices.Repeat(data, n)
		}
		got, out, fault := g.runTyped(t, &Gather{Axis: axis, Shared: shared}, in, params, x, n)
		if bad {
			faults++
			if !errors.Is(fault, ErrIndex) {
				t.Fatalf("%v of %v: fault %v", long, values, fault)
			}
			continue
		}
		if fault != nil {
			t.Fatal(fault)
		}
		result, source := cells(e, got[0]), cells(e, all)
		for item := range n {
			i := item * out[0].Shape.Volume()
			for to := range indices(out[0].Shape) {
				behind := axis + len(places.Shape) - shared
				k := broadcastAt(slices.Concat(to[:shared], to[axis:behind]), places.Shape)
				at := int(long[item*places.Shape.Volume()+k])
				from := slices.Concat(to[:axis], []int{(at + dim) % dim}, to[behind:])
				if want := source[item*values.Shape.Volume()+broadcastAt(from, values.Shape)]; !same(result[i], want) {
					t.Fatalf("%v of %v along %d: element %v is %v, want %v", places, values, axis, to, result[i], want)
				}
				i++
			}
		}
	}
	if faults == 0 {
		t.Error("no index was out of range")
	}
}

// TestArgAndTopK compares with a stable sort.
func TestArgAndTopK(t *testing.T) {
	g := newGenerator(95)
	for range 600 {
		e := allElems[g.IntN(len(allElems)-1)]
		x := tensor.Type{Elem: e, Shape: g.shape(g.between(1, 4), 7)}
		axis := g.IntN(len(x.Shape))
		if g.IntN(4) == 0 {
			x.Shape[axis] = g.between(20, 60)
		}
		if last := len(x.Shape) - 1; axis < last && g.IntN(4) == 0 {
			x.Shape[last] = g.between(60, 140) // more columns than an Arg looks at together
		}
		least, last := g.IntN(2) == 0, g.IntN(2) == 0
		k := g.between(1, x.Shape[axis])
		n := g.between(1, 2)
		data := [][]byte{g.elements(e, n*x.Shape.Volume())}
		arg, _, _ := g.runTyped(t, &Arg{Axis: axis, Min: least, Last: last}, []tensor.Type{x}, nil, data, n)
		top, out, _ := g.runTyped(t, &TopK{Axis: axis, K: k, Smallest: least}, []tensor.Type{x}, nil, data, n)
		places, values, all := tensor.Slice[int64](top[1]), cells(e, top[0]), cells(e, data[0])
		name := fmt.Sprintf("%v along %d, smallest %v, last %v, %d", x, axis, least, last, k)
		rows := slices.Clone(x.Shape)
		rows[axis] = 1
		row := 0
		for item := range n {
			for index := range indices(rows) {
				at := func(i int) cell {
					from := slices.Clone(index)
					from[axis] = i
					return all[item*x.Shape.Volume()+broadcastAt(from, x.Shape)]
				}
				// rank orders as the documentation says, NaN above all.
				rank := func(i, j int, nanFirst bool) int {
					a, b := at(i), at(j)
					if a.f != a.f || b.f != b.f {
						order := 0
						if a.f != a.f {
							order--
						}
						if b.f != b.f {
							order++
						}
						if least && !nanFirst {
							order = -order
						}
						return order
					}
					order := cmp.Compare(a.i, b.i)
					if e == tensor.F32 {
						order = cmp.Compare(a.f, b.f)
					}
					if !least {
						order = -order
					}
					return order
				}
				sorted := make([]int, x.Shape[axis])
				for i := range sorted {
					sorted[i] = i
				}
				slices.SortStableFunc(sorted, func(i, j int) int { return rank(i, j, false) })
				for i := range k {
					to := slices.Clone(index)
					to[axis] = i
					p := item*out[0].Shape.Volume() + broadcastAt(to, out[0].Shape)
					if places[p] != int64(sorted[i]) || !same(values[p], at(sorted[i])) {
						t.Fatalf("%s: element %d of row %v is %v at %d, want %v at %d", name, i, index, values[p], places[p], at(sorted[i]), sorted[i])
					}
				}
				slices.SortStableFunc(sorted, func(i, j int) int { return rank(i, j, true) })
				want := sorted[0]
				for _, i := range sorted {
					if last && rank(i, sorted[0], true) == 0 {
						want = max(want, i)
					}
				}
				if got := tensor.Slice[int64](arg[0])[row]; got != int64(want) {
					t.Fatalf("%s: row %v is largest at %d, want %d", name, index, got, want)
				}
				row++
			}
		}
	}
}

// TestArgOfFew looks at every row of a few special elements, on each way to
// compute an Arg: of short rows, of longer ones, and of columns.
func TestArgOfFew(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	special := []float32{float32(math.Copysign(0, -1)), 0, 1, -1, inf, -inf, nan, math.Float32frombits(0xffc00001), math.SmallestNonzeroFloat32, math.MaxFloat32}
	better := func(v, best float32, least bool) bool {
		if v != v || best != best {
			return best == best
		}
		return least && v < best || !least && v > best
	}
	for _, least := range []bool{false, true} {
		for _, dim := range []int{1, 2, 3, lanes - 1, lanes} {
			const count = 3000
			g := newGenerator(52)
			x, columns := make([]float32, count*dim), make([]float32, count*dim)
			want := make([]int64, count)
			for i := range want {
				row := x[i*dim:][:dim]
				for j := range row {
					row[j] = special[g.IntN(len(special))]
					columns[j*count+i] = row[j]
				}
				for j, v := range row {
					if better(v, row[want[i]], least) {
						want[i] = int64(j)
					}
				}
			}
			for _, c := range []struct {
				shape tensor.Shape
				axis  int
				x     []float32
			}{{tensor.Shape{count, dim}, 1, x}, {tensor.Shape{dim, count}, 0, columns}} {
				op, err := (&Arg{Axis: c.axis, Min: least}).Bind(portable, []tensor.Type{{Elem: tensor.F32, Shape: c.shape}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]int64, count)
				op.Run(&Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]byte{bytesOf(c.x)}, [][]byte{bytesOf(got)}, 1, 0, op.Tasks(1))
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("of %v the place is %d, not %d (least: %v, shape %s)", x[i*dim:][:dim], got[i], want[i], least, c.shape)
					}
				}
			}
		}
	}
}
