package kernels

import (
	"fmt"

	"github.com/infer-go/infer/tensor"
)

// errorf is an error of an operation, which it names.
func errorf(s Spec, format string, args ...any) error {
	return fmt.Errorf(s.Op()+": "+format, args...)
}

// checkRange checks that a size is from least to tensor.MaxDim.
func checkRange(s Spec, what string, size, least int) error {
	if size < least || size > tensor.MaxDim {
		return errorf(s, "%s %d is not from %d to %d", what, size, least, tensor.MaxDim)
	}
	return nil
}

// operands checks the number of operands and of params, and the operands'
// Types, whose elements may be of any kind.
func operands(s Spec, in []tensor.Type, params []Param, wantIn, wantParams int) error {
	if len(in) != wantIn {
		return errorf(s, "%d operands where there should be %d", len(in), wantIn)
	}
	if len(params) != wantParams {
		return errorf(s, "%d params where there should be %d", len(params), wantParams)
	}
	for i, t := range in {
		if err := t.Check(); err != nil {
			return errorf(s, "operand %d %w", i, err)
		}
	}
	return nil
}

// floatOperands is operands, which must be float32.
func floatOperands(s Spec, in []tensor.Type, params []Param, wantIn, wantParams int) error {
	if err := operands(s, in, params, wantIn, wantParams); err != nil {
		return err
	}
	for i, t := range in {
		if t.Elem != tensor.F32 {
			return errorf(s, "operand %d is %v, but only f32 is supported", i, t.Elem)
		}
	}
	return nil
}

// featureMap is floatOperands with a rank of 4 for operand 0: an NHWC map.
func featureMap(s Spec, in []tensor.Type, params []Param, wantIn, wantParams int) error {
	if err := floatOperands(s, in, params, wantIn, wantParams); err != nil {
		return err
	}
	return checkMap(s, in)
}

// checkMap checks that operand 0 is a feature map.
func checkMap(s Spec, in []tensor.Type) error {
	if len(in[0].Shape) != 4 {
		return errorf(s, "operand 0 of shape %s is not a map of 4 dimensions", in[0].Shape)
	}
	return nil
}

// checkAxis checks that an axis is one of shape's dimensions.
func checkAxis(s Spec, axis int, shape tensor.Shape) error {
	if axis < 0 || axis >= len(shape) {
		return errorf(s, "there is no axis %d in shape %s", axis, shape)
	}
	return nil
}

// result checks the shape of an operation's only result, whose elements are
// those of a Type.
func result(s Spec, elements tensor.Type, shape ...int) ([]tensor.Type, error) {
	t := elements.Of(shape...)
	if err := t.Shape.Check(); err != nil {
		return nil, errorf(s, "the result %w", err)
	}
	return []tensor.Type{t}, nil
}

// result64 is result for a feature map whose height and width were computed in
// 64 bits.
func result64(s Spec, elements tensor.Type, n int, size [2]int64, c int) ([]tensor.Type, error) {
	for _, d := range size {
		if d > tensor.MaxDim {
			return nil, errorf(s, "the result's map of %s is too large", tensor.Dims(size[:]...))
		}
	}
	return result(s, elements, n, int(size[0]), int(size[1]), c)
}
