package onnx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights"
)

// sizeOf adds nodes that compute dimension dim of x, as a list of one number.
func (m *model) sizeOf(x, out string, dim int64) {
	m.constant("Shape", x, out+".shape")
	m.ints(out+".dim", dim)
	m.constant("Gather", out+".shape "+out+".dim", out)
}

// grid adds nodes that compute the column and the row of each pixel of x, as a
// tensor [height, width, 2].
func (m *model) grid(x, out string) {
	name := func(s string) string { return out + "." + s }
	m.ints(name("none"))
	m.integers(name("zero"), typeInt64, nil, 0)
	m.integers(name("one"), typeInt64, nil, 1)
	m.ints(name("last"), -1)
	var parts []string
	for i, side := range []string{"h", "w"} {
		m.sizeOf(x, name(side), int64(2+i))
		m.constant("Reshape", name(side)+" "+name("none"), name(side+".end"))
		m.constant("Range", name("zero")+" "+name(side+".end")+" "+name("one"), name(side+".range"))
		m.constant("Cast", name(side+".range"), name(side+".i"), attr{"to", int64(typeFloat)})
	}
	m.constant("Concat", name("h")+" "+name("w"), name("shape"), attr{"axis", 0})
	m.ints(name("column"), -1, 1)
	m.constant("Reshape", name("h.i")+" "+name("column"), name("h.column"))
	for _, i := range []string{"w.i", "h.column"} {
		m.constant("Expand", name(i)+" "+name("shape"), name(i+".all"))
		m.constant("Unsqueeze", name(i+".all")+" "+name("last"), name(i+".part"))
		parts = append(parts, name(i+".part"))
	}
	m.constant("Concat", strings.Join(parts, " "), out, attr{"axis", -1})
}

// An openCase is a model of an input x whose open dimensions can stay open.
type openCase struct {
	name     string
	dims     []int
	build    func(m *model)
	multiple int
	least    int
}

