package onnx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// testItems are calibration items in memory: of each a tensor for each input.
type testItems [][]Tensor

func (t testItems) Len() int                     { return len(t) }
func (t testItems) Item(i int) ([]Tensor, error) { return t[i], nil }

// floatItem is an item of one tensor.
func floatItem(x []float32, shape ...int) []Tensor {
	return []Tensor{{tensor.Floats(shape...), tensor.Bytes(x)}}
}

// smoothItems are items such as pictures are: neighbours are alike.
func smoothItems(n int, shape ...int) testItems {
	r := rand.New(rand.NewPCG(7, 8))
	var items testItems
	for range n {
		x := make([]float32, tensor.Shape(shape).Volume())
		v := float32(0)
		for i := range x {
			if i%shape[len(shape)-1] == 0 {
				v = 2*r.Float32() - 1
			}
			v = min(max(v+0.6*(r.Float32()-0.5), -1), 1)
			x[i] = v
		}
		items = append(items, floatItem(x, shape...))
	}
	return items
}

// quantising are options that calibrate with items.
func quantising(items Items) Options {
	return Options{Quantise: &Quantisation{Items: func(*weights.Net) (Items, error) { return items, nil }}}
}

// photoNet is a small net with all that nets for photos are made of.
func photoNet() *model {
	m := newModel(14)
	m.input("x", 0, 3, 16, 16)
	same := attr{"pads", []int64{1, 1, 1, 1}}
	m.conv("x", "c1", 16, 3, 3, same)
	m.batchNorm("c1", "n1", 16)
	m.node("Relu", "n1", "r1")
	m.node("MaxPool", "r1", "p1", attr{"kernel_shape", []int64{3, 3}}, attr{"strides", []int64{2, 2}}, same)
	m.conv("p1", "c2", 16, 1, 3, same, attr{"group", 16}) // depthwise
	m.node("HardSwish", "c2", "h2")
	m.conv("h2", "c3", 16, 16, 1)
	m.node("Add", "c3 p1", "a3")
	m.conv("a3", "c4", 8, 4, 3, same, attr{"group", 4})
	m.node("LeakyRelu", "c4", "r4")
	m.conv("a3", "c5", 8, 16, 1)
	m.node("Relu", "c5", "r5")
	m.node("Concat", "r4 r5", "k", attr{"axis", 1})
	m.node("GlobalAveragePool", "k", "g")
	m.conv("g", "s1", 4, 16, 1)
	m.node("Relu", "s1", "s2")
	m.conv("s2", "s3", 16, 4, 1)
	m.node("Sigmoid", "s3", "s4")
	m.node("Mul", "k s4", "e")
	m.node("GlobalAveragePool", "e", "q")
	m.node("Flatten", "q", "f")
	m.weight("w", -0.5, 0.5, 10, 16)
	m.weight("b", -0.5, 0.5, 10)
	m.node("Gemm", "f w b", "y", attr{"transB", 1})
	m.output("y")
	return m
}

// snr is a ratio of signal to noise in decibels.
func snr(got, want []float32) float64 {
	var n noise
	n.add(got, want)
	return n.decibels()
}

