package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/infer-go/infer/tensor"
)

// The structs of a decoded model hold what freezing needs of the messages of
// onnx.proto that they are named after.

type modelProto struct {
	producer string
	opsets   map[string]int64 // version by domain
	graph    graphProto
}

type graphProto struct {
	nodes        []*nodeProto
	initializers []namedTensor
	inputs       []valueInfo
	outputs      []valueInfo
	linked       *linked // of a graph that is an attribute, when it is linked
}

type namedTensor struct {
	name   string
	tensor *constant
}

type nodeProto struct {
	name, op, domain string
	overload         string   // which of a model's functions of one name is used
	in, out          []string // an empty string is an operand left out
	attributes       []attribute
	captured         []string // what its graphs read of the graph around them
}

// attributeType is an AttributeProto.AttributeType.
type attributeType int

const (
	attrFloat   attributeType = 1
	attrInt     attributeType = 2
	attrString  attributeType = 3
	attrTensor  attributeType = 4
	attrGraph   attributeType = 5
	attrFloats  attributeType = 6
	attrInts    attributeType = 7
	attrStrings attributeType = 8
	attrSparse  attributeType = 11
)

type attribute struct {
	name    string
	ref     string // in a function: the attribute of the node that uses it
	typ     attributeType
	f       float32
	i       int64
	s       string
	tensor  *constant
	graph   *graphProto
	sparse  *sparseTensor
	floats  []float32
	ints    []int64
	strings []string
}

// valueInfo is the declared type of a graph's input or output.
type valueInfo struct {
	name string
	elem elemType
	dims []dim // nil if the rank is unknown
}

// A dim is a declared dimension: a number, or a symbol.
type dim struct {
	size   int64 // 0 if symbolic
	symbol string
}

// A decoder reads messages. It knows the folder in which tensors that the
// model keeps in files of their own may lie.
type decoder struct {
	dir   *os.Root
	depth int // of graphs in graphs
}

// maxDepth bounds how deep graphs may lie in the attributes of one another.
const maxDepth = 16

// otherFormats are what is taken for a model by mistake, by its first bytes.
var otherFormats = []struct{ magic, name string }{
	{"\x89FRZ", "a frozen net already"},
	{"\x89PNG", "a PNG picture"},
	{"\xff\xd8\xff", "a JPEG picture"},
	{"PK\x03\x04", "a ZIP archive, as PyTorch saves models"},
	{"\x89HDF", "an HDF5 file, as Keras saves models"},
}

// decode reads a ModelProto.
func (d *decoder) decode(data []byte) (*modelProto, error) {
	for _, other := range otherFormats {
		if bytes.HasPrefix(data, []byte(other.magic)) {
			return nil, fmt.Errorf("it is not an ONNX model, but %s", other.name)
		}
	}
	m := &modelProto{opsets: map[string]int64{}}
	begun, found := false, false // the model's first field, its graph
	var functions []*functionProto
	var inGraph error
	err := each(data, func(f field) (err error) {
		switch f.num {
		case 1: // ir_version
			_, err = f.int64()
			begun = err == nil
		case 2: // producer_name
			m.producer, err = f.string()
		case 7: // graph
			found = true
			inGraph = d.graph(f, &m.graph)
			err = inGraph
		case 8: // opset_import
			err = decodeOpset(f, m.opsets)
		case 25: // functions
			var fn *functionProto
			fn, err = d.function(f)
			functions = append(functions, fn)
			inGraph = errors.Join(inGraph, err)
		}
		return err
	})
	switch {
	case begun && inGraph != nil:
		return nil, inGraph
	case begun && errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("it is cut off after %d bytes", len(data))
	case err == nil && !found:
		err = errors.New("it contains no graph")
	}
	switch {
	case errors.Is(err, errNoField), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it is not an ONNX model")
	case err != nil:
		return nil, fmt.Errorf("it is not an ONNX model: %w", err)
	}
	return m, m.inline(functions)
}

