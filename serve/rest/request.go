package rest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
)

// An inferRequest is the body of a request for inference.
type inferRequest struct {
	id      []byte // nil if there is none
	inputs  []givenInput
	outputs []wantedOutput // empty if nobody said which
	binary  bool           // outputs are wanted so, where they say nothing else
	timeout time.Duration  // 0 if there is none

	core serve.Request
}

// A givenInput is one of the request's inputs.
type givenInput struct {
	name     []byte
	datatype *protocol.Datatype
	shape    []int
	parsed   bool   // data is set
	later    int    // where the JSON data begin that came before all that says what they are, 0 if they did not
	early    int    // elements that they have as float32, which are in buffer; −1 if they are something else
	binary   int    // bytes behind the JSON, −1 if the data are in it
	data     []byte // in the model's type
	buffer   []byte // in which JSON data are stored
}

// A wantedOutput is one of the outputs that a request names.
type wantedOutput struct {
	index   int  // of the model's
	binary  bool // in binary
	said    bool // binary was said of this very output
	classes int  // that are wanted instead of the tensor; 0 for the tensor
}

// reset makes the request empty, and keeps its memory.
func (q *inferRequest) reset() {
	q.id, q.outputs, q.binary, q.timeout = nil, q.outputs[:0], false, 0
	q.inputs = q.inputs[:0]
}

// maxTimeout is longer than anybody waits.
const maxTimeout = 24 * time.Hour

// parse reads a request for a model: JSON, and the binary data behind it. What
// is kept of body must not change until the answer is written.
func (q *inferRequest) parse(m *serve.Model, text, behind []byte, maxDepth int) error {
	q.reset()
	s := &scanner{data: text, maxDepth: maxDepth}
	hasInputs := false
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			if s.null() {
				return nil
			}
			q.id, err = s.text()
			if q.id == nil {
				q.id = []byte{}
			}
			return err
		case "inputs":
			if hasInputs {
				return s.fail("inputs are given twice")
			}
			hasInputs = true
			return s.array(func() error { return q.scanInput(s, m) })
		case "outputs":
			if s.null() {
				return nil
			}
			return s.array(func() error { return q.scanOutput(s, m) })
		case "parameters":
			return parameters(s, func(name string) error {
				switch name {
				case "binary_data_output":
					q.binary, err = s.boolean()
					return err
				case "timeout":
					n, err := s.integer()
					q.timeout = time.Duration(min(int64(n), int64(maxTimeout/time.Microsecond))) * time.Microsecond
					return err
				}
				return s.skip()
			})
		}
		return s.skip()
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return err
	}
	if !hasInputs {
		return errors.New("inputs are missing")
	}
	return q.settle(m, s, behind)
}

// parameters calls value for each of an object of parameters.
func parameters(s *scanner, value func(name string) error) error {
	if s.null() {
		return nil
	}
	return s.object(func(name []byte) error { return value(string(name)) })
}

// integer reads a number that is whole, not negative and fits an int.
func (s *scanner) integer() (int, error) {
	s.peek()
	at := s.at
	n, err := s.number()
	if err != nil {
		return 0, err
	}
	i, ok := n.int64()
	if !ok || i < 0 || i > math.MaxInt {
		s.at = at
		return 0, s.fail("a number is not whole, negative or too large")
	}
	return int(i), nil
}

// newInput appends an input, with the memory of an earlier one.
func (q *inferRequest) newInput() *givenInput {
	if len(q.inputs) < cap(q.inputs) {
		q.inputs = q.inputs[:len(q.inputs)+1]
	} else {
		q.inputs = append(q.inputs, givenInput{})
	}
	in := &q.inputs[len(q.inputs)-1]
	*in = givenInput{shape: in.shape[:0], buffer: in.buffer[:0], binary: -1}
	return in
}

