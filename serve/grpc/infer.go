package grpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
)

// ModelInfer answers a request for inference.
func (s service) ModelInfer(ctx context.Context, q *inference.ModelInferRequest) (*inference.ModelInferResponse, error) {
	b, billed := ctx.Value(billKey{}).(*bill)
	if billed {
		if err := b.raise(2 * proto.Size(q)); err != nil {
			return nil, err
		}
	}
	m, err := s.server.Acquire(q.ModelName, q.ModelVersion)
	if err != nil {
		return nil, err
	}
	defer m.Release()
	var r serve.Request
	if billed {
		r.Waited = b.waited
	}
	// A request that was let in has cost the most that it can before it is computed.
	if !billed || !b.admitted {
		if err := m.Admit(ctx, r.Waited); err != nil {
			return nil, err
		}
	}
	if err := read(&r, m, q); err != nil {
		return nil, err
	}
	wanted, err := wantedOutputs(m, q.Outputs)
	if err != nil {
		return nil, err
	}
	timeout, err := timeoutOf(q)
	if err != nil {
		return nil, err
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if err := m.Infer(ctx, &r); err != nil {
		return nil, err
	}
	if billed {
		size := 0
		for _, out := range r.Outputs {
			size += len(out)
		}
		if err := b.charge(2 * size); err != nil { // they are copied into a message
			return nil, err
		}
	}
	return answer(&r, m, q, wanted), nil
}

// read makes a serve.Request of a message, in the order of the model's inputs.
func read(r *serve.Request, m *serve.Model, q *inference.ModelInferRequest) error {
	inputs := m.Inputs()
	if len(q.Inputs) != len(inputs) {
		return fmt.Errorf("there are %d inputs, where the model has %d", len(q.Inputs), len(inputs))
	}
	raw := q.RawInputContents
	if len(raw) > 0 && len(raw) != len(inputs) {
		return fmt.Errorf("there are %d raw_input_contents for %d inputs", len(raw), len(inputs))
	}
	r.Inputs = make([][]byte, len(inputs))
	shapes := make([]tensor.Shape, len(inputs))
	for k, in := range q.Inputs {
		i := protocol.Named(inputs, in.GetName())
		switch {
		case i < 0:
			return fmt.Errorf("the model has no input %.100q", in.GetName())
		case shapes[i] != nil:
			return fmt.Errorf("input %q is given twice", in.GetName())
		case len(in.GetShape()) > tensor.MaxRank:
			return fmt.Errorf("input %q: the shape has too many dimensions", in.GetName())
		}
		shapes[i] = make(tensor.Shape, len(in.GetShape()))
		for d, n := range in.GetShape() {
			if n < 0 || n > math.MaxInt {
				return fmt.Errorf("input %q: a dimension is %d", in.GetName(), n)
			}
			shapes[i][d] = int(n)
		}
		datatype, err := protocol.DatatypeNamed(in.GetDatatype())
		if err == nil {
			to := inputs[i].Elem
			switch elements, ok := tensor.Product(1, shapes[i]...); {
			case !ok:
				err = errors.New("the shape is too large")
			case len(raw) == 0:
				r.Inputs[i], err = convertContents(in.GetContents(), datatype, elements, to)
			case in.Contents != nil:
				err = errors.New("both contents and raw_input_contents are given")
			default:
				if size, ok := tensor.Product(datatype.Size, elements); !ok || size != len(raw[k]) {
					err = fmt.Errorf("%d bytes do not fit shape and datatype", len(raw[k]))
				} else {
					r.Inputs[i], err = protocol.Convert(raw[k], datatype, to)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("input %q: %w", in.GetName(), err)
		}
	}
	var err error
	r.Items, r.Sizes, err = protocol.Fit(m, shapes)
	return err
}

// wantedOutputs finds the model's outputs that a request names, all if it names
// none, and how many classes it wants of each instead of the tensor.
func wantedOutputs(m *serve.Model, list []*inference.ModelInferRequest_InferRequestedOutputTensor) ([]wanted, error) {
	var all []wanted
	for _, out := range list {
		w := wanted{index: protocol.Named(m.Outputs(), out.GetName())}
		if w.index < 0 {
			return nil, fmt.Errorf("the model has no output %.100q", out.GetName())
		}
		if p, ok := out.GetParameters()["classification"]; ok {
			n, ok := whole(p)
			switch {
			case !ok:
				return nil, fmt.Errorf("output %q: classification is not a number of classes", out.GetName())
			case n > 0 && m.Outputs()[w.index].Elem != tensor.F32:
				return nil, fmt.Errorf("output %q has no classes", out.GetName())
			}
			w.classes = int(min(n, math.MaxInt32))
		}
		if all = append(all, w); len(all) > len(m.Outputs()) {
			return nil, errors.New("there are more outputs than the model's")
		}
	}
	if len(list) == 0 {
		for i := range m.Outputs() {
			all = append(all, wanted{index: i})
		}
	}
	return all, nil
}

// A wanted is an output that is to be answered.
type wanted struct {
	index   int // of the model's
	classes int // 0 for the tensor
}

// whole is a parameter's number, if it is a whole one and not negative.
func whole(p *inference.InferParameter) (int64, bool) {
	switch p.GetParameterChoice().(type) {
	case *inference.InferParameter_Int64Param:
		return p.GetInt64Param(), p.GetInt64Param() >= 0
	case *inference.InferParameter_Uint64Param:
		return int64(min(p.GetUint64Param(), math.MaxInt64)), true
	}
	return 0, false
}

// timeoutOf is the request's own timeout, in microseconds; 0 if there is none.
func timeoutOf(q *inference.ModelInferRequest) (time.Duration, error) {
	p, ok := q.Parameters["timeout"]
	if !ok {
		return 0, nil
	}
	n, ok := whole(p)
	if !ok {
		return 0, errors.New("timeout is not a number of microseconds")
	}
	return time.Duration(min(n, math.MaxInt64/int64(time.Microsecond))) * time.Microsecond, nil
}

// answer makes a message of a Request that was computed.
func answer(r *serve.Request, m *serve.Model, q *inference.ModelInferRequest, list []wanted) *inference.ModelInferResponse {
	a := &inference.ModelInferResponse{ModelName: m.Name, ModelVersion: m.VersionName(), Id: q.Id}
	for _, w := range list {
		out := m.Outputs()[w.index]
		x := r.Outputs[w.index]
		t := &inference.ModelInferResponse_InferOutputTensor{Name: out.Name, Datatype: protocol.DatatypeOf(out.Elem).Name, Shape: int64s(r.OutputShape(w.index))}
		if w.classes > 0 {
			var shape tensor.Shape
			x, shape = protocol.BinaryClasses(m, r, w.index, w.classes)
			t.Datatype, t.Shape = "BYTES", int64s(shape)
		}
		a.Outputs = append(a.Outputs, t)
		a.RawOutputContents = append(a.RawOutputContents, x)
	}
	return a
}

func int64s(shape tensor.Shape) []int64 {
	list := make([]int64, len(shape))
	for i, d := range shape {
		list[i] = int64(d)
	}
	return list
}
