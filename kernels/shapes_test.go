package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// A maker makes specs, shapes and params from bytes: mostly small numbers that
// may fit together, now and then absurd ones.
type maker struct {
	data []byte
	rank int // of most shapes and lists, so that they fit together
}

func newMaker(data []byte) *maker {
	m := &maker{data: data}
	m.rank = int(m.byte() % 6)
	return m
}

func (m *maker) byte() byte {
	if len(m.data) == 0 {
		return 1
	}
	b := m.data[0]
	m.data = m.data[1:]
	return b
}

func (m *maker) int() int {
	b := m.byte()
	switch b {
	case 255:
		return math.MaxInt
	case 254:
		return math.MinInt
	case 253:
		return math.MaxInt32
	case 252:
		return math.MinInt32
	case 251:
		return math.MaxInt / 2
	case 250:
		return 1 << 20
	case 249:
		return -1
	case 248:
		return -2
	}
	return int(b) % 8
}

func (m *maker) ints(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = m.int()
	}
	return x
}

func (m *maker) list() []int {
	if b := m.byte(); b%16 == 0 {
		return m.ints(int(b / 16))
	}
	return m.ints(m.rank)
}

// spatial is a list for the dimensions of a map but the first two.
func (m *maker) spatial() []int { return m.ints(max(m.rank-2, 0)) }

func (m *maker) pair() [2]int { return [2]int(m.ints(2)) }
func (m *maker) bool() bool   { return m.byte()%2 == 1 }
func (m *maker) float() float32 {
	return append(specials, 0.5, 1, 2, 3)[int(m.byte())%(len(specials)+4)]
}
func (m *maker) kind(n byte) byte { return m.byte() % (n + 2) }

func (m *maker) act() Act {
	return Act{Kind: Activation(m.kind(byte(LastActivation))), Lo: m.float(), Hi: m.float()}
}

func (m *maker) window() Window {
	w := Window{Kernel: m.pair(), Stride: m.pair(), Dilation: [2]int{1, 1}}
	if m.bool() {
		w.Dilation = m.pair()
	}
	if m.bool() {
		w.Pad = [4]int(m.ints(4))
	}
	return w
}