func (q *inferRequest) scanInput(s *scanner, m *serve.Model) error {
	if len(q.inputs) == len(m.Inputs()) {
		return fmt.Errorf("there are more inputs than the model's %d", len(m.Inputs()))
	}
	in := q.newInput()
	hasShape, hasData := false, false
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			if in.name != nil {
				return s.fail("the name of an input is given twice")
			}
			in.name, err = s.text()
		case "datatype":
			if in.datatype != nil {
				return s.fail("a datatype is given twice")
			}
			var text []byte
			if text, err = s.text(); err == nil {
				in.datatype, err = protocol.DatatypeNamed(string(text))
			}
		case "shape":
			if hasShape {
				return s.fail("a shape is given twice")
			}
			hasShape = true
			err = s.array(func() error {
				n, err := s.integer()
				if len(in.shape) == tensor.MaxRank {
					return s.fail("a shape has too many dimensions")
				}
				in.shape = append(in.shape, n)
				return err
			})
		case "parameters":
			err = parameters(s, func(name string) (err error) {
				if name != "binary_data_size" {
					return s.skip()
				}
				in.binary, err = s.integer()
				return err
			})
		case "data":
			if hasData {
				return s.fail("data are given twice")
			}
			hasData = true
			s.peek()
			if i := protocol.Named(m.Inputs(), in.name); i >= 0 && in.datatype != nil && hasShape {
				in.parsed = true
				return in.scanData(s, m.Inputs()[i].Elem)
			}
			return in.scanEarly(s)
		default:
			err = s.skip()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case in.name == nil:
		return s.fail("an input has no name")
	case in.datatype == nil:
		return fmt.Errorf("input %q has no datatype", in.name)
	case !hasShape:
		return fmt.Errorf("input %q has no shape", in.name)
	case hasData == (in.binary >= 0):
		return fmt.Errorf("input %q needs data or binary_data_size, and not both", in.name)
	}
	return nil
}

// scanEarly reads data that come before their datatype and shape: as float32, which
// they nearly always are, or else to be read again.
func (in *givenInput) scanEarly(s *scanner) error {
	in.later = s.at
	depth := s.depth
	if n, err := in.scanFloats(s, math.MaxInt); err == nil {
		in.early = n
		return nil
	}
	in.early, in.buffer = -1, in.buffer[:0]
	s.at, s.depth = in.later, depth
	return s.skip()
}

var errMany = errors.New("too many elements")

// scanFloats reads data, flat or nested, as at most that many float32, and returns
// their number. If there are more, the error is errMany.
func (in *givenInput) scanFloats(s *scanner, most int) (n int, err error) {
	var element func() error
	element = func() error {
		if s.peek() == '[' {
			return s.array(element)
		}
		for {
			if n == most {
				return errMany
			}
			x, err := s.float32()
			if err != nil {
				return err
			}
			n++
			in.buffer = binary.LittleEndian.AppendUint32(in.buffer, math.Float32bits(x))
			if !s.another() {
				return nil
			}
		}
	}
	return n, s.array(element)
}

// scanOthers is scanFloats for elements of another type.
func (in *givenInput) scanOthers(s *scanner, e tensor.Elem, most int) (n int, err error) {
	var element func() error
	element = func() error {
		if s.peek() == '[' {
			return s.array(element)
		}
		if n == most {
			return errMany
		}
		n++
		v, err := s.element(in.datatype)
		if err != nil {
			return err
		}
		if in.buffer, err = v.Store(in.buffer, e); err != nil {
			return fmt.Errorf("input %q: element %d %w", in.name, n-1, err)
		}
		return nil
	}
	return n, s.array(element)
}

// scanData reads data, flat or nested, in the model's type.
func (in *givenInput) scanData(s *scanner, e tensor.Elem) error {
	if in.datatype.Name == "FP16" {
		return fmt.Errorf("input %q: FP16 is only for binary data", in.name)
	}
	most, ok := tensor.Product(1, in.shape...)
	if !ok {
		return fmt.Errorf("input %q: the shape is too large", in.name)
	}
	floats := in.datatype.Is(tensor.F32) && e == tensor.F32
	n, err := in.early, error(nil)
	if !floats || in.later == 0 || n < 0 {
		in.buffer = in.buffer[:0]
		if s.peek() != '[' {
			return s.fail("data are not an array")
		}
		if floats {
			n, err = in.scanFloats(s, most)
		} else {
			n, err = in.scanOthers(s, e, most)
		}
	}
	switch {
	case err == errMany || n > most:
		return fmt.Errorf("input %q has more than the %d elements of its shape", in.name, most)
	case err != nil:
		return err
	case n != most:
		return fmt.Errorf("input %q has %d elements, where its shape has %d", in.name, n, most)
	}
	in.data = in.buffer
	return nil
}