var openCases = []openCase{
	{"a convolution", []int{1, 3, 0, 0}, func(m *model) {
		m.conv("x", "y", 5, 3, 3)
	}, 1, 3},
	{"a batch beside them", []int{0, 3, 0, 0}, func(m *model) {
		m.conv("x", "c", 16, 3, 3, attr{"pads", []int64{1, 1, 1, 1}})
		m.node("Relu", "c", "y")
	}, 1, 1},
	{"one open side", []int{1, 3, 24, 0}, func(m *model) {
		m.conv("x", "c", 16, 3, 3, attr{"pads", []int64{1, 1, 1, 1}})
		m.conv("c", "y", 16, 16, 3)
	}, 1, 3},
	{"a length", []int{1, 4, 0}, func(m *model) {
		m.weight("w", -1, 1, 8, 4, 5)
		m.node("Conv", "x w", "c", attr{"pads", []int64{2, 2}})
		m.node("Relu", "c", "y")
	}, 1, 1},
	{"strides and a residual", []int{0, 3, 0, 0}, func(m *model) {
		same := attr{"pads", []int64{1, 1, 1, 1}}
		two := attr{"strides", []int64{2, 2}}
		m.conv("x", "a", 8, 3, 3, same, two)
		m.node("MaxPool", "a", "p", attr{"kernel_shape", []int64{3, 3}}, two, same)
		m.conv("p", "b", 8, 8, 3, same)
		m.node("Add", "b p", "s")
		m.node("Relu", "s", "y")
	}, 1, 1},
	{"SAME padding", []int{0, 3, 0, 0}, func(m *model) {
		m.conv("x", "a", 8, 3, 3, attr{"strides", []int64{2, 2}}, attr{"auto_pad", "SAME_UPPER"})
		m.conv("a", "y", 8, 8, 3, attr{"strides", []int64{2, 2}}, attr{"auto_pad", "SAME_UPPER"})
	}, 4, 4},
	{"SAME padding for one remainder alone", []int{1, 3, 0, 0}, func(m *model) {
		m.weight("w", -1, 1, 5, 3, 1, 2)
		m.node("Conv", "x w", "y", attr{"strides", []int64{1, 3}}, attr{"auto_pad", "SAME_UPPER"})
	}, 3, 3},
	{"a global pool and a fully connected layer", []int{0, 3, 0, 0}, func(m *model) {
		m.conv("x", "c", 16, 3, 3)
		m.node("GlobalAveragePool", "c", "g")
		m.node("Flatten", "g", "f")
		m.weight("w", -1, 1, 16, 7)
		m.node("Gemm", "f w", "y")
	}, 1, 3},
	{"a net of integers", []int{0, 3, 0, 0}, func(m *model) {
		m.qdq("x", "a", typeUint8, 0.01, 120)
		m.qdqConv("a", "b", 8, 3, 3, 0.01, attr{"pads", []int64{1, 1, 1, 1}}, attr{"strides", []int64{2, 2}})
		m.node("Relu", "b", "c")
		m.qdq("c", "d", typeUint8, 0.02, 0)
		m.node("GlobalAveragePool", "d", "e")
		m.qdq("e", "f", typeUint8, 0.01, 0)
		m.node("Mul", "d f", "g")
		m.qdq("g", "y", typeUint8, 0.01, 0)
	}, 1, 1},
	{"strides in front of a global pool", []int{0, 3, 0, 0}, func(m *model) {
		same := attr{"pads", []int64{1, 1, 1, 1}}
		two := attr{"strides", []int64{2, 2}}
		m.conv("x", "a", 8, 3, 3, same, two)
		m.conv("a", "b", 8, 8, 3, same, two)
		m.node("GlobalAveragePool", "b", "g")
		m.conv("g", "s", 8, 8, 1)
		m.node("Sigmoid", "s", "e")
		m.node("Mul", "b e", "y")
	}, 1, 1},
	{"a pyramid by scales", []int{0, 3, 0, 0}, func(m *model) {
		two := []attr{{"kernel_shape", []int64{2, 2}}, {"strides", []int64{2, 2}}}
		m.conv("x", "a", 8, 3, 3, attr{"pads", []int64{1, 1, 1, 1}})
		m.node("AveragePool", "a", "b", two...)
		m.node("AveragePool", "b", "c", two...)
		m.floats("scales", []int{4}, 1, 1, 2, 2)
		m.node("Resize", "c _ scales", "d", attr{"mode", "linear"})
		m.node("Add", "b d", "e")
		m.node("Resize", "e _ scales", "f")
		m.node("Concat", "f a", "y", attr{"axis", 1})
	}, 4, 4},
	{"as large as a skip connection", []int{0, 3, 0, 0}, func(m *model) {
		m.conv("x", "a", 8, 3, 3, attr{"pads", []int64{1, 1, 1, 1}}, attr{"strides", []int64{2, 2}})
		m.sizeOf("x", "h", 2)
		m.sizeOf("x", "w", 3)
		m.sizeOf("a", "n", 0)
		m.sizeOf("a", "c", 1)
		m.constant("Concat", "n c h w", "size", attr{"axis", 0})
		m.node("Resize", "a _ _ size", "r", attr{"mode", "linear"}, attr{"coordinate_transformation_mode", "align_corners"})
		m.node("Concat", "x r", "y", attr{"axis", 1})
	}, 1, 1},
	{"a fixed size", []int{0, 3, 0, 0}, func(m *model) {
		m.sizeOf("x", "n", 0)
		m.ints("rest", 3, 20, 24)
		m.constant("Concat", "n rest", "size", attr{"axis", 0})
		m.node("Resize", "x _ _ size", "y", attr{"mode", "linear"})
	}, 1, 1},
	{"a pooled pixel as large as its map", []int{0, 3, 0, 0}, func(m *model) {
		m.conv("x", "a", 8, 3, 3, attr{"pads", []int64{1, 1, 1, 1}}, attr{"strides", []int64{2, 2}})
		m.node("GlobalAveragePool", "a", "p")
		for i, name := range []string{"n", "c", "h", "w"} {
			m.sizeOf("a", name, int64(i))
		}
		m.constant("Concat", "n c h w", "size", attr{"axis", 0})
		m.node("Resize", "p _ _ size", "r", attr{"mode", "linear"}, attr{"coordinate_transformation_mode", "pytorch_half_pixel"})
		m.node("Concat", "a r", "y", attr{"axis", 1})
	}, 1, 1},
	{"constants of a value's shape", []int{0, 3, 0, 0}, func(m *model) {
		m.constant("Shape", "x", "shape")
		m.constant("ConstantOfShape", "shape", "zeros")
		m.floats("k", []int{1, 3, 1, 1}, 0.5, -0.25, 2)
		m.constant("Expand", "k shape", "scale")
		m.node("Greater", "x zeros", "positive")
		m.node("Mul", "x scale", "scaled")
		m.node("Where", "positive scaled zeros", "y")
	}, 1, 1},
	{"heads of two scales", []int{0, 3, 0, 0}, func(m *model) {
		m.ints("shape", 0, -1, 6)
		for i, x := range []string{"x", "p"} {
			m.conv(x, x+".c", 6, 3, 1)
			m.node("Transpose", x+".c", x+".t", attr{"perm", []int64{0, 2, 3, 1}})
			m.node("Reshape", x+".t shape", x+".r")
			if i == 0 {
				m.node("MaxPool", "x", "p", attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{2, 2}})
			}
		}
		m.node("Concat", "x.r p.r", "y", attr{"axis", 1})
	}, 2, 2},
	{"boxes computed row by row", []int{0, 4, 0, 0}, func(m *model) {
		m.ints("shape", 0, 4, -1)
		m.node("Reshape", "x shape", "r")
		m.ints("half", 2, 2)
		m.node("Split", "r half", "a b", attr{"axis", 1})
		m.node("Add", "a b", "s")
		m.node("Concat", "a s", "y", attr{"axis", 1})
	}, 1, 1},
	{"pixels shuffled", []int{0, 4, 0, 0}, func(m *model) {
		m.node("DepthToSpace", "x", "d", attr{"blocksize", 2})
		m.node("Relu", "d", "y")
	}, 1, 1},
	{"pixels unshuffled", []int{0, 3, 0, 0}, func(m *model) {
		m.node("SpaceToDepth", "x", "s", attr{"blocksize", 2})
		m.conv("s", "y", 8, 12, 3, attr{"pads", []int64{1, 1, 1, 1}})
	}, 2, 2},
	{"focus", []int{0, 3, 0, 0}, func(m *model) {
		m.ints("axes", 2, 3)
		m.ints("steps", 2, 2)
		m.ints("ends", math.MaxInt64, math.MaxInt64)
		var parts []string
		for _, at := range []string{"a 0 0", "b 1 0", "c 0 1", "d 1 1"} {
			f := strings.Fields(at)
			m.ints(f[0]+".s", int64(f[1][0]-'0'), int64(f[2][0]-'0'))
			m.node("Slice", "x "+f[0]+".s ends axes steps", f[0])
			parts = append(parts, f[0])
		}
		m.node("Concat", strings.Join(parts, " "), "f", attr{"axis", 1})
		m.conv("f", "y", 8, 12, 1)
	}, 2, 2},
	{"from the end", []int{0, 3, 0, 0}, func(m *model) {
		m.ints("starts", -5, 2)
		m.ints("ends", math.MaxInt64, -1)
		m.ints("axes", 2, 3)
		m.node("Slice", "x starts ends axes", "y")
	}, 1, 5},
	{"a slice of fixed size", []int{0, 3, 0, 0}, func(m *model) {
		m.ints("starts", 0, 0)
		m.ints("ends", 20, 10)
		m.ints("axes", 2, 3)
		m.node("Slice", "x starts ends axes", "y")
	}, 1, 24},
	{"padding as large as the rest", []int{0, 3, 0, 0}, func(m *model) {
		m.ints("pads", 0, 0, 1, 2, 0, 0, 1, 2)
		m.node("Pad", "x pads", "p", attr{"mode", "reflect"})
		m.conv("p", "y", 8, 3, 3)
	}, 1, 3},
	{"a transposed convolution", []int{0, 3, 0, 0}, func(m *model) {
		m.weight("w", -1, 1, 3, 4, 2, 2)
		m.node("ConvTranspose", "x w", "c", attr{"strides", []int64{2, 2}})
		m.node("Sigmoid", "c", "y")
	}, 1, 1},
	{"channels last", []int{1, 0, 0, 1}, func(m *model) {
		m.node("Transpose", "x", "t", attr{"perm", []int64{0, 3, 1, 2}})
		m.conv("t", "c", 8, 1, 3, attr{"pads", []int64{1, 1, 1, 1}})
		m.node("Transpose", "c", "y", attr{"perm", []int64{0, 2, 3, 1}})
	}, 1, 1},
	{"two inputs of one size", []int{0, 3, 0, 0}, func(m *model) {
		m.input("z", 0, 3, 0, 0)
		m.conv("z", "c", 3, 3, 3, attr{"pads", []int64{1, 1, 1, 1}})
		m.node("Mul", "x c", "y")
	}, 1, 1},
	{"coordinates beside the channels", []int{0, 3, 0, 0}, func(m *model) {
		m.grid("x", "g")
		m.constant("Transpose", "g", "t", attr{"perm", []int64{2, 0, 1}})
		m.ints("front", 0)
		m.constant("Unsqueeze", "t front", "u")
		m.sizeOf("x", "n", 0)
		m.ints("rest", 1, 1, 1)
		m.constant("Concat", "n rest", "batch", attr{"axis", 0})
		m.constant("Expand", "u batch", "all")
		m.node("Concat", "x all", "c", attr{"axis", 1})
		m.conv("c", "y", 8, 5, 3)
	}, 1, 4},
	{"coordinates from -1 to 1", []int{1, 3, 0, 0}, func(m *model) {
		m.sizeOf("x", "w", 3)
		m.ints("none")
		m.integers("zero", typeInt64, nil, 0)
		m.integers("one", typeInt64, nil, 1)
		m.constant("Reshape", "w none", "end")
		m.constant("Range", "zero end one", "columns")
		m.constant("Cast", "columns", "i", attr{"to", int64(typeFloat)})
		m.constant("Sub", "end one", "last")
		m.constant("Cast", "last", "scale", attr{"to", int64(typeFloat)})
		m.constant("Div", "i scale", "part")
		m.floats("two", nil, 2)
		m.floats("unit", nil, 1)
		m.constant("Mul", "part two", "twice")
		m.constant("Sub", "twice unit", "at")
		m.node("Mul", "x at", "y")
	}, 1, 1},
	{"coordinates behind numbers that cannot begin a ramp", []int{1, 3, 0, 0}, func(m *model) {
		m.sizeOf("x", "w", 3)
		m.ints("none")
		m.integers("zero", typeInt64, nil, 0)
		m.integers("one", typeInt64, nil, 1)
		m.integers("two", typeInt64, nil, 2)
		m.ints("large", 1<<40)
		m.floats("infinite", []int{1}, float32(math.Inf(-1)))
		m.constant("Reshape", "w none", "end")
		m.constant("Sub", "end two", "last")
		m.constant("Range", "zero last one", "columns")
		m.constant("Concat", "large columns", "integers", attr{"axis", 0})
		m.constant("Cast", "integers", "i", attr{"to", int64(typeFloat)})
		m.constant("Concat", "infinite i", "at", attr{"axis", 0})
		m.node("Mul", "x at", "y")
	}, 1, 3},
	{"a YOLOv5 head", []int{0, 3, 0, 0}, func(m *model) {
		same, two := attr{"pads", []int64{1, 1, 1, 1}}, attr{"strides", []int64{2, 2}}
		m.conv("x", "p0", 6, 3, 3, same, two)
		m.conv("p0", "p1", 6, 6, 3, same, two)
		m.ints("minus", -1)
		m.ints("five", 5)
		m.ints("three", 3)
		m.ints("front", 0, 1)
		m.floats("two", nil, 2)
		m.floats("half", nil, 0.5)
		var all []string
		for i, p := range []string{"p0", "p1"} {
			m.conv(p, p+".c", 15, 6, 1)
			m.sizeOf("x", p+".n", 0)
			m.sizeOf(p, p+".high", 2)
			m.sizeOf(p, p+".wide", 3)
			m.constant("Concat", p+".n three five "+p+".high "+p+".wide", p+".shape", attr{"axis", 0})
			m.node("Reshape", p+".c "+p+".shape", p+".r")
			m.node("Transpose", p+".r", p+".t", attr{"perm", []int64{0, 1, 3, 4, 2}})
			m.node("Sigmoid", p+".t", p+".s")
			m.ints(p+".parts", 2, 2, 1)
			m.node("Split", p+".s "+p+".parts", p+".xy "+p+".wh "+p+".score", attr{"axis", 4})
			m.grid(p, p+".g")
			m.constant("Unsqueeze", p+".g front", p+".g5")
			m.ints(p+".one", 1)
			m.ints(p+".two", 2)
			m.constant("Concat", p+".one three "+p+".high "+p+".wide "+p+".two", p+".full", attr{"axis", 0})
			m.constant("Expand", p+".g5 "+p+".full", p+".grid")
			m.constant("Sub", p+".grid half", p+".shifted")
			m.floats(p+".anchors", []int{1, 3, 1, 1, 2}, 1.25, 1.625, 2, 3.75, 4.125, 2.875)
			m.floats(p+".stride", nil, float32(int(2)<<i))
			m.constant("Mul", p+".anchors "+p+".stride", p+".pixels")
			m.constant("Expand", p+".pixels "+p+".full", p+".sides")
			m.node("Mul", p+".xy two", p+".a")
			m.node("Add", p+".a "+p+".shifted", p+".moved")
			m.node("Mul", p+".moved "+p+".stride", p+".centre")
			m.node("Mul", p+".wh two", p+".d")
			m.node("Mul", p+".d "+p+".d", p+".e")
			m.node("Mul", p+".e "+p+".sides", p+".size")
			m.node("Concat", p+".centre "+p+".size "+p+".score", p+".boxes", attr{"axis", 4})
			m.constant("Concat", p+".n minus five", p+".list", attr{"axis", 0})
			m.node("Reshape", p+".boxes "+p+".list", p+".y")
			all = append(all, p+".y")
		}
		m.node("Concat", strings.Join(all, " "), "y", attr{"axis", 1})
	}, 4, 8},
	{"a YOLOv8 head", []int{0, 3, 0, 0}, func(m *model) {
		same, two := attr{"pads", []int64{1, 1, 1, 1}}, attr{"strides", []int64{2, 2}}
		m.conv("x", "p0", 6, 3, 3, same, two)
		m.conv("p0", "p1", 6, 6, 3, same, two)
		m.ints("rows", 0, 4, -1)
		m.ints("pairs", -1, 2)
		m.ints("front", 0)
		m.floats("half", nil, 0.5)
		var maps, centres, strides []string
		for i, p := range []string{"p0", "p1"} {
			m.conv(p, p+".c", 4, 6, 1)
			m.node("Reshape", p+".c rows", p+".r")
			m.grid(p, p+".g")
			m.constant("Add", p+".g half", p+".middle")
			m.constant("Reshape", p+".middle pairs", p+".pairs")
			m.sizeOf(p, p+".high", 2)
			m.sizeOf(p, p+".wide", 3)
			m.constant("Mul", p+".high "+p+".wide", p+".n")
			m.ints(p+".one", 1)
			m.constant("Concat", p+".n "+p+".one", p+".shape", attr{"axis", 0})
			m.floats(p+".stride", []int{1}, float32(int(2)<<i))
			m.constant("Expand", p+".stride "+p+".shape", p+".strides")
			maps, centres, strides = append(maps, p+".r"), append(centres, p+".pairs"), append(strides, p+".strides")
		}
		m.node("Concat", strings.Join(maps, " "), "f", attr{"axis", 2})
		m.constant("Concat", strings.Join(centres, " "), "points", attr{"axis", 0})
		m.constant("Concat", strings.Join(strides, " "), "scale", attr{"axis", 0})
		m.constant("Transpose", "points", "turned", attr{"perm", []int64{1, 0}})
		m.constant("Transpose", "scale", "scales", attr{"perm", []int64{1, 0}})
		m.constant("Unsqueeze", "turned front", "anchors")
		m.ints("sides", 2, 2)
		m.node("Split", "f sides", "lt rb", attr{"axis", 1})
		m.node("Sub", "anchors lt", "from")
		m.node("Add", "anchors rb", "to")
		m.node("Concat", "from to", "boxes", attr{"axis", 1})
		m.node("Mul", "boxes scales", "y")
	}, 4, 4},
	{"a spatial transformer", []int{0, 3, 0, 0}, func(m *model) { m.warped(0) }, 1, 2},
	{"a spatial transformer from corner to corner", []int{0, 3, 0, 0}, func(m *model) { m.warped(1) }, 1, 2},
	{"a centre cut out", []int{0, 3, 0, 0}, func(m *model) {
		m.opset = 18
		m.ints("size", 4, 4)
		m.node("CenterCropPad", "x size", "c", attr{"axes", []int64{2, 3}})
		m.node("GlobalAveragePool", "x", "p")
		m.node("Add", "c p", "y")
	}, 2, 6},
	{"attention over pixels", []int{0, 4, 0, 0}, func(m *model) {
		m.ints("shape", 0, 4, -1)
		m.node("Reshape", "x shape", "r")
		m.node("Transpose", "r", "t", attr{"perm", []int64{0, 2, 1}})
		m.node("MatMul", "t r", "a")
		m.node("Softmax", "a", "s", attr{"axis", 2})
		m.node("MatMul", "s t", "y")
	}, 1, 1},
	{"a batch of sequences, behind their times", []int{5, 0, 8}, func(m *model) {
		m.weight("w", -1, 1, 2, 24, 8)
		m.weight("r", -1, 1, 2, 24, 6)
		m.node("LSTM", "x w r", "h", attr{"hidden_size", 6}, attr{"direction", "bidirectional"})
		m.node("Transpose", "h", "t", attr{"perm", []int64{0, 2, 1, 3}})
		m.ints("shape", 0, 0, -1)
		m.node("Reshape", "t shape", "y")
	}, 1, 1},
	{"times and a batch behind them", []int{0, 0, 8}, func(m *model) {
		m.weight("w", -1, 1, 1, 18, 8)
		m.weight("r", -1, 1, 1, 18, 6)
		m.node("GRU", "x w r", "h", attr{"hidden_size", 6})
		m.ints("axes", 1)
		m.node("Squeeze", "h axes", "y")
	}, 1, 1},
}

