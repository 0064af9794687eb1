package weights

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A builder makes a Net step by step, with the shapes that Specs infer.
type builder struct {
	t   testing.TB
	net *Net
	rng *rand.Rand
}

func newBuilder(t testing.TB, batched bool) *builder {
	return &builder{t, &Net{Batched: batched}, rand.New(rand.NewPCG(1, 2))}
}

func (b *builder) value(name string, shape ...int) int {
	b.net.Values = append(b.net.Values, Value{name, tensor.Floats(shape...)})
	return len(b.net.Values) - 1
}

func (b *builder) input(name string, shape ...int) int {
	v := b.value(name, shape...)
	b.net.Inputs = append(b.net.Inputs, v)
	return v
}

// step appends a step and returns its results.
func (b *builder) step(name string, spec kernels.Spec, in []int, params ...kernels.Param) []int {
	b.t.Helper()
	types, _ := b.net.Operands(Step{In: in})
	out, err := spec.Infer(types, params)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	s := Step{Name: name, Spec: spec, In: slices.Clone(in)}
	for _, t := range out {
		b.net.Values = append(b.net.Values, Value{name, t})
		s.Out = append(s.Out, len(b.net.Values)-1)
	}
	for _, p := range params {
		s.Params = append(s.Params, len(b.net.Params))
		b.net.Params = append(b.net.Params, p)
	}
	b.net.Steps = append(b.net.Steps, s)
	return slices.Clone(s.Out)
}

func (b *builder) random() float32 { return b.rng.Float32() - 0.5 }

func (b *builder) panels(e tensor.Elem, groups, k, n int) kernels.Param {
	return kernels.PanelsParam(kernels.Panels{Elem: e, Groups: groups, K: k, N: n},
		func(int, int, int) float32 { return b.random() },
		func(int, int) float32 { return b.random() })
}

func (b *builder) taps(taps, c int) kernels.Param {
	return kernels.TapsParam(taps, c,
		func(int, int) float32 { return b.random() },
		func(int) float32 { return b.random() })
}

func (b *builder) plain(shape ...int) kernels.Param {
	x := make([]float32, tensor.Shape(shape).Volume())
	for i := range x {
		x[i] = b.random()
	}
	return kernels.PlainParam(shape, x)
}

func (b *builder) quantisedPanels(k, n int) kernels.Param {
	return kernels.QuantisedPanelsParam(kernels.Panels{Groups: 1, K: k, N: n},
		func(int, int, int) int8 { return int8(b.rng.IntN(256)) },
		func(int, int) float32 { return b.rng.Float32() + 0.5 },
		func(int, int) int32 { return int32(b.rng.IntN(1000)) })
}

func (b *builder) quantisedTaps(taps, c int) kernels.Param {
	return kernels.QuantisedTapsParam(taps, c,
		func(int, int) int8 { return int8(b.rng.IntN(256)) },
		func(int) float32 { return b.rng.Float32() + 0.5 },
		func(int) int32 { return int32(b.rng.IntN(1000)) })
}

func window(kernel, stride, pad int) kernels.Window {
	return kernels.Window{
		Kernel:   [2]int{kernel, kernel},
		Stride:   [2]int{stride, stride},
		Dilation: [2]int{1, 1},
		Pad:      [4]int{pad, pad, pad, pad},
	}
}

var relu = kernels.Act{Kind: kernels.Clamp, Hi: float32(math.Inf(1))}