// decodeOpset reads an OperatorSetIdProto into opsets, versions by domain.
func decodeOpset(f field, opsets map[string]int64) error {
	domain, version := "", int64(0)
	err := f.each(func(f field) (err error) {
		switch f.num {
		case 1: // domain
			domain, err = f.string()
		case 2: // version
			version, err = f.int64()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("opset: %w", err)
	}
	opsets[canonicalDomain(domain)] = version
	return nil
}

// canonicalDomain gives the default domain, which has two names, one.
func canonicalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// graph reads a GraphProto. One that stands in several parts is their sum.
func (d *decoder) graph(f field, g *graphProto) error {
	if d.depth > maxDepth {
		return fmt.Errorf("graphs are nested more than %d deep", maxDepth)
	}
	d.depth++
	defer func() { d.depth-- }()
	err := f.each(func(f field) error {
		switch f.num {
		case 1: // node
			n, err := d.node(f)
			if err != nil {
				return fmt.Errorf("node %d: %w", len(g.nodes), err)
			}
			g.nodes = append(g.nodes, n)
		case 5: // initializer
			t, err := d.tensor(f)
			if err != nil {
				return fmt.Errorf("initializer %d %q: %w", len(g.initializers), t.name, err)
			}
			g.initializers = append(g.initializers, t)
		case 11: // input
			v, err := decodeValueInfo(f)
			if err != nil {
				return fmt.Errorf("input %d %q: %w", len(g.inputs), v.name, err)
			}
			g.inputs = append(g.inputs, v)
		case 12: // output
			v, err := decodeValueInfo(f)
			if err != nil {
				return fmt.Errorf("output %d %q: %w", len(g.outputs), v.name, err)
			}
			g.outputs = append(g.outputs, v)
		case 15: // sparse_initializer
			return errors.New("sparse initializers are not supported: store them as dense ones")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	return nil
}

// node reads a NodeProto.
func (d *decoder) node(f field) (*nodeProto, error) {
	n := &nodeProto{}
	err := f.each(func(f field) (err error) {
		var s string
		switch f.num {
		case 1: // input
			s, err = f.string()
			n.in = append(n.in, s)
		case 2: // output
			s, err = f.string()
			n.out = append(n.out, s)
		case 3: // name
			n.name, err = f.string()
		case 4: // op_type
			n.op, err = f.string()
		case 5: // attribute
			var a attribute
			if a, err = d.attribute(f); err != nil {
				err = fmt.Errorf("attribute %q: %w", a.name, err)
			}
			n.attributes = append(n.attributes, a)
		case 7: // domain
			n.domain, err = f.string()
		case 8: // overload
			n.overload, err = f.string()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n, err)
	}
	n.domain = canonicalDomain(n.domain)
	return n, nil
}

// attribute reads an AttributeProto.
func (d *decoder) attribute(f field) (attribute, error) {
	var a attribute
	var seen attributeType
	err := f.each(func(f field) (err error) {
		switch f.num {
		case 1: // name
			a.name, err = f.string()
		case 2: // f
			a.f, err = f.float32()
			seen = attrFloat
		case 3: // i
			a.i, err = f.int64()
			seen = attrInt
		case 4: // s
			a.s, err = f.string()
			seen = attrString
		case 5: // t
			var t namedTensor
			t, err = d.tensor(f)
			a.tensor = t.tensor
			seen = attrTensor
		case 6: // g
			a.graph = &graphProto{}
			err = d.graph(f, a.graph)
			seen = attrGraph
		case 7: // floats
			a.floats, err = f.appendFloats(a.floats)
			seen = attrFloats
		case 8: // ints
			a.ints, err = f.appendInts(a.ints)
			seen = attrInts
		case 9: // strings
			var name string
			name, err = f.string()
			a.strings = append(a.strings, name)
			seen = attrStrings
		case 22: // sparse_tensor
			a.sparse, err = d.sparse(f)
			seen = attrSparse
		case 21: // ref_attr_name
			a.ref, err = f.string()
		case 20: // type
			var n int64
			n, err = f.int64()
			a.typ = attributeType(n)
		}
		return err
	})
	// Old files do not declare the type; newer ones may leave out a zero.
	if a.typ == 0 {
		a.typ = seen
	}
	return a, err
}

// A sparseTensor holds the elements that are not zero: element i is that at
// index i of indices, an index into all elements or a place in each dimension.
type sparseTensor struct {
	values, indices *constant
	dims            []int64
}

// sparse reads a SparseTensorProto.
func (d *decoder) sparse(f field) (*sparseTensor, error) {
	s := &sparseTensor{values: &constant{}, indices: &constant{}}
	err := f.each(func(f field) (err error) {
		var t namedTensor
		switch f.num {
		case 1: // values
			t, err = d.tensor(f)
			s.values = t.tensor
		case 2: // indices
			t, err = d.tensor(f)
			s.indices = t.tensor
		case 3: // dims
			s.dims, err = f.appendInts(s.dims)
		}
		return err
	})
	return s, err
}

// tensorProto is a TensorProto before its data are read.
type tensorProto struct {
	namedTensor
	raw      []byte
	hasRaw   bool
	floats   []float32 // float_data or double_data
	ints     []int64   // int32_data, int64_data or uint64_data
	external bool
	file     externalData
}

// tensor reads a TensorProto. The name stands beside an error too, if it is
// known by then.
func (d *decoder) tensor(f field) (namedTensor, error) {
	t := tensorProto{namedTensor: namedTensor{tensor: &constant{}}}
	var dims []int64
	err := f.each(func(f field) (err error) {
		var n int64
		switch f.num {
		case 1: // dims
			dims, err = f.appendInts(dims)
		case 2: // data_type
			n, err = f.int64()
			t.tensor.kind = elemType(n)
		case 3: // segment
			err = errors.New("a tensor in segments is not supported")
		case 4: // float_data
			t.floats, err = f.appendFloats(t.floats)
		case 5, 7, 11: // int32_data, int64_data, uint64_data
			t.ints, err = f.appendInts(t.ints)
		case 8: // name
			t.name, err = f.string()
		case 9: // raw_data
			t.raw, err = f.message()
			t.hasRaw = true
		case 10: // double_data
			t.floats, err = f.appendDoubles(t.floats)
		case 13: // external_data
			err = t.file.entry(f)
		case 14: // data_location
			n, err = f.int64()
			t.external = n == 1
		}
		return err
	})
	if err != nil {
		return t.namedTensor, err
	}
	for _, n := range dims {
		if n < 0 || n > tensor.MaxElements {
			return t.namedTensor, fmt.Errorf("dimension %d is out of range", n)
		}
		t.tensor.dims = append(t.tensor.dims, int(n))
	}
	if t.external {
		if t.raw, err = d.read(t.file); err != nil {
			return t.namedTensor, err
		}
		t.hasRaw = true
	}
	if t.hasRaw {
		return t.namedTensor, t.tensor.fill(t.raw)
	}
	return t.namedTensor, t.typed()
}

// typed takes over the data of a tensor that has them in a typed field.
func (t *tensorProto) typed() error {
	n, ok := tensor.Shape(t.tensor.dims).Elements()
	if !ok {
		return fmt.Errorf("dimensions %s are out of range", tensor.Dims(t.tensor.dims...))
	}
	kind, got := t.tensor.kind, len(t.ints)
	if kind.packed() { // a byte in each int32
		raw := make([]byte, got)
		for i, x := range t.ints {
			raw[i] = byte(x)
		}
		return t.tensor.unpack(raw, n)
	}
	if kind.size() == 0 {
		return fmt.Errorf("%v is not supported%s", kind, kind.instead())
	}
	if kind == typeFloat || kind == typeDouble {
		got = len(t.floats)
	}
	if got != n {
		return fmt.Errorf("%d values for %s elements of %v", got, tensor.Dims(t.tensor.dims...), kind)
	}
	switch kind {
	case typeFloat, typeDouble:
		t.tensor.floats = t.floats
	case typeFloat16, typeBFloat16: // the bits of each, in an int32
		t.tensor.floats = make([]float32, n)
		for i, bits := range t.ints {
			if kind == typeFloat16 {
				t.tensor.floats[i] = tensor.Float32(uint16(bits))
			} else {
				t.tensor.floats[i] = math.Float32frombits(uint32(bits) << 16)
			}
		}
	default:
		t.tensor.ints = t.ints
		for i, x := range t.ints {
			t.tensor.setInt(i, x)
		}
	}
	return nil
}

// decodeValueInfo reads a ValueInfoProto.
func decodeValueInfo(f field) (v valueInfo, err error) {
	err = f.each(func(f field) (err error) {
		switch f.num {
		case 1: // name
			v.name, err = f.string()
		case 2: // type
			err = v.decodeType(f)
		}
		return err
	})
	return v, err
}

// decodeType reads a TypeProto. Types other than that of a tensor leave v's
// element type and shape unknown.
func (v *valueInfo) decodeType(f field) error {
	return f.each(func(f field) error {
		if f.num != 1 { // tensor_type
			return nil
		}
		return v.decodeTensorType(f)
	})
}

// decodeTensorType reads a TypeProto.Tensor.
func (v *valueInfo) decodeTensorType(f field) error {
	return f.each(func(f field) (err error) {
		switch f.num {
		case 1: // elem_type
			var n int64
			n, err = f.int64()
			v.elem = elemType(n)
		case 2: // shape
			err = v.decodeShape(f)
		}
		return err
	})
}

// decodeShape reads a TensorShapeProto.
func (v *valueInfo) decodeShape(f field) error {
	v.dims = []dim{}
	return f.each(func(f field) error {
		if f.num != 1 { // dim
			return nil
		}
		d, err := decodeDim(f)
		v.dims = append(v.dims, d)
		return err
	})
}

// decodeDim reads a TensorShapeProto.Dimension.
func decodeDim(f field) (d dim, err error) {
	err = f.each(func(f field) (err error) {
		switch f.num {
		case 1: // dim_value
			d.size, err = f.int64()
		case 2: // dim_param
			d.symbol, err = f.string()
		}
		return err
	})
	return d, err
}