// warped reads x at places that are computed from its means.
func (m *model) warped(align int) {
	m.opset = 20
	m.ints("matrix", -1, 2, 3)
	m.node("GlobalAveragePool", "x", "p")
	m.node("Flatten", "p", "f")
	m.weight("w", -1, 1, 3, 6)
	m.floats("b", []int{6}, 0.8, 0.1, -0.1, 0.2, 0.7, 0.1)
	m.node("Gemm", "f w b", "t")
	m.node("Reshape", "t matrix", "theta")
	m.constant("Shape", "x", "size")
	m.node("AffineGrid", "theta size", "grid", attr{"align_corners", align})
	m.node("GridSample", "x grid", "y", attr{"padding_mode", "border"}, attr{"align_corners", align})
}

// model is a case's model, with x of the given dimensions.
func (c openCase) model() *model {
	m := newModel(13)
	m.input("x", c.dims...)
	c.build(m)
	m.output("y")
	return m
}

// freeze freezes a case's model.
func (c openCase) freeze(t *testing.T, shapes ...InputShape) (*weights.Net, error) {
	t.Helper()
	net, _, err := Freeze(c.model().bytes(), Options{Shapes: shapes})
	return net, err
}

func TestOpenDims(t *testing.T) {
	for _, c := range openCases {
		t.Run(c.name, func(t *testing.T) {
			net, err := c.freeze(t)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range net.Open {
				if d.Multiple != c.multiple || d.Least != c.least || d.Most < 256 {
					t.Errorf("%+v, want multiples of %d from %d", d, c.multiple, c.least)
				}
			}
			if net.Batched != (c.dims[0] == 0 && net.Open[0].At[0].Dim != 0) {
				t.Errorf("batched: %v", net.Batched)
			}
			data, err := weights.Marshal(net)
			if err != nil {
				t.Fatal(err)
			}
			for _, tier := range engine.Tiers() {
				if tier.Supported {
					compareSizes(t, c, data, tier.Name)
				}
			}
		})
	}
}

