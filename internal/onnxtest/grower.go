package onnxtest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// The opsets of random graphs.
const (
	minOpset = 7
	maxOpset = 26
)

// Sizes of random graphs: numbers that are computed quickly, and that have
// remainders in every kernel.
const (
	maxNodes    = 12
	maxInputs   = 4
	maxDim      = 20
	maxElements = 4096 // of a value
	largest     = 64   // magnitude of an element, before it is scaled down
	exactBits   = 22   // of an element that is a whole multiple of its grain
)

// A grower adds random nodes to a graph.
type grower struct {
	*Graph
	r      *rand.Rand
	recent []*Value // that nodes may read, the latest last
	batch  bool     // whether dimension 0 of inputs is open
	plane  bool     // whether height and width of inputs are
	size   [2]int   // these, where they are open: all inputs have the same
	names  int
}

// An operator is how nodes of one operator are added to a graph.
type operator struct {
	since, until int64 // opsets; 0 for no bound

	// grow adds a node, perhaps with others that its operands need. It returns
	// false, and adds nothing of consequence, where there is nothing fit for it.
	grow func(g *grower, op string) bool
}

// Random makes a graph of 1 to 12 nodes, of an opset up to newest. The same
// seed makes the same graph.
func Random(seed uint64, newest int64) *Graph {
	g := &grower{
		Graph: &Graph{Seed: seed, Items: 1, Values: map[string]*Value{}, constant: map[string]bool{}},
		r:     rand.New(rand.NewPCG(seed, 11)),
	}
	g.Opset = minOpset + g.r.Int64N(min(newest, maxOpset)-minOpset+1)
	g.batch = g.r.IntN(2) == 0
	g.plane = g.r.IntN(12) == 0
	g.size = [2]int{8 + 4*g.r.IntN(3), 8 + 4*g.r.IntN(3)}
	if g.batch {
		g.Items = 1 + g.r.IntN(4)
	}
	want := 1 + g.r.IntN(maxNodes)
	for range 20 * want {
		if len(g.Nodes) >= want {
			break
		}
		g.growOne()
	}
	g.finish()
	return g.Graph
}

// growOne adds a node of a random operator, or a pattern of several.
func (g *grower) growOne() {
	if g.r.IntN(4) == 0 {
		pick(g.r, patterns)(g)
		return
	}
	name := pick(g.r, operatorNames)
	op := operators[name]
	if op.since > g.Opset || op.until > 0 && op.until < g.Opset {
		return
	}
	op.grow(g, name)
}

// finish makes what nobody reads outputs.
func (g *grower) finish() {
	read := map[string]bool{}
	for _, n := range g.Nodes {
		for _, name := range n.In {
			read[name] = true
		}
	}
	for _, n := range slices.Clone(g.Nodes) {
		for _, name := range n.Out {
			v := g.Values[name]
			if v == nil || read[name] && g.r.IntN(20) > 0 {
				continue
			}
			if len(v.Dims) == 0 {
				v = g.reshaped(v, []int64{1}, []int{1}, []bool{false})
			}
			g.Outputs = append(g.Outputs, v.Name)
		}
	}
	g.prune()
}

// operatorNames are those of operators, the frequent ones more than once.
var operatorNames []string

func init() {
	operatorNames = Operators()
	for _, name := range []string{"Conv", "MatMul", "Add", "Mul", "Concat", "Transpose", "Reshape", "Relu", "MaxPool", "AveragePool", "Gemm", "Slice", "Resize", "Pad"} {
		operatorNames = append(operatorNames, slices.Repeat([]string{name}, 3)...)
	}
}

// Operators lists the operators of which there are random nodes.
func Operators() []string { return slices.Sorted(maps.Keys(operators)) }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true once in n times.
func (g *grower) chance(n int) bool { return g.r.IntN(n) == 0 }

// upTo is a number from 1 to n.
func (g *grower) upTo(n int) int { return 1 + g.r.IntN(n) }

// name makes a name that the graph does not have.
func (g *grower) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// A demand is what an operand has to be.
type demand struct {
	types       []DataType // nil for Float
	least, most int        // dimensions
	exact       bool
	fit         func(*Value) bool // nil for any
}

func (d demand) meets(v *Value) bool {
	types := d.types
	if types == nil {
		types = floats
	}
	return slices.Contains(types, v.Type) && d.least <= len(v.Dims) && len(v.Dims) <= d.most &&
		(!d.exact || v.exact()) && (d.fit == nil || d.fit(v))
}

var (
	floats   = []DataType{Float}
	integers = []DataType{Int32, Int64}
	bools    = []DataType{Bool}
	numbers  = []DataType{Float, Float, Float, Int32, Int64}
	ordered  = []DataType{Float, Float, Float, Int32, Int64, Uint8}
	anything = []DataType{Float, Float, Float, Float, Int32, Int64, Uint8, Bool}
)