func (m *maker) spec() Spec {
	switch m.byte() % 34 {
	case 0:
		return &Conv{Window: m.window(), Groups: m.int(), Channels: m.int(), Act: m.act(), Pool: m.bool(), Winograd: Winograd(m.kind(2))}
	case 1:
		return &ConvTranspose{Window: m.window(), Groups: m.int(), Channels: m.int(), OutputPad: m.pair(), Act: m.act()}
	case 2:
		return &FullyConnected{Channels: m.int(), Act: m.act()}
	case 3:
		mm := &MatMul{Scale: m.float()}
		if m.bool() {
			mm.Left, mm.Right, mm.Result = m.list(), m.list(), m.list()
		}
		if m.bool() {
			mm.Stack = m.list()
		}
		return mm
	case 4:
		return &Pool{Window: m.window(), Kind: PoolKind(m.kind(2)), Ceil: m.bool()}
	case 5:
		return &Unary{Kind: UnaryKind(m.kind(byte(LastUnary))), Act: m.act()}
	case 6:
		return &Binary{Kind: BinaryKind(m.kind(byte(LastBinary))), Act: m.act(), Swap: m.bool()}
	case 7:
		return &Concat{Axis: m.int()}
	case 8:
		return &Slice{Start: m.list(), Step: m.list(), Size: m.list()}
	case 9:
		return &Split{Axis: m.int(), Sizes: m.list()}
	case 10:
		return &Padding{Mode: PadMode(m.kind(byte(PadWrap))), Before: m.list(), After: m.list(), Value: m.float()}
	case 11:
		return &Transpose{Perm: m.list()}
	case 12:
		return &Reshape{Shape: m.list()}
	case 13:
		return &Softmax{Axis: m.int(), Log: m.bool()}
	case 14:
		return &Reduce{Kind: ReduceKind(m.kind(byte(ReduceLogSumExp))), Axes: m.list(), Keep: m.bool()}
	case 15:
		return &Normalise{Kind: NormaliseKind(m.kind(byte(ByL2))), Axes: m.list(), Epsilon: m.float()}
	case 16:
		return &LRN{Size: m.int(), Alpha: m.float(), Beta: m.float(), Bias: m.float()}
	case 18:
		return &Convert{Result: Elements{Elem: tensor.Elem(m.kind(byte(tensor.LastElem)))}}
	case 19:
		return &Select{Constant: [3]bool{m.bool(), m.bool(), m.bool()}}
	case 20:
		return &Repeat{Times: m.list()}
	case 21:
		return &Take{Axis: m.int(), Index: m.list()}
	case 22:
		return &Gather{Axis: m.int(), Shared: m.int()}
	case 23:
		return &Arg{Axis: m.int(), Min: m.bool(), Last: m.bool()}
	case 24:
		return &TopK{Axis: m.int(), K: m.int(), Smallest: m.bool()}
	case 25:
		return &Recurrent{Kind: RecurrentKind(m.kind(byte(GRUResetAfter))), Reverse: m.bool()}
	case 26:
		return &GridSample{Mode: ResizeMode(m.kind(byte(Cubic))), Padding: GridPadding(m.kind(byte(GridReflection))), AlignCorners: m.bool()}
	case 27:
		return &Constant{}
	case 28:
		return &MaxPlaces{Kernel: m.spatial(), Stride: m.spatial(), Dilation: m.spatial(), Before: m.spatial(), Size: m.spatial(), ColumnMajor: m.bool()}
	case 29:
		return &Scatter{Axis: m.int(), Size: m.int(), Kind: ScatterKind(m.kind(byte(ScatterMin)))}
	case 30:
		return &GatherElements{Axis: m.int()}
	case 31:
		return &NonMaxSuppression{Most: m.int(), Overlap: m.float(), Least: m.float(), Scored: m.bool(), Centred: m.bool()}
	case 32:
		return &RoiAlign{Max: m.bool(), HalfPixel: m.bool(), Size: m.pair(), Sampling: m.int(), Scale: m.float()}
	case 33:
		return &CumulativeSum{Axis: m.int(), Exclusive: m.bool(), Reverse: m.bool()}
	}
	r := &Resize{Mode: ResizeMode(m.kind(byte(SmoothCubic))), Coordinates: Coordinates(m.kind(byte(CropAndResize))), Rounding: Rounding(m.kind(3)),
		Scale: [2]float32{m.float(), m.float()}, Size: m.pair()}
	if r.Mode >= Cubic {
		r.ExcludeOutside = m.bool()
	}
	if r.Mode == Cubic || r.Mode == SmoothCubic {
		r.CubicA = m.float()
	}
	if r.Coordinates == CropAndResize {
		r.Crop, r.Extrapolation = [4]float32{m.float(), m.float(), m.float(), m.float()}, m.float()
	}
	return r
}

func (m *maker) shapes() [][]int {
	in := make([][]int, m.byte()%4)
	for i := range in {
		if m.bool() {
			in[i] = m.ints(4)
		} else {
			in[i] = m.list()
		}
	}
	if len(in) == 2 && m.bool() {
		in[1] = in[0]
	}
	return in
}

// params are what the spec wants, so that more than refusals is tested; or
// anything.
func (m *maker) params(s Spec, in [][]int) []Param {
	if m.bool() && len(in) > 0 && len(in[0]) > 0 {
		c := in[0][len(in[0])-1]
		switch s := s.(type) {
		case *Conv:
			if s.Groups > 0 {
				if s.Groups == c && m.bool() {
					return []Param{sized(FormTaps, s.Kernel[0]*s.Kernel[1], s.Channels)}
				}
				return []Param{sized(FormPanels, s.Groups, s.Kernel[0]*s.Kernel[1]*(c/s.Groups), s.Channels/s.Groups)}
			}
		case *ConvTranspose:
			if s.Groups > 0 {
				return []Param{m.transposedWeights(s, c)}
			}
		case *FullyConnected:
			return []Param{sized(FormPanels, 1, c, s.Channels)}
		case *Recurrent:
			hidden := c / s.Kind.gates()
			return []Param{sized(FormPanels, s.Kind.gates(), hidden, hidden), sized(FormPlain, s.Kind.states(), hidden)}[:1+m.byte()%2]
		case *Normalise:
			if m.bool() {
				shape := append([]int{2}, in[0]...)
				for i := range in[0] {
					if m.bool() {
						shape[i+1] = 1
					}
				}
				return []Param{sized(FormPlain, shape...)}
			}
			return nil
		case *Binary:
			return []Param{sized(FormPlain, m.list()...)}
		default:
			return nil
		}
	}
	params := make([]Param, m.byte()%3)
	for i := range params {
		params[i] = sized(Form(m.kind(2)), m.list()...)
		params[i].Elem = tensor.Elem(m.kind(1))
	}
	return params
}

