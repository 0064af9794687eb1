package grpc

import (
	"fmt"

	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
)

// convertContents brings typed contents, so many elements, into a model's type.
func convertContents(c *inference.InferTensorContents, d *protocol.Datatype, elements int, to tensor.Elem) ([]byte, error) {
	switch {
	case d.Kind == protocol.Floats && d.Size == 4:
		if x := c.GetFp32Contents(); len(x) == elements && to == tensor.F32 {
			return tensor.Bytes(x), nil // nearly always
		}
		return store(c.GetFp32Contents(), elements, to, func(x float32) (protocol.Value, bool) { return protocol.Real(float64(x)), true })
	case d.Kind == protocol.Floats && d.Size == 8:
		return store(c.GetFp64Contents(), elements, to, func(x float64) (protocol.Value, bool) { return protocol.Real(x), true })
	case d.Kind == protocol.Floats:
		return nil, fmt.Errorf("%s is only for raw_input_contents", d.Name)
	case d.Kind == protocol.Bools:
		return store(c.GetBoolContents(), elements, to, func(x bool) (protocol.Value, bool) {
			if x {
				return protocol.Whole(1), true
			}
			return protocol.Whole(0), true
		})
	case d.Kind == protocol.Unsigned:
		return store(c.GetUintContents(), elements, to, func(x uint32) (protocol.Value, bool) { return protocol.Whole(int64(x)), d.Holds(int64(x)) })
	case d.Size == 8:
		return store(c.GetInt64Contents(), elements, to, func(x int64) (protocol.Value, bool) { return protocol.Whole(x), true })
	}
	return store(c.GetIntContents(), elements, to, func(x int32) (protocol.Value, bool) { return protocol.Whole(int64(x)), d.Holds(int64(x)) })
}

// store stores elements of a list, each as value makes it, unless the list has
// another length or holds what is not of the datatype.
func store[T any](list []T, elements int, to tensor.Elem, value func(T) (protocol.Value, bool)) ([]byte, error) {
	if len(list) != elements {
		return nil, fmt.Errorf("its contents have %d elements of its datatype, where its shape has %d", len(list), elements)
	}
	data := make([]byte, 0, elements*to.Size())
	for i, x := range list {
		v, ok := value(x)
		if !ok {
			return nil, fmt.Errorf("element %d is not of the datatype", i)
		}
		var err error
		if data, err = v.Store(data, to); err != nil {
			return nil, fmt.Errorf("element %d %w", i, err)
		}
	}
	return data, nil
}
