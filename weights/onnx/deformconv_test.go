package onnx

import (
	"math"
	"strings"
	"testing"
)

// TestDeformConv compares with the definition, in which a tap reads between pixels, and
// 0 outside of the map.
func TestDeformConv(t *testing.T) {
	const cin, cout, groups, parts, height, width, kh, kw = 4, 6, 2, 2, 5, 4, 2, 3
	const oh, ow, taps = 3, 4, kh * kw // of stride 2 and 1, with padding 1
	for _, masked := range []bool{false, true} {
		m := newModel(19)
		m.weight("w", -1, 1, cout, cin/groups, kh, kw)
		m.weight("b", -1, 1, cout)
		w, b := floatsOf(m.tensors[0]), floatsOf(m.tensors[1])
		operands := "x0 w x1 b"
		shapes := [][]int{{1, cin, height, width}, {1, parts * taps * 2, oh, ow}}
		if masked {
			operands += " x2"
			shapes = append(shapes, []int{1, parts * taps, oh, ow})
		}
		m.node("DeformConv", operands, "y", attr{"group", groups}, attr{"offset_group", parts}, attr{"strides", []int64{2, 1}}, attr{"pads", []int64{1, 1, 1, 1}})
		runsTo(t, m, shapes, []int{1, cout, oh, ow}, func(in [][]float64) (y []float64) {
			pixel := func(c, row, column int) float64 {
				if row < 0 || row >= height || column < 0 || column >= width {
					return 0
				}
				return in[0][(c*height+row)*width+column]
			}
			between := func(c int, row, column float64) float64 {
				top, left := math.Floor(row), math.Floor(column)
				sum := 0.0
				for i := range 2 {
					for j := range 2 {
						weight := (1 - math.Abs(row-top-float64(i))) * (1 - math.Abs(column-left-float64(j)))
						sum += weight * pixel(c, int(top)+i, int(left)+j)
					}
				}
				return sum
			}
			for o := range cout {
				for r := range oh {
					for s := range ow {
						sum := b[o]
						for c := range cin / groups {
							channel := o/(cout/groups)*(cin/groups) + c
							for tap := range taps {
								at := channel/(cin/parts)*taps + tap
								row := float64(2*r-1+tap/kw) + in[1][(2*at*oh+r)*ow+s]
								column := float64(s-1+tap%kw) + in[1][((2*at+1)*oh+r)*ow+s]
								v := between(channel, row, column)
								if masked {
									v *= in[2][(at*oh+r)*ow+s]
								}
								sum += v * w[(o*cin/groups+c)*taps+tap]
							}
						}
						y = append(y, sum)
					}
				}
			}
			return y
		})
	}
}

// floatsOf are the elements of a tensor of floats.
func floatsOf(tensor testTensor) []float64 {
	c := &constant{kind: tensor.kind, dims: tensor.dims}
	if err := c.fill(tensor.raw); err != nil {
		panic(err)
	}
	x := make([]float64, c.len())
	for i := range x {
		x[i] = c.float64(i)
	}
	return x
}

func TestBadDeformConv(t *testing.T) {
	for _, c := range []struct {
		x, offset, mask []int
		attrs           []attr
		want            string
	}{
		{[]int{1, 4, 5, 5}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, nil, ""},
		{[]int{1, 4, 5, 5, 5}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, nil, "is not a map of two spatial dimensions"},
		{[]int{1, 5, 5, 5}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, nil, "a kernel of shape 2×4×3×3 with 1 groups does not fit"},
		{[]int{1, 4, 5, 5}, []int{1, 9, 3, 3}, []int{1, 9, 3, 3}, nil, `offsets, "offset", of shape 1×9×3×3 where there should be 1×18×3×3`},
		{[]int{1, 4, 5, 5}, []int{1, 18, 3, 3}, []int{1, 18, 3, 3}, nil, `a mask, "mask", of shape 1×18×3×3 where there should be 1×9×3×3`},
		{[]int{1, 4, 5, 5}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, []attr{{"offset_group", 3}}, "offsets for 3 groups of 4 channels"},
		{[]int{1, 4, 5, 5}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, []attr{{"offset_group", int64(1) << 62}}, "groups of 4 channels"},
		{[]int{1, 4, 5, 5}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, []attr{{"offset_group", 0}}, "offsets for 0 groups"},
		{[]int{1, 4, 2, 2}, []int{1, 18, 3, 3}, []int{1, 9, 3, 3}, nil, "does not fit a map of 2"},
	} {
		m := newModel(19)
		m.input("x", c.x...)
		m.input("offset", c.offset...)
		m.input("mask", c.mask...)
		m.weight("w", -1, 1, 2, 4, 3, 3)
		m.node("DeformConv", "x w offset _ mask", "y", c.attrs...)
		m.output("y")
		_, _, err := Freeze(m.bytes(), Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: error %v, want one that contains %q", c, err, c.want)
		}
	}
}
