// Package onnxtest makes ONNX models for tests: Model is written out as a
// protocol buffer, and Random makes a graph of random nodes over all operators
// that package weights/onnx reads, with data for its inputs.
package onnxtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/infer-go/infer/tensor"
)

// A DataType is a TensorProto.DataType.
type DataType int

const (
	Float   DataType = 1
	Uint8   DataType = 2
	Int8    DataType = 3
	Int32   DataType = 6
	Int64   DataType = 7
	Bool    DataType = 9
	Float16 DataType = 10
	Double  DataType = 11
)

// TypeOf is the data type of elements.
func TypeOf(e tensor.Elem) DataType {
	return map[tensor.Elem]DataType{
		tensor.F32: Float, tensor.U8: Uint8, tensor.I8: Int8, tensor.I32: Int32, tensor.I64: Int64, tensor.Bool: Bool,
	}[e]
}

// Size is how many bytes an element takes.
func (t DataType) Size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Float16:
		return 2
	case Int64, Double:
		return 8
	}
	return 4
}

func (t DataType) String() string {
	names := map[DataType]string{Float: "float", Uint8: "uint8", Int8: "int8", Int32: "int32", Int64: "int64", Bool: "bool"}
	if name, ok := names[t]; ok {
		return name
	}
	return fmt.Sprintf("element type %d", int(t))
}

// A Model is an ONNX model of one graph.
type Model struct {
	Opset   int64
	Nodes   []Node
	Tensors []Tensor // initializers
	Inputs  []Input
	Outputs []string

	Functions []Function
}

// A Function is an operator that the model defines by nodes, written for an opset.
// Attrs have defaults, Attributes none.
type Function struct {
	Name, Domain string
	Opset        int64
	In, Out      []string
	Nodes        []Node
	Attributes   []string
	Attrs        []Attr
}

// A Ref is the value of an attribute in a Function: that of the function's
// attribute of this name.
type Ref string

// A Node is one use of an operator. An operand or result that is left out is
// an empty string.
type Node struct {
	Op, Name string
	Domain   string // of the operator, empty for ONNX's own
	In, Out  []string
	Attrs    []Attr
}

// An Attr is an attribute: an int64 or int, a float32, a string, a list of
// int64, of float32 or of string, a Tensor, a Sparse, or a *Model for its graph.
type Attr struct {
	Name  string
	Value any
}

// A Tensor is a constant; Raw is little-endian.
type Tensor struct {
	Name string
	Type DataType
	Dims []int
	Raw  []byte
}

// A Sparse is a tensor of which only the elements are there that are not 0.
type Sparse struct {
	Values, Indices Tensor
	Dims            []int
}

// An Input is an input of the graph; a dimension of 0 is an open one.
type Input struct {
	Name string
	Type DataType
	Dims []int
}

// irVersion is a version of the format that knows all opsets which are tested.
const irVersion = 8

// Bytes encodes the model as an .onnx file.
func (m *Model) Bytes() []byte {
	b := AppendInt(nil, 1, irVersion)
	b = AppendString(b, 2, "a test")
	b = AppendMessage(b, 7, m.graph())
	b = AppendMessage(b, 8, AppendInt(nil, 2, m.Opset))
	var domains []string
	for _, n := range m.Nodes {
		if n.Domain != "" && !slices.Contains(domains, n.Domain) {
			domains = append(domains, n.Domain)
			b = AppendMessage(b, 8, AppendInt(AppendString(nil, 1, n.Domain), 2, 1))
		}
	}
	for _, f := range m.Functions {
		b = AppendMessage(b, 25, f.bytes())
	}
	return b
}

func (f Function) bytes() []byte {
	b := AppendString(nil, 1, f.Name)
	for _, name := range f.In {
		b = AppendString(b, 4, name)
	}
	for _, name := range f.Out {
		b = AppendString(b, 5, name)
	}
	for _, name := range f.Attributes {
		b = AppendString(b, 6, name)
	}
	for _, n := range f.Nodes {
		b = AppendMessage(b, 7, n.bytes())
	}
	b = AppendMessage(b, 9, AppendInt(nil, 2, f.Opset))
	b = AppendString(b, 10, f.Domain)
	for _, a := range f.Attrs {
		b = AppendMessage(b, 11, a.bytes())
	}
	return b
}