// TestQuantise checks a net that has been quantised, and what is reported of it,
// by what the engine computes.
func TestQuantise(t *testing.T) {
	m := photoNet()
	items := smoothItems(40, 1, 3, 16, 16)
	plain, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	net, report, err := Freeze(m.bytes(), quantising(items))
	if err != nil {
		t.Fatal(err)
	}
	if !net.Batched {
		t.Errorf("one item at a time: %s", report.Unbatched)
	}
	want := "Transpose Convert Conv Pool Conv Unary Conv Conv Unary Conv Concat Pool Conv Conv Unary Binary Pool FullyConnected"
	if got := steps(net); got != want {
		t.Errorf("steps\n%s, want\n%s", got, want)
	}
	for _, s := range net.Steps {
		in, params := net.Operands(s)
		if _, first := s.Spec.(*kernels.Convert); !first && s.Spec.Order() == kernels.Maps && !in[0].Quantised() {
			t.Errorf("%s %q computes float32", s.Spec.Op(), s.Name)
		}
		for _, p := range params {
			if p.Form != kernels.FormPlain && p.Elem != tensor.I8 {
				t.Errorf("%s %q has weights of %v", s.Spec.Op(), s.Name, p.Elem)
			}
		}
	}
	var all noise
	changed, largest := 0, 0.0
	for _, item := range items {
		x := tensor.Slice[float32](item[0].Data)
		got, want := run(t, net, 1, x)[0], run(t, plain, 1, x)[0]
		all.add(got, want)
		if greatest(got) != greatest(want) {
			changed++
		}
		for i := range got {
			largest = max(largest, math.Abs(float64(got[i]-want[i])))
		}
	}
	q := report.Quantised
	if db := all.decibels(); db < 25 || math.Abs(db-q.SNR) > 0.1 {
		t.Errorf("the outputs are %.2f dB above the noise, reported are %.2f", db, q.SNR)
	}
	if q.Changed != changed || math.Abs(q.Largest-largest) > 1e-4*q.Range || q.Items != len(items) {
		t.Errorf("%d changed and a largest difference of %v, reported is %+v", changed, largest, q)
	}
	if len(q.Layers) != 14 {
		t.Errorf("%d layers: %+v", len(q.Layers), q.Layers)
	}
	for _, l := range q.Layers {
		if l.Float != "" || l.SNR < 18 {
			t.Errorf("%+v", l)
		}
	}
	// The same bits of several items at a time.
	var three []float32
	for _, item := range items[:3] {
		three = append(three, tensor.Slice[float32](item[0].Data)...)
	}
	if got, want := run(t, net, 3, three)[0][10:20], run(t, net, 1, tensor.Slice[float32](items[1][0].Data))[0]; !slices.Equal(got, want) {
		t.Errorf("%v in a batch, %v alone", got, want)
	}
}