// transposedWeights are those of c channels in one of the forms that there are.
func (m *maker) transposedWeights(s *ConvTranspose, c int) Param {
	taps, out := s.Kernel[0]*s.Kernel[1], s.Channels/s.Groups
	switch m.byte() % 3 {
	case 0:
		return sized(FormTaps, taps, s.Channels)
	case 1:
		return sized(FormPanels, s.Groups, c/s.Groups, taps*out)
	}
	return sized(FormPanels, s.Groups, taps*(c/s.Groups), out)
}

// sized is a param of zeros, without data if it would be large.
func sized(f Form, shape ...int) Param {
	p := Param{Form: f, Shape: shape}
	if n, ok := p.Bytes(); ok && n < 1<<16 {
		p.Data = tensor.AlignedBytes(n)
	}
	return p
}

// fit makes shapes of three numbers or more fit a spec that would hardly ever
// accept others, now and then.
func (m *maker) fit(s Spec, in [][]int) [][]int {
	if len(in) == 0 || len(in[0]) < 3 || m.bool() {
		return in
	}
	x := in[0]
	switch s.(type) {
	case *NonMaxSuppression:
		return [][]int{{x[0], x[1], 4}, {x[0], x[2], x[1]}}
	case *RoiAlign:
		return [][]int{append([]int{m.int()}, x[:3]...), {x[0], 4}, {x[0]}}
	case *MaxPlaces:
		m.rank = len(x)
		return in[:1]
	}
	return in
}

// types are mostly float32; where that would be refused, what the spec wants.
func (m *maker) types(s Spec, in [][]int) []tensor.Type {
	t := types(in)
	other := tensor.Elem(m.byte() % byte(tensor.LastElem+2))
	if m.byte()%4 == 0 {
		for i := range t {
			t[i].Elem = other
		}
	}
	switch s.(type) {
	case *Select:
		if len(t) > 0 {
			t[0].Elem = tensor.Bool
		}
	case *Gather, *GatherElements, *RoiAlign:
		if len(t) > 0 {
			t[len(t)-1].Elem = tensor.I64
		}
	case *Scatter:
		if len(t) > 1 {
			t[len(t)-2].Elem = tensor.I64
		}
	}
	return t
}

// tryShapes asks for the shapes of whatever the bytes make. None may panic;
// what is accepted must be a sound shape, and must run if it is small; what is
// refused must not be bound either.
func tryShapes(t *testing.T, data []byte) (accepted, ran bool) {
	m := newMaker(data)
	s := m.spec()
	shapes := m.fit(s, m.shapes())
	params := m.params(s, shapes)
	in := m.types(s, shapes)
	tryExtents(t, s, m)
	out, err := s.Infer(in, params)
	if err != nil {
		if _, err := s.Bind(Tiers()[0], in, params); err == nil {
			t.Fatalf("%+v of %v: refused, but bound", s, in)
		}
		return false, false
	}
	small := true
	check := func(what string, types []tensor.Type) {
		for _, typ := range types {
			if err := typ.Check(); err != nil {
				t.Fatalf("%+v of %v: accepted, but %s %v", s, in, what, err)
			}
			small = small && typ.Shape.Volume() < 1<<14
		}
	}
	check("an operand", in)
	check("a result", out)
	if s.Traits(in, params).Work() < 0 {
		t.Fatalf("%+v of %v: negative work", s, in)
	}
	if !small {
		return true, false
	}
	op, err := s.Bind(Tiers()[0], in, params)
	if err != nil {
		t.Fatalf("%+v of %v: %v", s, in, err)
	}
	tryItems(t, s, s.Traits(in, params).NumbersItems, op, in, out)
	return true, true
}

