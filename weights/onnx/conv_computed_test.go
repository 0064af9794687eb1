package onnx

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// uniform are numbers from −1 to 1 for a tensor of the given dimensions.
func uniform(r *rand.Rand, dims ...int) []float32 {
	n, _ := tensor.Shape(dims).Elements()
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*r.Float32() - 1
	}
	return x
}

// TestComputedKernel compares convolutions by a kernel that is an input with those
// by a constant one.
func TestComputedKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		name         string
		dims, kernel []int
		bias         string // what it is: none, constant or computed
		attrs        []attr
	}{
		{"a plain one", []int{1, 3, 9, 7}, []int{4, 3, 3, 3}, "none", nil},
		{"groups, strides and padding", []int{1, 6, 9, 10}, []int{4, 3, 3, 2}, "constant",
			[]attr{{"group", 2}, {"strides", []int64{2, 1}}, {"pads", []int64{1, 0, 2, 1}}}},
		{"of each channel, dilated", []int{1, 5, 12, 12}, []int{5, 1, 3, 3}, "computed", []attr{{"group", 5}, {"dilations", []int64{2, 3}}}},
		{"as large as the output", []int{1, 4, 8, 9}, []int{2, 4, 4, 4}, "none", []attr{{"auto_pad", "SAME_UPPER"}, {"strides", []int64{3, 2}}}},
		{"a line", []int{1, 3, 20}, []int{2, 3, 5}, "computed", []attr{{"pads", []int64{2, 1}}}},
		{"of one element", []int{1, 3, 4, 5}, []int{7, 3, 1, 1}, "constant", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := [][]float32{uniform(r, c.dims...), uniform(r, c.kernel...)}
			if c.bias != "none" {
				in = append(in, uniform(r, c.kernel[0]))
			}
			constant, computed := newModel(13), newModel(13)
			for _, m := range []*model{constant, computed} {
				m.input("x", c.dims...)
				operands := "x k"
				if m == constant {
					m.floats("k", c.kernel, in[1]...)
				} else {
					m.input("k", c.kernel...)
				}
				switch {
				case c.bias == "none":
				case m == constant || c.bias == "constant":
					operands += " b"
					m.floats("b", c.kernel[:1], in[2]...)
				default:
					operands += " b"
					m.input("b", c.kernel[0])
				}
				m.node("Conv", operands, "y", c.attrs...)
				m.output("y")
			}
			if c.bias == "constant" {
				in = in[:2]
			}
			a, _, err := Freeze(constant.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := Freeze(computed.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, got := run(t, a, 1, in[0])[0], run(t, b, 1, in...)[0]
			if at, ok := differs(got, want); ok {
				t.Errorf("element %d is %v, want %v", at, got[at], want[at])
			}
		})
	}
}

// TestComputedKernelErrors has computed kernels that do not fit, or are too large.
func TestComputedKernelErrors(t *testing.T) {
	for _, c := range []struct {
		kernel []int
		attrs  []attr
		want   string
	}{
		{[]int{4, 2, 3, 3}, nil, "a kernel of shape 4×2×3×3 with 1 groups does not fit a map of shape 1×3×20×20"},
		{[]int{4, 3, 17, 17}, nil, "a computed kernel of 289 elements for each channel, where at most 256 are supported"},
		{[]int{4, 3, 3, 3}, []attr{{"kernel_shape", []int64{2, 2}}}, "kernel_shape [2 2] does not fit"},
	} {
		m := newModel(13)
		m.input("x", 1, 3, 20, 20)
		m.input("k", c.kernel...)
		m.node("Conv", "x k", "y", c.attrs...)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
