package kernels

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// MaxRank is the largest number of dimensions of a tensor.
const MaxRank = 8

// maxDim is the largest dimension: 2³¹−1, as in Param.
const maxDim = math.MaxInt32

// errorf is an error of an operation, which it names.
func errorf(s Spec, format string, args ...any) error {
	return fmt.Errorf(s.Op()+": "+format, args...)
}

// ShapeString is a shape in words, as errors have it: 1×28×28×1, and N for a
// dimension of −1, a batch.
func ShapeString(shape []int) string { return dims(shape...) }

// dims is ShapeString of dimensions of any type.
func dims[T int | int64](shape ...T) string {
	if len(shape) == 0 {
		return "scalar"
	}
	var b strings.Builder
	for i, d := range shape {
		if i > 0 {
			b.WriteString("×")
		}
		if d == -1 {
			b.WriteString("N")
		} else {
			fmt.Fprint(&b, d)
		}
	}
	return b.String()
}

// volume is the number of elements of a shape that checkShape has accepted.
func volume(shape []int) int {
	n, _ := product(1, shape...)
	return n
}

// checkShape says what is wrong with a shape: too many dimensions, one that is
// no positive 31-bit number, or more bytes than an int counts.
func checkShape(shape []int) error {
	if len(shape) > MaxRank {
		return fmt.Errorf("has %d dimensions, more than %d", len(shape), MaxRank)
	}
	for i, d := range shape {
		if d < 1 || d > maxDim {
			return fmt.Errorf("has size %d in dimension %d, where 1 to %d are possible", d, i, maxDim)
		}
	}
	if _, ok := product(4, shape...); !ok {
		return fmt.Errorf("of %s elements is too large", dims(shape...))
	}
	return nil
}

// checkRange checks that a size is from least to maxDim.
func checkRange(s Spec, what string, size, least int) error {
	if size < least || size > maxDim {
		return errorf(s, "%s %d is not from %d to %d", what, size, least, maxDim)
	}
	return nil
}

// arity checks the number of operands and of params, and the operands' shapes.
func arity(s Spec, in [][]int, params []Param, wantIn, wantParams int) error {
	if len(in) != wantIn {
		return errorf(s, "%d operands where there should be %d", len(in), wantIn)
	}
	if len(params) != wantParams {
		return errorf(s, "%d params where there should be %d", len(params), wantParams)
	}
	for i, shape := range in {
		if err := checkShape(shape); err != nil {
			return errorf(s, "operand %d %w", i, err)
		}
	}
	return nil
}

// featureMap is arity with a rank of 4 for operand 0: an NHWC map.
func featureMap(s Spec, in [][]int, params []Param, wantIn, wantParams int) error {
	if err := arity(s, in, params, wantIn, wantParams); err != nil {
		return err
	}
	if len(in[0]) != 4 {
		return errorf(s, "operand 0 of shape %s is no map of 4 dimensions", dims(in[0]...))
	}
	return nil
}

// checkParam checks a param's form, its shape and the length of its data.
func checkParam(s Spec, p Param, what string, form Form, shape ...int) error {
	if p.Form != form || !slices.Equal(p.Shape, shape) {
		return errorf(s, "%s are %v %s where there should be %v %s", what, p.Form, dims(p.Shape...), form, dims(shape...))
	}
	return checkData(s, p, what)
}

// checkData checks that a param's data are as long as its shape implies.
func checkData(s Spec, p Param, what string) error {
	n, ok := p.Bytes()
	if !ok {
		return errorf(s, "%s cannot be %v %v of shape %s", what, p.Form, p.Elem, dims(p.Shape...))
	}
	if n != len(p.Data) {
		return errorf(s, "%s have %d bytes of data where %d are implied", what, len(p.Data), n)
	}
	return nil
}

// checkAxis checks that an axis is one of shape's dimensions.
func checkAxis(s Spec, axis int, shape []int) error {
	if axis < 0 || axis >= len(shape) {
		return errorf(s, "there is no axis %d in shape %s", axis, dims(shape...))
	}
	return nil
}

// result checks the shape of an operation's only result.
func result(s Spec, shape ...int) ([][]int, error) {
	if err := checkShape(shape); err != nil {
		return nil, errorf(s, "the result %w", err)
	}
	return [][]int{shape}, nil
}

// result64 is result for a feature map whose height and width were computed in
// 64 bits.
func result64(s Spec, n int, size [2]int64, c int) ([][]int, error) {
	for _, d := range size {
		if d > maxDim {
			return nil, errorf(s, "the result's map of %s is too large", dims(size[:]...))
		}
	}
	return result(s, n, int(size[0]), int(size[1]), c)
}

// Broadcast is the shape of what a Binary computes, by numpy's rule: shapes are
// aligned at their last dimension, and a dimension that is 1 or missing is
// repeated. It is false if they do not fit.
func Broadcast(a, b []int) ([]int, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		switch o := &out[len(a)-len(b)+i]; {
		case *o == 1:
			*o = d
		case d != 1 && d != *o:
			return nil, false
		}
	}
	return out, true
}
