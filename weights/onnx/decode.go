package onnx

import (
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/infer-go/infer/kernels"
)

// The structs of a decoded model hold what freezing needs of the messages of
// onnx.proto that they are named after.

type modelProto struct {
	producer string
	opsets   map[string]int64 // version by domain
	graph    graphProto
}

type graphProto struct {
	name         string
	nodes        []*nodeProto
	initializers []namedTensor
	inputs       []valueInfo
	outputs      []valueInfo
}

type namedTensor struct {
	name   string
	tensor *tensor
}

type nodeProto struct {
	name, op, domain string
	in, out          []string // an empty string is an operand left out
	attributes       []attribute
}

// attributeType is an AttributeProto.AttributeType.
type attributeType int

const (
	attrFloat  attributeType = 1
	attrInt    attributeType = 2
	attrString attributeType = 3
	attrTensor attributeType = 4
	attrFloats attributeType = 6
	attrInts   attributeType = 7
)

type attribute struct {
	name   string
	typ    attributeType
	f      float32
	i      int64
	s      string
	tensor *tensor
	floats []float32
	ints   []int64
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
type decoder struct{ dir *os.Root }

// decode reads a ModelProto.
func (d *decoder) decode(data []byte) (*modelProto, error) {
	m := &modelProto{opsets: map[string]int64{}}
	found := false
	for f, err := range fields(data) {
		if err == nil {
			switch f.num {
			case 2:
				m.producer, err = f.string()
			case 7:
				found = true
				err = d.graph(f, &m.graph)
			case 8:
				err = m.opset(f)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, errors.New("it holds no graph")
	}
	return m, nil
}

// opset reads an OperatorSetIdProto.
func (m *modelProto) opset(f field) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	domain, version := "", int64(0)
	for f, err := range fields(b) {
		if err == nil {
			switch f.num {
			case 1:
				domain, err = f.string()
			case 2:
				version, err = f.int64()
			}
		}
		if err != nil {
			return fmt.Errorf("opset: %w", err)
		}
	}
	m.opsets[canonicalDomain(domain)] = version
	return nil
}

// canonicalDomain gives the default domain, which has two names, one.
func canonicalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func (d *decoder) graph(f field, g *graphProto) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	for f, err := range fields(b) {
		if err == nil {
			switch f.num {
			case 1:
				var n *nodeProto
				if n, err = d.node(f); err != nil {
					err = fmt.Errorf("node %d: %w", len(g.nodes), err)
				}
				g.nodes = append(g.nodes, n)
			case 2:
				g.name, err = f.string()
			case 5:
				var t namedTensor
				if t, err = d.tensor(f); err != nil {
					err = fmt.Errorf("initializer %d %q: %w", len(g.initializers), t.name, err)
				}
				g.initializers = append(g.initializers, t)
			case 11:
				var v valueInfo
				if v, err = decodeValueInfo(f); err != nil {
					err = fmt.Errorf("input %d %q: %w", len(g.inputs), v.name, err)
				}
				g.inputs = append(g.inputs, v)
			case 12:
				var v valueInfo
				if v, err = decodeValueInfo(f); err != nil {
					err = fmt.Errorf("output %d %q: %w", len(g.outputs), v.name, err)
				}
				g.outputs = append(g.outputs, v)
			case 15:
				err = errors.New("sparse initializers are not supported")
			}
		}
		if err != nil {
			return fmt.Errorf("graph: %w", err)
		}
	}
	return nil
}

func (d *decoder) node(f field) (*nodeProto, error) {
	b, err := f.message()
	if err != nil {
		return nil, err
	}
	n := &nodeProto{}
	for f, err := range fields(b) {
		if err == nil {
			var s string
			switch f.num {
			case 1:
				s, err = f.string()
				n.in = append(n.in, s)
			case 2:
				s, err = f.string()
				n.out = append(n.out, s)
			case 3:
				n.name, err = f.string()
			case 4:
				n.op, err = f.string()
			case 5:
				var a attribute
				if a, err = d.attribute(f); err != nil {
					err = fmt.Errorf("attribute %q: %w", a.name, err)
				}
				n.attributes = append(n.attributes, a)
			case 7:
				n.domain, err = f.string()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.op, n.name, err)
		}
	}
	n.domain = canonicalDomain(n.domain)
	return n, nil
}

func (d *decoder) attribute(f field) (a attribute, err error) {
	b, err := f.message()
	if err != nil {
		return a, err
	}
	var declared, seen attributeType
	for f, err := range fields(b) {
		if err == nil {
			var n int64
			switch f.num {
			case 1:
				a.name, err = f.string()
			case 2:
				a.f, err = f.float32()
				seen = attrFloat
			case 3:
				a.i, err = f.int64()
				seen = attrInt
			case 4:
				a.s, err = f.string()
				seen = attrString
			case 5:
				var t namedTensor
				t, err = d.tensor(f)
				a.tensor = t.tensor
				seen = attrTensor
			case 7:
				a.floats, err = f.appendFloats(a.floats)
				seen = attrFloats
			case 8:
				a.ints, err = f.appendInts(a.ints)
				seen = attrInts
			case 20:
				n, err = f.int64()
				declared = attributeType(n)
			}
		}
		if err != nil {
			return a, err
		}
	}
	// Old files do not declare the type; newer ones may leave out a zero.
	a.typ = declared
	if declared == 0 {
		a.typ = seen
	}
	return a, nil
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

// tensor reads a TensorProto.
func (d *decoder) tensor(f field) (namedTensor, error) {
	t := tensorProto{namedTensor: namedTensor{tensor: &tensor{}}}
	b, err := f.message()
	if err != nil {
		return t.namedTensor, err
	}
	var dims []int64
	for f, err := range fields(b) {
		if err == nil {
			var n int64
			switch f.num {
			case 1:
				dims, err = f.appendInts(dims)
			case 2:
				n, err = f.int64()
				t.tensor.kind = elemType(n)
			case 3:
				err = errors.New("a tensor in segments is not supported")
			case 4:
				t.floats, err = f.appendFloats(t.floats)
			case 5, 7, 11:
				t.ints, err = f.appendInts(t.ints)
			case 8:
				t.name, err = f.string()
			case 9:
				t.raw, err = f.message()
				t.hasRaw = true
			case 10:
				t.floats, err = f.appendDoubles(t.floats)
			case 13:
				err = t.file.entry(f)
			case 14:
				n, err = f.int64()
				t.external = n == 1
			}
		}
		if err != nil {
			return t.namedTensor, err
		}
	}
	for _, n := range dims {
		if n < 0 || n > maxElements {
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
	n, ok := elements(t.tensor.dims)
	if !ok {
		return fmt.Errorf("dimensions %s are out of range", kernels.ShapeString(t.tensor.dims))
	}
	kind, got := t.tensor.kind, len(t.ints)
	if kind.size() == 0 {
		return fmt.Errorf("%v is not supported", kind)
	}
	if kind == typeFloat || kind == typeDouble {
		got = len(t.floats)
	}
	if got != n {
		return fmt.Errorf("%d values for %s elements of %v", got, kernels.ShapeString(t.tensor.dims), kind)
	}
	switch kind {
	case typeFloat, typeDouble:
		t.tensor.floats = t.floats
	case typeFloat16, typeBFloat16: // the bits of each, in an int32
		t.tensor.floats = make([]float32, n)
		for i, bits := range t.ints {
			if kind == typeFloat16 {
				t.tensor.floats[i] = kernels.Float32(uint16(bits))
			} else {
				t.tensor.floats[i] = math.Float32frombits(uint32(bits) << 16)
			}
		}
	default:
		t.tensor.ints = t.ints
	}
	return nil
}

// decodeValueInfo reads a ValueInfoProto, its TypeProto and the shape in it.
func decodeValueInfo(f field) (v valueInfo, err error) {
	b, err := f.message()
	if err != nil {
		return v, err
	}
	for f, err := range fields(b) {
		if err == nil {
			switch f.num {
			case 1:
				v.name, err = f.string()
			case 2:
				err = v.decodeType(f)
			}
		}
		if err != nil {
			return v, err
		}
	}
	return v, nil
}

func (v *valueInfo) decodeType(f field) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	for f, err := range fields(b) {
		if err == nil && f.num == 1 { // tensor_type; other types have no elements
			b, err = f.message()
			for f, inner := range fields(b) {
				var n int64
				switch {
				case inner != nil:
					err = inner
				case f.num == 1:
					n, err = f.int64()
					v.elem = elemType(n)
				case f.num == 2:
					err = v.decodeShape(f)
				}
				if err != nil {
					return err
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *valueInfo) decodeShape(f field) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	v.dims = []dim{}
	for f, err := range fields(b) {
		if err == nil && f.num == 1 {
			var d dim
			b, err = f.message()
			for f, inner := range fields(b) {
				switch {
				case inner != nil:
					err = inner
				case f.num == 1:
					d.size, err = f.int64()
				case f.num == 2:
					d.symbol, err = f.string()
				}
				if err != nil {
					return err
				}
			}
			v.dims = append(v.dims, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