// graph encodes the model's graph.
func (m *Model) graph() []byte {
	var g []byte
	for _, n := range m.Nodes {
		g = AppendMessage(g, 1, n.bytes())
	}
	g = AppendString(g, 2, "test")
	for _, t := range m.Tensors {
		g = AppendMessage(g, 5, t.bytes())
	}
	for _, v := range m.Inputs {
		g = AppendMessage(g, 11, v.bytes())
	}
	for _, name := range m.Outputs {
		g = AppendMessage(g, 12, AppendString(nil, 1, name))
	}
	return g
}

func (n Node) bytes() []byte {
	var b []byte
	for _, name := range n.In {
		b = AppendString(b, 1, name)
	}
	for _, name := range n.Out {
		b = AppendString(b, 2, name)
	}
	b = AppendString(b, 3, n.Name)
	b = AppendString(b, 4, n.Op)
	for _, a := range n.Attrs {
		b = AppendMessage(b, 5, a.bytes())
	}
	return AppendString(b, 7, n.Domain)
}

// bytes encodes an attribute; its last field is an AttributeProto.AttributeType.
func (a Attr) bytes() []byte {
	b := AppendString(nil, 1, a.Name)
	var typ int64
	switch v := a.Value.(type) {
	case float32:
		typ = 1
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(v))
	case int64:
		typ = 2
		b = AppendInt(b, 3, v)
	case int:
		typ = 2
		b = AppendInt(b, 3, int64(v))
	case string:
		typ = 3
		b = AppendString(b, 4, v)
	case Tensor:
		typ = 4
		b = AppendMessage(b, 5, v.bytes())
	case Ref:
		return AppendString(b, 21, string(v))
	case *Model:
		typ = 5
		b = AppendMessage(b, 6, v.graph())
	case Sparse:
		typ = 11
		t := AppendMessage(AppendMessage(nil, 1, v.Values.bytes()), 2, v.Indices.bytes())
		for _, d := range v.Dims {
			t = AppendInt(t, 3, int64(d))
		}
		b = AppendMessage(b, 22, t)
	case []float32:
		typ = 6
		b = AppendMessage(b, 7, RawFloats(v))
	case []int64:
		typ = 7
		for _, i := range v {
			b = AppendInt(b, 8, i)
		}
	case []string:
		typ = 8
		for _, s := range v {
			b = AppendString(b, 9, s)
		}
	default:
		panic(fmt.Sprintf("attribute %T", v))
	}
	return AppendInt(b, 20, typ)
}

func (t Tensor) bytes() []byte {
	var dims []byte
	for _, d := range t.Dims {
		dims = protowire.AppendVarint(dims, uint64(d))
	}
	b := AppendMessage(nil, 1, dims)
	b = AppendInt(b, 2, int64(t.Type))
	b = AppendString(b, 8, t.Name)
	return AppendMessage(b, 9, t.Raw)
}

func (v Input) bytes() []byte {
	var shape []byte
	for i, d := range v.Dims {
		dim := AppendInt(nil, 1, int64(d))
		if d == 0 {
			dim = AppendString(nil, 2, fmt.Sprintf("dim%d", i))
		}
		shape = AppendMessage(shape, 1, dim)
	}
	tensor := AppendMessage(AppendInt(nil, 1, int64(v.Type)), 2, shape)
	return AppendMessage(AppendString(nil, 1, v.Name), 2, AppendMessage(nil, 1, tensor))
}

// AppendMessage appends a field that is a message, or bytes.
func AppendMessage(b []byte, num protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), m)
}

// AppendString appends a field that is a string.
func AppendString(b []byte, num protowire.Number, s string) []byte {
	return AppendMessage(b, num, []byte(s))
}

// AppendInt appends a field that is an integer.
func AppendInt(b []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
}

// RawFloats is a Float tensor's Raw.
func RawFloats(x []float32) []byte {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}

// RawInts is an Int64 tensor's Raw.
func RawInts(x []int64) []byte {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return raw
}
