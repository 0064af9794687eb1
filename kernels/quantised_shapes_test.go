package kernels

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/internal/guard"
	"github.com/infer-go/infer/tensor"
)

// elements makes the elements of an operand or a result: mostly such as can be
// computed with.
func (m *maker) elements() Elements {
	switch b := m.byte(); {
	case b%16 == 0:
		return Elements{tensor.Elem(m.kind(byte(tensor.LastElem))), m.float(), int32(m.int())}
	case b%16 == 1:
		return Elements{}
	case b%16 == 2:
		return Elements{Elem: tensor.U8}
	}
	return Elements{tensor.U8, 0.1, 3}
}

// quantisedParams are what the Spec wants of int8.
func (m *maker) quantisedParams(s Spec, in []tensor.Type) []Param {
	if len(in) == 0 || len(in[0].Shape) == 0 {
		return nil
	}
	c := in[0].Shape[len(in[0].Shape)-1]
	p := Param{Elem: tensor.I8}
	switch s := s.(type) {
	case *Conv:
		if s.Groups < 1 {
			return nil
		}
		if s.Groups == c && m.bool() {
			p.Form, p.Shape = FormTaps, []int{s.Kernel[0] * s.Kernel[1], s.Channels}
		} else {
			p.Form, p.Shape = FormPanels, []int{s.Groups, s.Kernel[0] * s.Kernel[1] * (c / s.Groups), s.Channels / s.Groups}
		}
	case *FullyConnected:
		p.Form, p.Shape = FormPanels, []int{1, c, s.Channels}
	case *Unary:
		p.Form, p.Elem, p.Shape = FormPlain, tensor.U8, []int{256}
	default:
		return nil
	}
	if n, ok := p.Bytes(); ok && n < 1<<16 {
		p.Data = tensor.AlignedBytes(n)
		switch p.Form {
		case FormPanels:
			for i := range p.Panels().Count() {
				_, scale := p.Panels().header(p.Panels().panel(p.Data, i))
				for j := range p.Panels().Columns(i) {
					scale[j] = 0.1
				}
			}
		case FormTaps:
			for j := range p.Shape[1] {
				putFloat(p.Data[4*(p.Shape[1]+j):], 0.1)
			}
		}
	}
	return []Param{p}
}