// operand is a value that meets a demand, one of the latest or a new input; nil
// if there is none.
func (g *grower) operand(d demand) *Value {
	if g.r.IntN(10) > 0 {
		for range 8 {
			if len(g.recent) == 0 {
				break
			}
			// The latest ones make the deepest graphs.
			i := len(g.recent) - 1 - min(g.r.IntN(4), g.r.IntN(len(g.recent)))
			if v := g.recent[max(i, 0)]; d.meets(v) {
				return v
			}
		}
	}
	if len(g.Inputs) >= maxInputs {
		return nil
	}
	types := d.types
	if types == nil {
		types = floats
	}
	v := g.newValue(pick(g.r, types), d)
	if v == nil || !d.meets(v) {
		return nil
	}
	return g.addInput(v)
}

// addInput makes v an input.
func (g *grower) addInput(v *Value) *Value {
	v.Name = g.name("x")
	g.Inputs = append(g.Inputs, v.input())
	g.Values[v.Name] = v
	g.recent = append(g.recent, v)
	return v
}

// newValue is a value of random shape and range.
func (g *grower) newValue(t DataType, d demand) *Value {
	least := max(d.least, 1)
	if d.most < least {
		return nil
	}
	rank := least + g.r.IntN(d.most-least+1)
	v := &Value{Type: t, Dims: g.shape(rank), Open: make([]bool, rank)}
	if g.batch {
		v.Dims[0], v.Open[0] = g.Items, true
	}
	if g.plane && rank == 4 {
		v.Open[2], v.Open[3] = true, true
		v.Dims[2], v.Dims[3] = g.size[0], g.size[1]
	}
	g.bound(v, d.exact)
	return v
}

// bound gives a new value the range of its elements.
func (g *grower) bound(v *Value, exact bool) {
	switch v.Type {
	case Float:
		v.Lo, v.Hi = -1, 1
		if exact || g.chance(3) {
			v.Grain = pick(g.r, []float64{1, 0.5, 0.25})
			v.Lo, v.Hi = -4, 4
		}
		if g.chance(6) {
			v.Lo = max(0.5, v.Grain)
		}
	case Bool:
		v.Hi, v.Grain = 1, 1
	case Uint8:
		v.Hi, v.Grain = 20, 1
	default:
		v.Lo, v.Hi, v.Grain = -9, 9, 1
		if g.chance(4) {
			v.Lo = 1
		}
	}
}

// shape is a random one.
func (g *grower) shape(rank int) []int {
	dims := make([]int, rank)
	limit := maxElements
	for _, i := range g.r.Perm(rank) {
		most := min(maxDim, limit)
		switch g.r.IntN(6) {
		case 0:
			most = 1
		case 1, 2:
			most = min(most, 8)
		}
		dims[i] = g.upTo(most)
		limit /= dims[i]
	}
	return dims
}

// floatTensor adds an initializer of random floats between lo and hi; if grain
// is not 0, of whole multiples of it.
func (g *grower) floatTensor(lo, hi, grain float64, dims ...int) string {
	v := Value{Type: Float, Dims: dims, Lo: lo, Hi: hi, Grain: grain}
	return g.tensor(Float, dims, v.random(g.r, v.elements()))
}

// float adds an initializer of these floats.
func (g *grower) float(dims []int, x ...float32) string {
	return g.tensor(Float, dims, RawFloats(x))
}

// ints adds an initializer, a list of int64.
func (g *grower) ints(x ...int64) string { return g.tensor(Int64, []int{len(x)}, RawInts(x)) }

// ints32 adds an initializer, a list of int32.
func (g *grower) ints32(x ...int64) string {
	var raw []byte
	for _, v := range x {
		raw = appendElement(raw, Int32, float64(v))
	}
	return g.tensor(Int32, []int{len(x)}, raw)
}

// scalar adds an initializer of one element: of no dimensions, or of one.
func (g *grower) scalar(t DataType, x float64) string {
	return g.tensor(t, make1(g.r.IntN(2)), appendElement(nil, t, x))
}

func make1(rank int) []int { return slices.Repeat([]int{1}, rank) }

// tensor adds an initializer, or sometimes a Constant.
func (g *grower) tensor(t DataType, dims []int, raw []byte) string {
	name := g.name("w")
	c := Tensor{Name: name, Type: t, Dims: slices.Clone(dims), Raw: raw}
	if g.chance(40) {
		g.Nodes = append(g.Nodes, Node{Op: "Constant", Name: name + ".node", Out: []string{name}, Attrs: []Attr{{"value", c}}})
		g.constant[name] = true
		return name
	}
	g.Tensors = append(g.Tensors, c)
	return name
}