// compareSizes compares one Model at 12 sizes with nets that are frozen for each.
func compareSizes(t *testing.T, c openCase, data []byte, tier string) {
	t.Helper()
	o := engine.Options{Kernels: tier}
	m, err := o.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 12 {
		var sizes []int
		for _, d := range m.Open() {
			sizes = append(sizes, d.Least+d.Multiple*min(rng.IntN(4+3*i), max(0, (48-d.Least)/d.Multiple)))
		}
		var shapes []InputShape
		for _, in := range m.Inputs() {
			shapes = append(shapes, InputShape{in.Name, sizes})
		}
		fixed, err := c.freeze(t, shapes...)
		if err != nil {
			t.Fatalf("%v: %v", sizes, err)
		}
		alone, err := weights.Marshal(fixed)
		if err != nil {
			t.Fatal(err)
		}
		one, err := o.Parse(alone)
		if err != nil {
			t.Fatal(err)
		}
		want := compute(t, one, engine.SessionOptions{})
		got := compute(t, m, engine.SessionOptions{Sizes: sizes})
		for k := range want {
			if !slices.EqualFunc(got[k], want[k], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
				t.Errorf("%s at %v: output %d is not the same as that of a net frozen for it", tier, sizes, k)
			}
		}
		one.Close()
	}
}