// tryItems runs an Op for two items, and for each of them: that is the same,
// whatever their shape, but for operations that hold the numbers of items.
func tryItems(t *testing.T, s Spec, numbers bool, op Op, in, out []tensor.Type) {
	alloc := func(types []tensor.Type, n int) (x [][]byte) {
		for _, typ := range types {
			x = append(x, tensor.AlignedBytes(n*typ.Bytes()))
		}
		return x
	}
	run := func(x [][]byte, n int) ([][]byte, error) {
		w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
		y := alloc(out, n)
		op.Run(w, x, y, n, 0, op.Tasks(n))
		return y, w.Fault
	}
	both := alloc(in, 2)
	for i, x := range both {
		for k := range len(x) / in[i].Elem.Size() {
			setSmall(x, in[i].Elem, k, (7*k+3*i)%5)
		}
	}
	all, fault := run(both, 2)
	if numbers || fault != nil {
		return
	}
	for item := range 2 {
		one := make([][]byte, len(both))
		for i, x := range both {
			one[i] = x[item*len(x)/2:][:len(x)/2]
		}
		y, _ := run(one, 1)
		for i := range y {
			if want := all[i][item*len(y[i]):][:len(y[i])]; !bytes.Equal(y[i], want) {
				t.Fatalf("%+v of %v: item %d of two differs from itself alone in result %d", s, in, item, i)
			}
		}
	}
}

// setSmall sets element k, of any type, to a small number.
func setSmall(x []byte, elem tensor.Elem, k, v int) {
	switch size := elem.Size(); {
	case elem == tensor.F32:
		tensor.Slice[float32](x)[k] = float32(v) - 1.5
	case elem == tensor.Bool:
		x[k] = byte(v % 2)
	default:
		x[k*size] = byte(v)
	}
}

// tryExtents gives a Spec its own extents, which changes nothing, and others,
// which change the copy alone.
func tryExtents(t *testing.T, s Spec, m *maker) {
	e, ok := s.(Elastic)
	if !ok {
		return
	}
	own := slices.Clone(e.Extents())
	if same := e.WithExtents(slices.Clone(own)); fmt.Sprintf("%+v", same) != fmt.Sprintf("%+v", s) {
		t.Fatalf("%+v becomes %+v with the same extents", s, same)
	}
	others := m.ints(len(own))
	got := e.WithExtents(slices.Clone(others)).(Elastic).Extents()
	if !slices.Equal(got, others) || !slices.Equal(e.Extents(), own) {
		t.Fatalf("%+v with the extents %v has %v, and itself %v", s, others, got, e.Extents())
	}
}

func FuzzShapes(f *testing.F) {
	for kind := range byte(33) {
		f.Add([]byte{4, kind, 3, 3, 1, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	}
	f.Fuzz(func(t *testing.T, data []byte) { tryShapes(t, data) })
}

// TestShapesOfAnything is FuzzShapes over the same random bytes each time.
func TestShapesOfAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(60, 0))
	accepted, ran := map[string]int{}, 0
	for range 500_000 {
		data := make([]byte, 60)
		for i := range data {
			data[i] = byte(r.Uint32())
			if r.IntN(16) > 0 {
				data[i] %= 248 // fewer absurd numbers, so that some fit together
			}
		}
		a, b := tryShapes(t, data)
		if a {
			accepted[newMaker(data).spec().Op()]++
		}
		if b {
			ran++
		}
	}
	t.Logf("accepted %v, ran %d", accepted, ran)
	if len(accepted) < 33 {
		t.Errorf("only %d operations were ever accepted: %v", len(accepted), accepted)
	}
}

