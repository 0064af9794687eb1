package onnx

import (
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestResizeChannelsLast compares a Resize of rows and columns in front of the
// channels with one of a map in ONNX's own order.
func TestResizeChannelsLast(t *testing.T) {
	in := []int{1, 10, 6, 3}
	x := make([]float32, 180)
	for i := range x {
		x[i] = float32(i*i%97) / 97
	}
	scales := func(m *model, s ...float32) {
		m.floats("s", []int{4}, s...)
		m.floats("roi", []int{0})
	}
	last := newModel(12)
	last.input("x", in...)
	scales(last, 1, 0.44, 1.5, 1)
	last.node("Resize", "x roi s", "y", attr{"mode", "linear"})
	last.output("y")

	first := newModel(12)
	first.input("x", in...)
	scales(first, 1, 1, 0.44, 1.5)
	first.node("Transpose", "x", "a", attr{"perm", []int64{0, 3, 1, 2}})
	first.node("Resize", "a roi s", "b", attr{"mode", "linear"})
	first.node("Transpose", "b", "y", attr{"perm", []int64{0, 2, 3, 1}})
	first.output("y")

	var got [][]float32
	for _, m := range []*model{last, first} {
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if y := net.Values[net.Outputs[0]]; !y.Shape.Equal(tensor.Shape{1, 4, 9, 3}) {
			t.Fatalf("a result of %s", y.Shape)
		}
		got = append(got, run(t, net, 1, x)[0])
	}
	if !slices.Equal(got[0], got[1]) {
		t.Error("the two differ")
	}
}

// TestResizeForms has the forms of Resize that opset 18 added, and a part of a map.
func TestResizeForms(t *testing.T) {
	for _, c := range []struct {
		name  string
		attrs []attr
		roi   []float32
		sizes []int64
		want  []float32
		fault string
	}{
		{"antialias", []attr{{"mode", "linear"}, {"antialias", 1}}, nil, []int64{1, 1, 1, 2}, []float32{0.625, 2.375}, ""},
		{"antialias, with outside left out", []attr{{"mode", "linear"}, {"antialias", 1}, {"exclude_outside", 1}}, nil, []int64{1, 1, 1, 2}, []float32{(3*0 + 3*1 + 2) / 7.0, (3*3 + 3*2 + 1) / 7.0}, ""},
		{"antialias of the nearest", []attr{{"antialias", 1}}, nil, []int64{1, 1, 1, 2}, nil, "antialias without interpolation"},
		{"a part", []attr{{"mode", "linear"}, {"coordinate_transformation_mode", "tf_crop_and_resize"}, {"extrapolation_value", float32(9)}}, []float32{0, 0, 0, 0, 1, 1, 1, 2}, []int64{1, 1, 1, 3}, []float32{0, 3, 9}, ""},
		{"a part of the channels", []attr{{"mode", "linear"}, {"coordinate_transformation_mode", "tf_crop_and_resize"}}, []float32{0, 0.5, 0, 0, 1, 1, 1, 1}, []int64{1, 1, 1, 3}, nil, "a roi from 0.5 to 1 of dimension 1"},
		{"not larger", []attr{{"axes", []int64{2, 3}}, {"keep_aspect_ratio_policy", "not_larger"}}, nil, []int64{9, 2}, []float32{0, 2}, ""},
		{"not smaller", []attr{{"axes", []int64{2, 3}}, {"keep_aspect_ratio_policy", "not_smaller"}}, nil, []int64{1, 2}, []float32{0, 1, 2, 3}, ""},
		{"another policy", []attr{{"axes", []int64{2, 3}}, {"keep_aspect_ratio_policy", "wider"}}, nil, []int64{1, 2}, nil, `"wider" is unknown`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(18)
			m.input("x", 1, 1, 1, 4)
			operands := "x _ _ sizes"
			if c.roi != nil {
				m.floats("roi", []int{len(c.roi)}, c.roi...)
				operands = "x roi _ sizes"
			}
			m.ints("sizes", c.sizes...)
			m.node("Resize", operands, "y", c.attrs...)
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("error %v, want one that contains %q", err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, net, 1, []float32{0, 1, 2, 3})[0]
			if at, ok := differs(got, c.want); ok {
				t.Errorf("element %d of %v, want %v", at, got, c.want)
			}
		})
	}
}