// TestKeepFloat checks that layers stay float that are to.
func TestKeepFloat(t *testing.T) {
	m := photoNet()
	opts := quantising(smoothItems(16, 1, 3, 16, 16))
	opts.Quantise.KeepFloat = []string{"Convc1", "Convc3+Adda3"}
	net, report, err := Freeze(m.bytes(), opts)
	if err != nil {
		t.Fatal(err)
	}
	stays := 0
	for _, l := range report.Quantised.Layers {
		if l.Float != "" {
			stays++
		}
	}
	floats := 0
	for _, s := range net.Steps {
		if _, params := net.Operands(s); len(params) == 1 && params[0].Form == kernels.FormPanels && params[0].Elem == tensor.F32 {
			floats++
		}
	}
	if stays != 2 || floats != 2 {
		t.Errorf("%d layers are said to stay float, %d do: %+v", stays, floats, report.Quantised.Layers)
	}
	opts.Quantise.KeepFloat = []string{"Convc11"}
	_, _, err = Freeze(m.bytes(), opts)
	if err == nil || !strings.Contains(err.Error(), `"Convc11"`) || !strings.Contains(err.Error(), `perhaps "Convc1" is meant`) {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestQuantiseOpen checks a net whose height and width stay open, with items of
// several sizes.
func TestQuantiseOpen(t *testing.T) {
	m := newModel(14)
	m.input("x", 0, 3, 0, 0)
	m.conv("x", "c1", 8, 3, 3, attr{"pads", []int64{1, 1, 1, 1}}, attr{"strides", []int64{2, 2}})
	m.node("Relu", "c1", "r1")
	m.conv("r1", "y", 4, 8, 3)
	m.output("y")
	items := append(smoothItems(8, 1, 3, 20, 32), smoothItems(8, 1, 3, 32, 24)...)
	net, report, err := Freeze(m.bytes(), quantising(items))
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(net.Open) != 2 || report.Quantised.SNR < 30 {
		t.Errorf("%d open dimensions, %v dB", len(net.Open), report.Quantised.SNR)
	}
	other := smoothItems(1, 1, 3, 28, 44)[0]
	x := tensor.Slice[float32](other[0].Data)
	if db := snr(runSized(t, net, []int{28, 44}, 1, x)[0], runSized(t, plain, []int{28, 44}, 1, x)[0]); db < 30 {
		t.Errorf("%.1f dB at another size", db)
	}
}

// TestCalibrateWithBadItems checks that what cannot calibrate is an error that says
// so.
func TestCalibrateWithBadItems(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 2, 4, 4)
	m.conv("x", "y", 3, 2, 3)
	m.output("y")
	good := smoothItems(20, 1, 2, 4, 4)
	with := func(item []Tensor) testItems {
		items := slices.Clone(good)
		items[17] = item
		return items
	}
	nan := make([]float32, 32)
	nan[5] = float32(math.NaN())
	var flat testItems
	for i := range 16 {
		flat = append(flat, floatItem(slices.Repeat([]float32{float32(i)}, 32), 1, 2, 4, 4))
	}
	for _, c := range []struct {
		items Items
		want  string
	}{
		{testItems{}, "there are no items to calibrate with"},
		{good[:15], "15 items are too few to calibrate with: at least 16 are needed"},
		{with(smoothItems(1, 1, 2, 4, 5)[0]), `item 17 to calibrate with: f32 1×2×4×5, where input "x" takes f32 1×2×4×4`},
		{with(nil), "0 tensors for 1 inputs"},
		{with([]Tensor{{tensor.Type{Elem: tensor.U8, Shape: tensor.Shape{1, 2, 4, 4}}, make([]byte, 32)}}), "u8 1×2×4×4, where"},
		{with([]Tensor{{tensor.Floats(1, 2, 4, 4), make([]byte, 8)}}), "where input"},
		{with(floatItem(nan, 1, 2, 4, 4)), `element 5 for input "x" is not finite`},
		{flat, "every calibration item repeats a single number"},
	} {
		if _, _, err := Freeze(m.bytes(), quantising(c.items)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	// One of them may be.
	if _, _, err := Freeze(m.bytes(), quantising(with(flat[3]))); err != nil {
		t.Error(err)
	}
	opts := quantising(good)
	opts.Quantise.Percentile = math.NaN()
	if _, _, err := Freeze(m.bytes(), opts); err == nil {
		t.Error("a percentile that is NaN")
	}
	// A model in which there is nothing, and one that is quantised.
	none := newModel(13)
	none.input("x", 0, 2, 4, 4)
	none.node("Relu", "x", "y")
	none.output("y")
	if _, _, err := Freeze(none.bytes(), quantising(good)); err == nil || !strings.Contains(err.Error(), "nothing in it") {
		t.Errorf("nothing to quantise: %v", err)
	}
	already := newModel(13)
	already.input("x", 0, 2, 4, 4)
	already.floats("s", nil, 0.5)
	already.node("QuantizeLinear", "x s", "q")
	already.node("DequantizeLinear", "q s", "y")
	already.output("y")
	if _, _, err := Freeze(already.bytes(), quantising(good)); err == nil || !strings.Contains(err.Error(), "already quantised") {
		t.Errorf("a quantised model: %v", err)
	}
}

// TestRanger compares ranges with those of sorted elements.
func TestRanger(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		percentile float64
		scale      float32
	}{{100, 1}, {99.9, 1}, {99, 1e-3}, {90, 1e5}} {
		ranger := newRanger(c.percentile < 100)
		var all []float32
		for i := range 50 {
			x := make([]float32, 1000)
			for j := range x {
				x[j] = float32(r.NormFloat64()) * c.scale * float32(i+1) / 50
			}
			ranger.add(x)
			all = append(all, x...)
		}
		slices.Sort(all)
		cut := int(math.Round(float64(len(all)) * (100 - c.percentile) / 200))
		lo, hi := ranger.ends(c.percentile)
		near := 2 * float64(all[len(all)-1]-all[0]) / (rangerBins / 4)
		if c.percentile == 100 {
			near = 0
		}
		if math.Abs(float64(lo-all[cut])) > near || math.Abs(float64(hi-all[len(all)-1-cut])) > near {
			t.Errorf("percentile %v: %v to %v, want %v to %v", c.percentile, lo, hi, all[cut], all[len(all)-1-cut])
		}
	}
	if lo, hi := newRanger(true).ends(99); lo != 0 || hi != 0 {
		t.Errorf("nothing lies between %v and %v", lo, hi)
	}
}

// TestElementsBetween checks that 0 is exact, and that the ends are in reach.
func TestElementsBetween(t *testing.T) {
	for _, c := range [][2]float32{{0, 1}, {-1, 0}, {-1, 1}, {-0.3, 12}, {-1e-30, 0}, {0, 0}, {-3e38, 3e38}} {
		e := elementsBetween(c[0], c[1])
		if err := e.Of(1).Check(); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		lo, hi := float64(-e.Zero)*float64(e.Scale), float64(255-e.Zero)*float64(e.Scale)
		if lo > float64(c[0])+float64(e.Scale)/1.99 || hi < float64(c[1])-float64(e.Scale)/1.99 {
			t.Errorf("%v: from %v to %v", c, lo, hi)
		}
	}
}

// TestQuantiseWeights checks weights and biases against float64: each is next to
// what it stands for, whatever it is.
func TestQuantiseWeights(t *testing.T) {
	x := kernels.Elements{Elem: tensor.U8, Scale: 0.02, Zero: 3}
	w := []float32{0.5, -1, 0.25, 0, 0, 0, 1e-30, 2e-30, -1e-30, 1e-8, -1e-8, 0}
	bias := []float32{0.1, 0, 5, 1e6}
	n := &node{op: &kernels.FullyConnected{Channels: 4}, weights: []*value{
		{shape: tensor.Shape{4, 3}, data: floatTensor([]int{4, 3}, w)},
		{shape: tensor.Shape{4}, data: floatTensor([]int{4}, bias)},
	}}
	got, err := quantiseWeights(n, x, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := got[0].data.encoding
	for i, v := range w {
		scale := float64(e.scale[i/3])
		if d := math.Abs(float64(e.q[i])*scale - float64(v)); d > scale/2*1.0001 {
			t.Errorf("weight %d is %v, want %v", i, float64(e.q[i])*scale, v)
		}
	}
	for c, b := range bias {
		unit := float64(e.scale[c]) * float64(x.Scale)
		if g := float64(got[1].data.floats[c]); math.Abs(g-float64(b)) > unit || math.Abs(g/unit) > math.MaxInt32 {
			t.Errorf("bias %d is %v, want %v", c, g, b)
		}
	}
	// A mean of the operand moves the bias by what rounding does to it.
	moved, err := quantiseWeights(n, x, func(_, k int) float64 { return float64(k) })
	if err != nil {
		t.Fatal(err)
	}
	want := 0.1 + (-1 - float64(e.q[1])*float64(e.scale[0])) + 2*(0.25-float64(e.q[2])*float64(e.scale[0]))
	if g := float64(moved[1].data.floats[0]); math.Abs(g-want) > float64(e.scale[0])*0.02 {
		t.Errorf("a corrected bias is %v, want %v", g, want)
	}
	// Too many products for an int32.
	many := slices.Repeat([]float32{1}, 70_000)
	n.weights = []*value{{shape: tensor.Shape{1, len(many)}, data: floatTensor([]int{1, len(many)}, many)}, nil}
	if _, err := quantiseWeights(n, x, nil); err == nil {
		t.Error("70,000 products fit an int32")
	}
}

// TestNoisyLayersStayFloat checks that a layer whose error is out of proportion
// stays float by itself: one whose large channel, of which nothing comes, takes
// all the elements that the others would need.
func TestNoisyLayersStayFloat(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 2, 8, 8)
	m.conv("x", "c1", 4, 2, 3)
	m.floats("scale", []int{1, 4, 1, 1}, 1, 1, 1, 3000)
	m.node("Mul", "c1 scale", "s1")
	m.weight("w", -0.5, 0.5, 3, 4, 1, 1)
	w := tensor.Slice[float32](m.tensors[len(m.tensors)-1].raw)
	for c := range 3 {
		w[4*c+3] = 1e-9
	}
	m.node("Conv", "s1 w", "c2")
	m.node("Relu", "c2", "r2")
	m.conv("r2", "y", 3, 3, 3)
	m.output("y")
	_, report, err := Freeze(m.bytes(), quantising(smoothItems(16, 1, 2, 8, 8)))
	if err != nil {
		t.Fatal(err)
	}
	var float []string
	for _, l := range report.Quantised.Layers {
		if l.Float != "" {
			float = append(float, l.Name)
		}
	}
	if !slices.Equal(float, []string{"Convc2+Relur2"}) || report.Quantised.SNR < 30 {
		t.Errorf("%q stay float: %+v", float, report.Quantised)
	}
}

// TestQuantiseRandomGraphs quantises graphs that nobody has thought of.
func TestQuantiseRandomGraphs(t *testing.T) {
	quantised := 0
	for seed := range uint64(150) {
		g := randomModel(seed)
		_, report, err := Freeze(g.bytes(), quantising(smoothItems(16, 1, 4, 6, 9)))
		switch {
		case err != nil && strings.Contains(err.Error(), "nothing in it can be computed in integers"):
			continue
		case err != nil:
			t.Errorf("%d: %v", seed, err)
		case report.Quantised.SNR < 12:
			t.Errorf("%d: %+v", seed, report.Quantised)
		}
		quantised++
		if t.Failed() {
			for _, n := range g.nodes {
				t.Log(n.op, n.in, n.out, n.attrs)
			}
			return
		}
	}
	if quantised < 60 {
		t.Errorf("only %s", fmt.Sprint(quantised))
	}
}

// TestPictureRange checks that an input that is a picture can be any, whatever
// pictures it was calibrated with, and that bytes stay what they are where all
// channels are prepared alike.
func TestPictureRange(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 3, 8, 8)
	m.conv("x", "y", 4, 3, 3)
	m.output("y")
	items := smoothItems(16, 1, 3, 8, 8)
	prep := weights.Preparation{Kind: weights.Photo, Order: weights.RGB, Width: 8, Height: 8, Scale: 1,
		Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128}}
	for _, c := range []struct {
		mean   float32 // of the last channel
		lo, hi float64
	}{{127, -127. / 128, 1}, {63, -127. / 128, 1.5}} {
		prep.Mean[2] = c.mean
		opts := Options{Quantise: &Quantisation{Items: func(net *weights.Net) (Items, error) {
			net.Meta.Preparation = prep
			return items, nil
		}}}
		net, _, err := Freeze(m.bytes(), opts)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(net.Values, func(v weights.Value) bool { return v.Quantised() })
		v := net.Values[i]
		lo, hi := float64(-v.Zero)*float64(v.Scale), float64(255-v.Zero)*float64(v.Scale)
		if step := float64(v.Scale); math.Abs(lo-c.lo) > step/2 || math.Abs(hi-c.hi) > step/2 {
			t.Errorf("mean %v: %v lies from %v to %v, want %v to %v", c.mean, v.Type, lo, hi, c.lo, c.hi)
		}
		if c.mean == 127 && (v.Scale != 1./128 || v.Zero != 127) {
			t.Errorf("%v are no bytes", v.Type)
		}
	}
}