func TestShapeErrors(t *testing.T) {
	one, m, nan := [2]int{1, 1}, [][]int{{1, 5, 5, 8}}, float32(math.NaN())
	for _, c := range []struct {
		spec Spec
		in   [][]int
		want string
	}{
		{&Pool{Window: Window{Kernel: [2]int{3, 3}, Stride: one, Dilation: one}}, [][]int{{1, 2, 2, 8}},
			"Pool: kernel 3×3 with dilation 1×1 does not fit a 2×2 map with padding [0 0 0 0]"},
		{&Concat{Axis: 1}, [][]int{{1, 2, 3}, {1, 2, 4}}, "Concat: 1×2×3 and 1×2×4 cannot be joined along axis 1"},
		{&MatMul{}, [][]int{{2, 3}, {2, 3}}, "MatMul: 2×3 cannot be multiplied by 2×3"},
		{&Binary{}, [][]int{{2, 3}, {2, 4}}, "Binary: 2×3 and 2×4 do not broadcast"},
		{&Softmax{Axis: 2}, [][]int{{2, 3}}, "Softmax: there is no axis 2 in shape 2×3"},
		{&Reshape{Shape: []int{7}}, [][]int{{2, 3}}, "Reshape: 2×3 does not have as many elements as 7"},
		{&Reshape{Shape: []int{math.MaxInt32, math.MaxInt32, math.MaxInt32}}, [][]int{{2, 3}},
			"Reshape: the result of 2147483647×2147483647×2147483647 elements is too large"},
		{&Unary{}, [][]int{{2, 0}}, "Unary: operand 0 of 2×0 elements is empty"},
		{&Unary{}, nil, "Unary: 0 operands where there should be 1"},
		{&Unary{Kind: LastUnary + 1}, [][]int{{2}}, "Unary: unknown kind 16"},
		{&Unary{Act: Act{Kind: ActCelu}}, [][]int{{2}}, "Unary: activation with parameter 0, which must be positive"},
		{&Unary{Act: Act{Kind: ActLeakyRelu, Lo: nan}}, [][]int{{2}}, "Unary: activation with parameters NaN and 0, which must not be NaN"},
		{&Unary{Act: Act{Kind: Clamp, Lo: 6}}, [][]int{{2}}, "Unary: activation clamps to at least 6 and at most 0"},
		{&Pool{Window: Window{Kernel: one, Stride: [2]int{1, 0}, Dilation: one}}, m, "Pool: stride 0 is not from 1 to 2147483647"},
		{&Pool{Window: Window{Kernel: one, Stride: one, Dilation: one, Pad: [4]int{0, 0, -1, 0}}}, m, "Pool: padding -1 is not from 0 to 2147483647"},
		{&Conv{Window: square(1, 1, 0), Groups: 1}, m, "Conv: number of output channels 0 is not from 1 to 2147483647"},
		{&Conv{Window: square(1, 1, 0), Groups: 3, Channels: 6}, m, "Conv: 3 groups do not divide 8 input and 6 output channels"},
		{&ConvTranspose{Window: square(1, 1, 0), Groups: 1, Channels: 1, OutputPad: [2]int{-1, 0}}, m, "ConvTranspose: output padding -1 is not from 0 to 2147483647"},
		{&LRN{}, m, "LRN: size 0 is not from 1 to 2147483647"},
		{&LRN{Size: 1, Beta: nan}, m, "LRN: alpha 0, beta NaN, bias 0 are not all finite"},
		{&Normalise{Epsilon: -1}, m, "Normalise: epsilon -1 is negative or not finite"},
		{&Resize{Scale: [2]float32{1, -1}, Size: one}, m, "Resize: scale -1 is negative, or not finite"},
		{&Slice{Start: []int{1}, Step: []int{2}, Size: []int{3}}, [][]int{{4}}, "Slice: dimension 0 of shape 4 does not have 3 elements from 1 on by steps of 2"},
		{&Padding{Mode: PadReflect, Before: []int{4}, After: []int{0}}, [][]int{{4}}, "Pad: padding 4 and 0 in dimension 0 of shape 4, where each can be 0 to 3"},
		{&Padding{Mode: PadEdge, Before: make([]int, 5), After: []int{1, 1, 1, 1, 1}}, [][]int{{1, 1, 1, 1, 1}},
			"Pad: 5 dimensions are padded: more than 4 can only be padded with a constant"},
	} {
		var params []Param // as far as they are looked at before the fault
		switch c.spec.(type) {
		case *Conv, *Normalise:
			params = make([]Param, 1)
		case *ConvTranspose:
			params = []Param{sized(FormPanels, 1, 8, 1)}
		}
		if _, err := infer(c.spec, c.in, params); err == nil || err.Error() != c.want {
			t.Errorf("%s of %v: %v, want %s", c.spec.Op(), c.in, err, c.want)
		}
	}
}