// sample is a net with every Spec, Form and Elem, and with something in every
// field.
func sample(t testing.TB) *Net {
	t.Helper()
	b := newBuilder(t, true)
	x := b.input("x", 1, 3, 8, 8)
	nhwc := b.step("nhwc", &kernels.Transpose{Perm: []int{0, 2, 3, 1}}, []int{x})
	first := b.step("first", &kernels.Conv{Window: window(3, 1, 1), Groups: 1, Channels: 4, Act: relu, Pool: true}, nhwc, b.panels(tensor.F16, 1, 27, 4))
	depth := b.step("depth", &kernels.Conv{Window: window(3, 1, 1), Groups: 4, Channels: 4, Act: kernels.Act{Kind: kernels.ActHardSwish}}, first, b.taps(9, 4))
	residual := b.step("residual", &kernels.Conv{Window: window(3, 1, 1), Groups: 1, Channels: 4, Winograd: kernels.WinogradF4}, []int{depth[0], first[0]}, b.panels(tensor.F32, 1, 36, 4))
	up := b.step("up", &kernels.ConvTranspose{Window: window(2, 2, 0), Groups: 2, Channels: 2, OutputPad: [2]int{1, 1}, Act: kernels.Act{Kind: kernels.ActLeakyRelu, Lo: 0.1}}, residual, b.panels(tensor.F32, 2, 2, 4))
	pool := b.step("pool", &kernels.Pool{Window: window(3, 2, 0), Kind: kernels.AveragePoolPadded, Ceil: true}, up)
	elu := b.step("elu", &kernels.Unary{Act: kernels.Act{Kind: kernels.ActElu, Lo: 1.5, Hi: 1}}, pool)
	sum := b.step("sum", &kernels.Binary{Kind: kernels.Add, Act: relu}, []int{elu[0], pool[0]})
	ratio := b.step("ratio", &kernels.Binary{Kind: kernels.Div, Swap: true}, sum, b.plain(2))
	concat := b.step("concat", &kernels.Concat{Axis: 3}, []int{ratio[0], residual[0]})
	slice := b.step("slice", &kernels.Slice{Start: []int{0, 3, 0, 5}, Step: []int{1, -1, 2, -2}, Size: []int{1, 4, 2, 3}}, concat)
	split := b.step("split", &kernels.Split{Axis: 3, Sizes: []int{1, 2}}, slice)
	pad := b.step("pad", &kernels.Padding{Before: []int{0, 0, 1, 0}, After: []int{0, 0, 1, 0}, Value: -1}, split[1:])
	norm := b.step("norm", &kernels.Normalise{Kind: kernels.ByRootMeanSquare, Axes: []int{1, 2}, Epsilon: 1e-5}, pad, b.plain(2, 1, 1, 1, 2))
	lrn := b.step("lrn", &kernels.LRN{Size: 3, Alpha: 1e-4, Beta: 0.75, Bias: 1}, norm)
	resize := b.step("resize", &kernels.Resize{Mode: kernels.Linear, Coordinates: kernels.AlignCorners, Rounding: kernels.RoundFloor, Scale: [2]float32{2, 0.5}, Size: [2]int{8, 2}}, lrn)
	sampled := b.step("sampled", &kernels.GridSample{Mode: kernels.Cubic, Padding: kernels.GridReflection, AlignCorners: true}, []int{resize[0], resize[0]})
	left := b.step("left", &kernels.Reshape{Shape: []int{1, 2, 16}}, sampled)
	right := b.step("right", &kernels.Reshape{Shape: []int{1, 16, 2}}, sampled)
	product := b.step("product", &kernels.MatMul{Right: []int{0, 1, 2}, Scale: 0.5}, []int{left[0], right[0]})
	dense := b.step("dense", &kernels.FullyConnected{Channels: 5, Act: kernels.Act{Kind: kernels.ActHardSigmoid, Lo: 0.2, Hi: 0.5}}, product, b.panels(tensor.F16, 1, 2, 5))
	gru := b.step("gru", &kernels.Recurrent{Kind: kernels.GRUResetAfter, Reverse: true}, b.step("gates", &kernels.FullyConnected{Channels: 15}, dense, b.panels(tensor.F32, 1, 5, 15)), b.panels(tensor.F32, 3, 5, 5), b.plain(1, 5))
	mean := b.step("mean", &kernels.Reduce{Kind: kernels.ReduceL2, Axes: []int{1}}, gru[:1])
	softmax := b.step("softmax", &kernels.Softmax{Axis: 1, Log: true}, mean)
	top := b.step("top", &kernels.TopK{Axis: 1, K: 2, Smallest: true}, softmax)
	arg := b.step("arg", &kernels.Arg{Axis: 1, Min: true, Last: true}, softmax)
	row := b.step("row", &kernels.Gather{}, top[1:], kernels.Param{Elem: tensor.I16, Shape: tensor.Shape{5, 2}, Data: tensor.AlignedBytes(20)})
	summed := b.step("summed", &kernels.CumulativeSum{Axis: 1, Exclusive: true, Reverse: true}, softmax)
	taken := b.step("taken", &kernels.Take{Axis: 1, Index: []int{4, 0, 4}}, softmax)
	tiled := b.step("tiled", &kernels.Repeat{Times: []int{1, 3}}, arg)
	compared := b.step("compared", &kernels.Binary{Kind: kernels.Less}, []int{arg[0], arg[0]})
	bits := b.step("bits", &kernels.Convert{Result: kernels.Elements{Elem: tensor.Bool}}, tiled)
	choice := b.step("choice", &kernels.Select{Constant: [3]bool{false, true, false}}, []int{bits[0], taken[0]}, b.plain(3))
	bytes := kernels.Elements{Elem: tensor.U8, Scale: 0.125, Zero: 3}
	quantised := b.step("quantised", &kernels.Convert{Result: bytes}, first)
	table := b.step("table", &kernels.Unary{Kind: kernels.Abs, Result: bytes}, quantised, kernels.TableParam(bytes, bytes, math.Abs))
	taps := b.step("taps", &kernels.Conv{Window: window(3, 1, 1), Groups: 4, Channels: 4, Act: relu, Result: bytes}, table, b.quantisedTaps(9, 4))
	integers := b.step("integers", &kernels.Conv{Window: window(1, 1, 0), Groups: 1, Channels: 3}, taps, b.quantisedPanels(4, 3))
	fixed := b.step("fixed", &kernels.Constant{}, nil, b.plain(1, 2))
	places := b.step("places", &kernels.MaxPlaces{Kernel: []int{2, 3}, Stride: []int{1, 2}, Dilation: []int{1, 1}, Before: []int{1, 0}, Size: []int{2, 3}, ColumnMajor: true}, []int{x})
	spread := b.step("spread", &kernels.Scatter{Axis: 1, Size: 200, Kind: kernels.ScatterMax}, []int{
		b.step("flat places", &kernels.Reshape{Shape: []int{1, 18}}, places)[0],
		b.step("flat", &kernels.Slice{Start: []int{0, 3}, Step: []int{1, 1}, Size: []int{1, 18}}, b.step("all", &kernels.Reshape{Shape: []int{1, 192}}, []int{x}))[0],
	})
	picked := b.step("picked", &kernels.GatherElements{Axis: 1}, []int{spread[0], b.step("which", &kernels.Reshape{Shape: []int{1, 18}}, places)[0]})
	b.net.Outputs = []int{softmax[0], picked[0], split[0], choice[0], row[0], top[0], integers[0], compared[0], fixed[0], summed[0]}
	b.net.Meta = Meta{
		Name: "sample", Source: "sample_test.go", Producer: "go test", Note: "every Spec, once; größer als nötig",
		Labels: []string{"zero", "one", "two", "three", ""},
		Preparation: Preparation{
			Kind: Photo, Order: RGB, Fit: Stretch, Width: 8, Height: 8, Resize: 10, Scale: 1.0 / 255,
			Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
		},
		Answer: Answer{Kind: Probabilities},
		Nodes:  40, Parameters: 1234,
	}
	return b.net
}