func (q *inferRequest) scanOutput(s *scanner, m *serve.Model) error {
	if len(q.outputs) == len(m.Outputs()) {
		return errors.New("there are more outputs than the model's")
	}
	var name []byte
	var out wantedOutput
	err := s.object(func(field []byte) (err error) {
		switch string(field) {
		case "name":
			name, err = s.text()
			return err
		case "parameters":
			return parameters(s, func(name string) (err error) {
				switch name {
				case "binary_data":
					out.said = true
					out.binary, err = s.boolean()
					return err
				case "classification":
					out.classes, err = s.integer()
					return err
				}
				return s.skip()
			})
		}
		return s.skip()
	})
	if err != nil {
		return err
	}
	if out.index = protocol.Named(m.Outputs(), name); out.index < 0 {
		return fmt.Errorf("the model has no output %.100q", name)
	}
	if out.classes > 0 && m.Outputs()[out.index].Elem != tensor.F32 {
		return fmt.Errorf("output %q has no classes", name)
	}
	q.outputs = append(q.outputs, out)
	return nil
}

// settle brings everything that was read into the order of the model.
func (q *inferRequest) settle(m *serve.Model, s *scanner, behind []byte) error {
	inputs := m.Inputs()
	if len(q.inputs) != len(inputs) {
		return fmt.Errorf("there are %d inputs, where the model has %d", len(q.inputs), len(inputs))
	}
	q.core.Inputs = append(q.core.Inputs[:0], make([][]byte, len(inputs))...)
	shapes := make([]tensor.Shape, len(inputs))
	for k := range q.inputs {
		in := &q.inputs[k]
		i := protocol.Named(m.Inputs(), in.name)
		switch {
		case i < 0:
			return fmt.Errorf("the model has no input %.100q", in.name)
		case shapes[i] != nil:
			return fmt.Errorf("input %q is given twice", in.name)
		}
		if err := in.settle(inputs[i].Elem, s, &behind); err != nil {
			return err
		}
		shapes[i], q.core.Inputs[i] = in.shape, in.data
	}
	if len(behind) > 0 {
		return fmt.Errorf("%d bytes of binary data are left over", len(behind))
	}
	for i := range q.outputs {
		if !q.outputs[i].said {
			q.outputs[i].binary = q.binary
		}
	}
	if len(q.outputs) == 0 {
		for i := range m.Outputs() {
			q.outputs = append(q.outputs, wantedOutput{index: i, binary: q.binary})
		}
	}
	var err error
	q.core.Items, q.core.Sizes, err = protocol.Fit(m, shapes)
	return err
}

// settle takes an input's data from where they are.
func (in *givenInput) settle(e tensor.Elem, s *scanner, behind *[]byte) error {
	switch {
	case in.parsed:
		return nil
	case in.later > 0:
		s.at, s.depth = in.later, 3 // in the request, its inputs, and this one
		return in.scanData(s, e)
	}
	size, ok := tensor.Product(in.datatype.Size, in.shape...)
	switch {
	case !ok || size != in.binary:
		return fmt.Errorf("input %q: a binary_data_size of %d does not fit shape and datatype", in.name, in.binary)
	case size > len(*behind):
		return fmt.Errorf("input %q: %d bytes of binary data are missing", in.name, size-len(*behind))
	}
	data := (*behind)[:size]
	*behind = (*behind)[size:]
	var err error
	if in.data, err = protocol.Convert(data, in.datatype, e); err != nil {
		return fmt.Errorf("input %q: %w", in.name, err)
	}
	return nil
}

// parseRaw takes a body as the tensor of a model's only input, of one item.
func (q *inferRequest) parseRaw(m *serve.Model, body []byte) error {
	q.reset()
	inputs := m.Inputs()
	if len(inputs) != 1 || len(m.Engine().Open()) > 0 {
		return errors.New("a raw tensor is for models of one input whose dimensions are fixed")
	}
	q.core.Items, q.core.Sizes = 1, nil
	q.core.Inputs = append(q.core.Inputs[:0], body)
	for i := range m.Outputs() {
		q.outputs = append(q.outputs, wantedOutput{index: i, binary: true})
	}
	return nil
}
