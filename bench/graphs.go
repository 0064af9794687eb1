package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/onnxtest"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// A comparison is of random graphs in infer and in ONNX Runtime.
type comparison struct {
	newest int64    // opset
	tiers  []string // in turns

	compared, nodes int
	differences     []uint64       // seeds
	refusedByPeer   map[string]int // by reason
	refusedHere     map[string]int
	unbatched       map[string]int // frozen for one item, by reason
	oneSize         map[string]int // frozen for one size, by reason
	peerAlone       int            // graphs in which ONNX Runtime differs from itself without its optimisations, and infer agrees with the latter
	example         map[string]uint64
}

// compareGraphs compares so many random graphs, from a first seed on, in infer
// and in ONNX Runtime, and prints each that differs, made as small as possible.
// Those that one of both refuses are counted by reason, and do not count.
func compareGraphs(count int, first uint64) error {
	c := comparison{
		newest: newestOpset(), refusedByPeer: map[string]int{}, refusedHere: map[string]int{}, unbatched: map[string]int{}, oneSize: map[string]int{}, example: map[string]uint64{},
	}
	for _, t := range engine.Tiers() {
		if t.Supported {
			c.tiers = append(c.tiers, t.Name)
		}
	}
	fmt.Printf("%d random graphs from seed %d on, opsets up to %d, on %s in turns\n", count, first, c.newest, strings.Join(c.tiers, ", "))
	for seed := first; c.compared < count && seed-first < 2*uint64(count); seed++ {
		before := c.compared
		c.compare(onnxtest.Random(seed, c.newest))
		if c.compared > before && c.compared%1000 == 0 {
			fmt.Printf("  %d graphs, %d differences\n", c.compared, len(c.differences))
		}
	}
	c.print()
	switch {
	case len(c.differences) > 0:
		return fmt.Errorf("%d graphs differ", len(c.differences))
	case c.compared < count:
		return fmt.Errorf("only %d graphs could be compared", c.compared)
	}
	return nil
}

// newestOpset is the newest that ONNX Runtime takes.
func newestOpset() int64 {
	for opset := int64(onnx.MaxOpset); ; opset-- {
		m := onnxtest.Model{
			Opset: opset, Inputs: []onnxtest.Input{{Name: "x", Type: onnxtest.Float, Dims: []int{1}}}, Outputs: []string{"y"},
			Nodes: []onnxtest.Node{{Op: "Relu", In: []string{"x"}, Out: []string{"y"}}},
		}
		s, err := newPeer(&m, true)
		if err == nil {
			s.Destroy()
			return opset
		}
		if opset <= onnx.MinOpset {
			return opset
		}
	}
}

// compare computes one graph in both.
func (c *comparison) compare(g *onnxtest.Graph) {
	if len(g.Outputs) == 0 {
		return
	}
	tier := c.tiers[g.Seed%uint64(len(c.tiers))]
	got, err := computeHere(g, tier)
	if got.oneSize != "" {
		c.count(c.oneSize, errors.New(got.oneSize), g)
	}
	if err != nil {
		c.count(c.refusedHere, err, g)
		// It may be that both refuse it.
		if _, err := computePeer(g, g.Items, true); err != nil {
			c.count(c.refusedHere, fmt.Errorf("both refuse it: %w", err), g)
		}
		return
	}
	if got.unbatched != "" {
		c.count(c.unbatched, errors.New(got.unbatched), g)
	}
	want, err := computePeer(g, got.items, true)
	if err != nil {
		c.count(c.refusedByPeer, err, g)
		return
	}
	c.compared++
	c.nodes += len(g.Nodes)
	diff := g.Differ(got.out, want)
	if diff == "" {
		return
	}
	if plain, err := computePeer(g, got.items, false); err == nil && g.Differ(got.out, plain) == "" {
		c.peerAlone++
		return
	}
	c.differences = append(c.differences, g.Seed)
	small := g.Shrink(func(g *onnxtest.Graph) bool { return c.fails(g, tier) != "" })
	fmt.Printf("DIFFERENCE on %s: %s\n%s", tier, diff, small)
	if diff := c.fails(small, tier); diff != "" {
		fmt.Printf("  %s\n", diff)
	}
}