// computed adds a node that computes a constant of constants, or of a shape.
func (g *grower) computed(op string, in []string, attrs ...Attr) string {
	name := g.name("c")
	g.Nodes = append(g.Nodes, Node{Op: op, Name: name + ".node", In: in, Out: []string{name}, Attrs: attrs})
	g.constant[name] = true
	return name
}

// node adds a node and its results.
func (g *grower) node(op string, in []string, out []*Value, attrs ...Attr) {
	n := Node{Op: op, Domain: domains[op], In: in, Attrs: attrs}
	for _, v := range out {
		if v == nil { // a result that is left out
			n.Out = append(n.Out, "")
			continue
		}
		v.Name = g.name("v")
		n.Out = append(n.Out, v.Name)
		g.Values[v.Name] = v
		g.recent = append(g.recent, v)
	}
	n.Name = fmt.Sprintf("%s.node%d", op, len(g.Nodes))
	g.Nodes = append(g.Nodes, n)
	for _, v := range out {
		if v != nil {
			g.settle(v)
		}
	}
}

// one is node for one result.
func (g *grower) one(op string, in []string, out *Value, attrs ...Attr) *Value {
	g.node(op, in, []*Value{out}, attrs...)
	return out
}

// settle checks whether a result is still exact, and scales it down where it
// has become large.
func (g *grower) settle(v *Value) {
	if v.Type == Float && v.Grain > 0 && v.most()/v.Grain > 1<<exactBits {
		v.Grain = 0
	}
	if v.Type != Float || v.most() <= largest {
		return
	}
	by := math.Exp2(-math.Ceil(math.Log2(v.most() / 4)))
	g.recent = slices.DeleteFunc(g.recent, func(w *Value) bool { return w == v })
	if v.exact() || g.chance(2) {
		g.one("Mul", []string{v.Name, g.float(nil, float32(by))}, like(v, v.Lo*by, v.Hi*by, v.Grain*by))
		return
	}
	g.one("Tanh", []string{v.Name}, like(v, -1, 1, 0))
}

// like is a value of v's shape and type.
func like(v *Value, lo, hi, grain float64) *Value {
	return &Value{Type: v.Type, Dims: slices.Clone(v.Dims), Open: slices.Clone(v.Open), Lo: lo, Hi: hi, Grain: grain}
}

// shaped is a value of v's elements in another shape.
func shaped(v *Value, dims []int, open []bool) *Value {
	return &Value{Type: v.Type, Dims: dims, Open: open, Lo: v.Lo, Hi: v.Hi, Grain: v.Grain}
}

// resized is a value of v's elements with other sizes.
func resized(v *Value, dims []int) *Value { return shaped(v, dims, slices.Clone(v.Open)) }

// reshaped adds a Reshape.
func (g *grower) reshaped(v *Value, shape []int64, dims []int, open []bool) *Value {
	return g.one("Reshape", []string{v.Name, g.ints(shape...)}, shaped(v, dims, open))
}

// fixed lists the dimensions of v that are not open.
func (v *Value) fixed() (axes []int) {
	for i, open := range v.Open {
		if !open {
			axes = append(axes, i)
		}
	}
	return axes
}

// axis is a dimension that is not open, as an attribute gives it, perhaps
// counted from the end; false if there is none.
func (g *grower) axis(v *Value) (axis int, attr int64, ok bool) {
	fixed := v.fixed()
	if len(fixed) == 0 {
		return 0, 0, false
	}
	axis = pick(g.r, fixed)
	return axis, g.signed(axis, len(v.Dims)), true
}

// signed is an axis as it is, or counted from the end where that is allowed.
func (g *grower) signed(axis, rank int) int64 {
	if g.Opset >= 13 && g.chance(3) {
		return int64(axis - rank)
	}
	return int64(axis)
}

// optional is the attribute, or none where it is the default and the toss says
// so.
func (g *grower) optional(name string, value any, otherwise any) []Attr {
	if value == otherwise && g.chance(2) {
		return nil
	}
	return []Attr{{name, value}}
}

func int64s[T ~int](x []T) []int64 {
	out := make([]int64, len(x))
	for i, v := range x {
		out[i] = int64(v)
	}
	return out
}

// sampled bounds a function of one number between lo and hi by what it is at
// many places, and at 0.
func sampled(f func(float64) float64, lo, hi float64) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	const n = 128
	for i := range n + 2 {
		x := lo + (hi-lo)*float64(i)/n
		if i == n+1 {
			x = min(max(0, lo), hi)
		}
		y := f(x)
		least, most = min(least, y), max(most, y)
	}
	margin := 0.05 * (most - least)
	return least - margin, most + margin
}