// TestQuantisedSigmoids checks that the answer of a net that is quantised here,
// and whose model ends in sigmoids, is probabilities.
func TestQuantisedSigmoids(t *testing.T) {
	m := newModel(14)
	m.input("x", 0, 1, 8, 8)
	m.conv("x", "c", 4, 1, 3)
	m.node("Sigmoid", "c", "g")
	m.node("GlobalAveragePool", "g", "p")
	m.conv("p", "l", 3, 4, 1)
	m.node("Flatten", "l", "f")
	m.node("Sigmoid", "f", "y")
	m.output("y")
	net, report, err := Freeze(m.bytes(), quantising(smoothItems(32, 1, 1, 8, 8)))
	if err != nil {
		t.Fatal(err)
	}
	if report.Quantised == nil || net.Meta.Answer.Kind != weights.Probabilities {
		t.Errorf("the answer is of kind %v", net.Meta.Answer.Kind)
	}
}

// TestFreezeTiers has a convolution that is frozen by Winograd's algorithm unless a
// tier is named that would lose by it.
func TestFreezeTiers(t *testing.T) {
	m := newModel(14)
	m.input("x", 0, 32, 28, 28)
	m.conv("x", "y", 32, 32, 3, attr{"pads", []int64{1, 1, 1, 1}})
	m.output("y")
	for _, c := range []struct {
		tiers []string
		want  kernels.Winograd
	}{
		{nil, kernels.WinogradF4},
		{[]string{"avx2", "avx512"}, kernels.WinogradF4},
		{[]string{"avx2", "neondot"}, kernels.NoWinograd},
	} {
		opts := quantising(smoothItems(16, 1, 32, 28, 28))
		opts.Tiers = c.tiers
		net, _, err := Freeze(m.bytes(), opts)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range net.Steps {
			if conv, ok := s.Spec.(*kernels.Conv); ok {
				found = true
				if conv.Winograd != c.want {
					t.Errorf("%v: algorithm %d, want %d", c.tiers, conv.Winograd, c.want)
				}
			}
		}
		if !found {
			t.Errorf("%v: no convolution in %s", c.tiers, steps(net))
		}
	}
	if _, _, err := Freeze(m.bytes(), Options{Tiers: []string{"sse2"}}); err == nil || !strings.Contains(err.Error(), `"sse2"`) {
		t.Errorf("a tier that does not exist: %v", err)
	}
}