// digits is a net of the shape and the size of the digit net.
func digits(t testing.TB) *Net {
	t.Helper()
	b := newBuilder(t, true)
	x := b.input("image", 1, 1, 28, 28)
	nhwc := b.step("nhwc", &kernels.Reshape{Shape: []int{1, 28, 28, 1}}, []int{x})
	conv := func(in []int, k int) []int {
		return b.step("conv", &kernels.Conv{Window: window(3, 1, 1), Groups: 1, Channels: 32, Act: relu, Pool: true}, in, b.panels(tensor.F16, 1, k, 32))
	}
	flat := b.step("flat", &kernels.Reshape{Shape: []int{1, 1568}}, conv(conv(nhwc, 9), 288))
	hidden := b.step("hidden", &kernels.FullyConnected{Channels: 128, Act: relu}, flat, b.panels(tensor.F16, 1, 1568, 128))
	b.net.Outputs = b.step("logits", &kernels.FullyConnected{Channels: 10}, hidden, b.panels(tensor.F16, 1, 128, 10))
	b.net.Meta = Meta{
		Name:        "digits",
		Labels:      []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		Preparation: Preparation{Kind: Digit, Width: 28, Height: 28, Scale: 1.0 / 255, Std: [3]float32{1, 1, 1}},
	}
	return b.net
}

// whole is a net that is not batched, and does what a batched one may not.
func whole(t testing.TB) *Net {
	t.Helper()
	b := newBuilder(t, false)
	x := b.input("x", 3, 4)
	sorted := b.step("swap", &kernels.Transpose{Perm: []int{1, 0}}, []int{x})
	scalar := b.step("scalar", &kernels.Reduce{Axes: []int{0, 1}}, b.step("softmax", &kernels.Softmax{}, sorted))
	boxes := b.step("boxes", &kernels.Reshape{Shape: []int{1, 3, 4}}, []int{x})
	scores := b.step("scores", &kernels.Reshape{Shape: []int{1, 4, 3}}, []int{x})
	rows := b.step("rows", &kernels.NonMaxSuppression{Most: 2, Overlap: 0.5, Least: 0.25, Scored: true, Centred: true}, []int{boxes[0], scores[0]})
	maps := b.step("maps", &kernels.Constant{}, nil, kernels.Param{Elem: tensor.I32, Shape: tensor.Shape{3}, Data: tensor.AlignedBytes(12)})
	pixels := b.step("pixels", &kernels.Reshape{Shape: []int{1, 2, 3, 2}}, []int{x})
	aligned := b.step("aligned", &kernels.RoiAlign{Max: true, HalfPixel: true, Size: [2]int{2, 3}, Sampling: 2, Scale: 0.5}, []int{pixels[0], x, maps[0]})
	smooth := b.step("smooth", &kernels.Resize{Mode: kernels.SmoothCubic, Coordinates: kernels.CropAndResize, Scale: [2]float32{0.5, 1.5}, Size: [2]int{1, 4}, CubicA: -0.5, ExcludeOutside: true, Crop: [4]float32{0.125, 0.25, 0.75, 1}, Extrapolation: 2}, pixels)
	b.net.Outputs = []int{scalar[0], rows[0], aligned[0], smooth[0]}
	return b.net
}

func marshal(t testing.TB, n *Net) []byte {
	t.Helper()
	data, err := Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