// tryQuantised does as tryShapes with quantised operands, and operands and
// results end at unmapped pages.
func tryQuantised(t *testing.T, data []byte) (op string, ran bool) {
	m := newMaker(data)
	var s Spec
	switch m.byte() % 8 {
	case 0:
		s = &Convert{}
	case 1, 2, 3:
		// Of the convolutions that spec makes hardly one fits.
		c := &Conv{Window: m.window(), Groups: m.int(), Channels: m.int(), Pool: m.bool()}
		if m.bool() {
			c.Kernel, c.Stride, c.Dilation, c.Groups = [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, 1
			c.Winograd = Winograd(m.kind(byte(WinogradF4)))
		}
		s = c
	default:
		s = m.spec()
	}
	var in []tensor.Type
	result, first := m.elements(), m.elements()
	if q, ok := s.(Quantising); ok {
		if e := q.ResultElements(first.Of()); e != nil {
			*e = result
		}
	}
	for _, shape := range m.shapes() {
		if m.byte()%16 == 0 {
			first = m.elements()
		}
		in = append(in, first.Of(shape...))
	}
	params := m.quantisedParams(s, in)
	out, err := s.Infer(in, params)
	if err != nil {
		if _, err := s.Bind(portable, in, params); err == nil {
			t.Fatalf("%+v of %v: refused, but bound", s, in)
		}
		return "", false
	}
	for _, x := range slices.Concat(in, out) {
		if err := x.Check(); err != nil {
			t.Fatalf("%+v of %v: accepted, but a type %v", s, in, err)
		}
		if x.Shape.Volume() > 1<<14 {
			return s.Op(), false
		}
	}
	bound, err := s.Bind(Tiers()[len(Tiers())-1], in, params)
	if err != nil {
		return s.Op(), false // of scales that do not fit together
	}
	memory := guard.New(t)
	defer memory.Release()
	alloc := func(types []tensor.Type) (x [][]byte) {
		for _, typ := range types {
			x = append(x, guard.Make[byte](memory, 2*typ.Bytes(), guard.End))
		}
		return x
	}
	w := &Workspace{Scratch: guard.Make[byte](memory, bound.Scratch(), guard.End)}
	bound.Run(w, alloc(in), alloc(out), 2, 0, bound.Tasks(2))
	if _, ok := bound.(*quantisedWinograd); ok {
		return "Conv by Winograd", true
	}
	return s.Op(), true
}

// TestQuantisedShapesOfAnything throws random bytes at it.
func TestQuantisedShapesOfAnything(t *testing.T) {
	if best := Tiers()[len(Tiers())-1]; !best.Supported {
		t.Skipf("this processor lacks %v", best.Features)
	}
	r := rand.New(rand.NewPCG(61, 0))
	ran := map[string]int{}
	for range 100_000 {
		data := make([]byte, 70)
		for i := range data {
			data[i] = byte(r.Uint32())
			if r.IntN(16) > 0 {
				data[i] %= 248
			}
		}
		if op, ok := tryQuantised(t, data); ok {
			ran[op]++
		}
	}
	t.Logf("ran %v", ran)
	for _, op := range []string{"Conv", "Conv by Winograd", "FullyConnected", "Pool", "Unary", "Binary", "Convert", "Concat", "Resize"} {
		if ran[op] == 0 {
			t.Errorf("%s never ran", op)
		}
	}
}

// TestPreparedWeights compares what is made of weights when a model is opened, for
// products, for Winograd's algorithm in int16 and for depthwise convolutions, with
// what was made of them on another processor: no compiler may round a product with
// what follows it.
func TestPreparedWeights(t *testing.T) {
	g := newGenerator(11)
	sum := crc32.NewIEEE()
	for range 50 {
		k, n := g.between(1, 40), g.between(1, 40)
		x, result := g.quantisedElements(), g.result(4)
		q, err := newQuantisedPanels(&FullyConnected{}, portable, x, result, Act{Kind: Clamp, Lo: -g.Float32(), Hi: g.Float32()}, g.quantisedWeights(k, n).panels(1, k, n), k, false)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(tensor.Bytes(q.bias))
		sum.Write(tensor.Bytes(q.scale))
		sum.Write(q.weights)
		sum.Write(tensor.Bytes([]float32{q.lo, q.hi}))
	}
	for range 10 {
		cin, n := g.between(1, 40), g.between(1, 40)
		w, err := newWordParam(&Conv{}, g.quantisedElements(), g.result(4), g.quantisedWeights(9*cin, n).panels(1, 9*cin, n), cin)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(tensor.Bytes(w.words))
		sum.Write(tensor.Bytes(w.factor))
		sum.Write(tensor.Bytes(w.bias))
	}
	for range 10 {
		const taps = 9
		c := g.between(1, 200)
		weights := g.quantisedWeights(taps, c).taps(taps, c)
		f := foldTaps(&Conv{Result: g.result(4)}, g.quantisedElements(), weights)
		if f.err != nil {
			t.Fatal(f.err)
		}
		sum.Write(tensor.Bytes(f.bias))
		sum.Write(tensor.Bytes(f.scale))
		f.interleave(weights.Data[8*c:])
		sum.Write(tensor.Bytes(f.bias))
		sum.Write(tensor.Bytes(f.scale))
		sum.Write(f.weights)
	}
	x, y := Elements{tensor.U8, 0.03, 77}, Elements{tensor.U8, 0.1, 5}
	op, err := (&Convert{y}).Bind(portable, []tensor.Type{x.Of(1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum.Write(op.(*tableOp).table[:])
	sum.Write(TableParam(x, y, math.Abs).Data)
	if got := sum.Sum32(); got != 0xd56824c1 {
		t.Errorf("the prepared weights' checksum is %#x", got)
	}
}