// fails says in what a graph differs; nothing if it does not, or if one of both
// refuses it.
func (c *comparison) fails(g *onnxtest.Graph, tier string) string {
	got, err := computeHere(g, tier)
	if err != nil {
		return ""
	}
	want, err := computePeer(g, got.items, false)
	if err != nil {
		return ""
	}
	return g.Differ(got.out, want)
}

func (c *comparison) count(of map[string]int, err error, g *onnxtest.Graph) {
	key := reason(err)
	if of[key]++; of[key] == 1 {
		c.example[key] = g.Seed
	}
}

var (
	quoted = regexp.MustCompile(`"[^"]*"|'[^']*'|\b[vwxc][0-9]+(\.node)?\b`)
	number = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?([×x][0-9]+)*`)
)

// reason is an error without what is a graph's own.
func reason(err error) string {
	text := strings.TrimSpace(err.Error())
	text = quoted.ReplaceAllString(text, "…")
	text = number.ReplaceAllString(text, "n")
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > 220 {
		text = text[:100] + " … " + text[len(text)-110:]
	}
	return text
}

// An answer is a graph computed in infer.
type answer struct {
	out       []onnxtest.Tensor
	items     int
	unbatched string // why the net takes one item, where the batch is open
	oneSize   string // why it takes one size, where height and width are open
}

// computeHere computes a graph in infer: for its number of items if the net
// takes any, and for one if it does not; with its height and width open if they
// can be, and else as large as they are.
func computeHere(g *onnxtest.Graph, tier string) (answer, error) {
	r, err := compute(g, tier, onnx.Options{})
	if err == nil || !g.OpenPlane() {
		return r, err
	}
	var options onnx.Options
	for _, in := range g.Inputs {
		if shape := g.Shape(in.Name, 1); slices.Contains(in.Dims, 0) {
			options.Shapes = append(options.Shapes, onnx.InputShape{Input: in.Name, Dims: shape})
		}
	}
	r, fixed := compute(g, tier, options)
	r.oneSize = err.Error()
	return r, fixed
}

func compute(g *onnxtest.Graph, tier string, options onnx.Options) (r answer, err error) {
	net, report, err := onnx.Freeze(g.Bytes(), options)
	if err != nil {
		return r, err
	}
	r.items = g.Items
	if !net.Batched {
		r.items, r.unbatched = 1, report.Unbatched
	}
	data, err := weights.Marshal(net)
	if err != nil {
		return r, err
	}
	model, err := engine.Options{Kernels: tier}.Parse(data)
	if err != nil {
		return r, err
	}
	defer model.Close()
	var sizes []int
	if len(model.Open()) > 0 {
		var shapes []tensor.Shape
		for _, in := range g.Inputs {
			shapes = append(shapes, g.Shape(in.Name, r.items))
		}
		if sizes, err = model.Sizes(shapes...); err != nil {
			return r, err
		}
	}
	s, err := model.NewSession(engine.SessionOptions{Batch: r.items, Sizes: sizes, Threads: 1 + int(g.Seed/8%2)})
	if err != nil {
		return r, err
	}
	defer s.Close()
	for i, in := range g.Inputs {
		x := g.Data(in.Name, r.items)
		if len(x) != len(s.InputBytes(i)) {
			return r, fmt.Errorf("input %s takes %d bytes, not %d", in.Name, len(s.InputBytes(i)), len(x))
		}
		copy(s.InputBytes(i), x)
	}
	if err := s.Run(r.items); err != nil {
		return r, err
	}
	for i, t := range s.Outputs() {
		dims, raw := t.InModelOrder(s.OutputBytes(i), r.items)
		r.out = append(r.out, onnxtest.Tensor{Type: onnxtest.TypeOf(t.Elem), Dims: dims, Raw: slices.Clone(raw)})
	}
	return r, nil
}

// newPeer makes a session of ONNX Runtime, with its optimisations or without.
func newPeer(m *onnxtest.Model, optimised bool) (*ort.DynamicAdvancedSession, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	level := ort.GraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll)
	if !optimised {
		level = ort.GraphOptimizationLevelDisableAll
	}
	err = errors.Join(o.SetIntraOpNumThreads(1), o.SetInterOpNumThreads(1), o.SetGraphOptimizationLevel(level), o.SetLogSeverityLevel(ort.LoggingLevelFatal))
	if err != nil {
		return nil, err
	}
	var inputs []string
	for _, in := range m.Inputs {
		inputs = append(inputs, in.Name)
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(m.Bytes(), inputs, m.Outputs, o)
}

// computePeer computes a graph in ONNX Runtime.
func computePeer(g *onnxtest.Graph, items int, optimised bool) (out []onnxtest.Tensor, err error) {
	s, err := newPeer(&g.Model, optimised)
	if err != nil {
		return nil, err
	}
	defer s.Destroy()
	var in []ort.Value
	for _, x := range g.Inputs {
		var shape ort.Shape
		for _, d := range g.Shape(x.Name, items) {
			shape = append(shape, int64(d))
		}
		v, err := ort.NewCustomDataTensor(shape, g.Data(x.Name, items), ort.TensorElementDataType(x.Type))
		if err != nil {
			return nil, err
		}
		defer v.Destroy()
		in = append(in, v)
	}
	results := make([]ort.Value, len(g.Outputs))
	if err := s.Run(in, results); err != nil {
		return nil, err
	}
	for _, v := range results {
		defer v.Destroy()
		t, err := outputOf(v)
		if err != nil {
			return nil, err
		}
		for _, d := range v.GetShape() {
			t.Dims = append(t.Dims, int(d))
		}
		out = append(out, t)
	}
	return out, nil
}

func outputOf(v ort.Value) (onnxtest.Tensor, error) {
	switch v := v.(type) {
	case *ort.Tensor[float32]:
		return onnxtest.Tensor{Type: onnxtest.Float, Raw: bytesOf(v.GetData())}, nil
	case *ort.Tensor[uint8]:
		return onnxtest.Tensor{Type: onnxtest.Uint8, Raw: bytesOf(v.GetData())}, nil
	case *ort.Tensor[int8]:
		return onnxtest.Tensor{Type: onnxtest.Int8, Raw: bytesOf(v.GetData())}, nil
	case *ort.Tensor[int32]:
		return onnxtest.Tensor{Type: onnxtest.Int32, Raw: bytesOf(v.GetData())}, nil
	case *ort.Tensor[int64]:
		return onnxtest.Tensor{Type: onnxtest.Int64, Raw: bytesOf(v.GetData())}, nil
	case *ort.Tensor[bool]:
		return onnxtest.Tensor{Type: onnxtest.Bool, Raw: bytesOf(v.GetData())}, nil
	}
	return onnxtest.Tensor{}, fmt.Errorf("an output is a %T", v)
}

// bytesOf is a copy of the bytes of x.
func bytesOf[T any](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	var v T
	return slices.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(v))))
}

// print prints what became of the graphs.
func (c *comparison) print() {
	fmt.Printf("\n%d graphs of %d nodes compared, %d differences %v\n", c.compared, c.nodes, len(c.differences), c.differences)
	if c.peerAlone > 0 {
		fmt.Printf("%d more in which only ONNX Runtime's optimisations make a difference\n", c.peerAlone)
	}
	for _, t := range []struct {
		title string
		of    map[string]int
	}{
		{"refused by ONNX Runtime", c.refusedByPeer},
		{"refused here", c.refusedHere},
		{"frozen for one item, though the batch is open", c.unbatched},
		{"frozen for one size, though height and width are open", c.oneSize},
	} {
		total := 0
		for _, n := range t.of {
			total += n
		}
		fmt.Printf("\n%s: %d\n", t.title, total)
		keys := slices.SortedFunc(maps.Keys(t.of), func(a, b string) int { return t.of[b] - t.of[a] })
		for _, key := range keys {
			fmt.Printf("%6d  %s (seed %d)\n", t.of[key], key, c.example[key])
		}
	}
}