// compute runs a model on random numbers, the same ones for each size.
func compute(t *testing.T, m *engine.Model, o engine.SessionOptions) [][]float32 {
	t.Helper()
	s, err := m.NewSession(o)
	if err != nil {
		t.Fatalf("%v: %v", o.Sizes, err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range m.Inputs() {
		x := s.Input(i)
		for j := range x {
			x[j] = 2*rng.Float32() - 1
		}
	}
	if err := s.Run(1); err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	for i := range m.Outputs() {
		out = append(out, slices.Clone(s.Output(i)))
	}
	return out
}

// TestNotOpen has models whose dimensions cannot stay open.
func TestNotOpen(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  []string
	}{
		{"weights for one size", func(m *model) {
			m.node("Flatten", "x", "f")
			m.weight("w", -1, 1, 48, 2)
			m.node("Gemm", "f w", "y")
		}, []string{`Gemm "Gemmy"`}},
		{"a shape for one size", func(m *model) {
			m.ints("shape", 0, 3, 64)
			m.node("Reshape", "x shape", "y")
		}, []string{`Reshape "Reshapey"`}},
		{"constants that follow the size", func(m *model) {
			m.sizeOf("x", "w", 3)
			m.integers("zero", typeInt64, nil, 0)
			m.integers("one", typeInt64, nil, 1)
			m.ints("none")
			m.constant("Reshape", "w none", "end")
			m.constant("Range", "zero end one", "columns")
			m.ints("seven", 7)
			m.constant("Mod", "columns seven", "weekdays")
			m.constant("Cast", "weekdays", "grid", attr{"to", int64(typeFloat)})
			m.node("Add", "x grid", "y")
		}, []string{`"Addy"`, "its constants depend on the open dimensions"}},
		{"an unsupported attribute", func(m *model) {
			m.node("Resize", "x _ _ _", "y", attr{"mode", "lanczos"})
		}, []string{`Resize "Resizey"`, "lanczos"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			m.input("x", 1, 3, 0, 0)
			c.build(m)
			m.output("y")
			_, _, err := Freeze(m.bytes(), Options{})
			if err == nil {
				t.Fatal("it stays open")
			}
			for _, want := range append(c.want, `input "x" leaves dimension 2 ("dim2") open`, "--shape x=1x3xdim2xdim3") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// TestOpenSymbols has dimensions of one symbol in two inputs, which are one, and
// more symbols than can stay open.
func TestOpenSymbols(t *testing.T) {
	m := newModel(13)
	m.input("x", 1, 0, 0, 5)
	m.input("z", 1, 3, 0, 0)
	m.node("Abs", "x", "a")
	m.node("Abs", "z", "b")
	m.output("a", "b")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range net.Open {
		got = append(got, fmt.Sprint(d.Name, d.At))
	}
	if want := []string{"dim1[{0 1}]", "dim2[{0 2} {1 2}]", "dim3[{1 3}]"}; !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v", got, want)
	}

	m = newModel(13)
	m.input("x", 1, 0, 0, 0, 0, 0)
	m.node("Abs", "x", "y")
	m.output("y")
	if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), "5 dimensions are open, more than 4") {
		t.Errorf("five open dimensions: %v", err)
	}
}
