package onnx

import (
	"slices"
	"strings"
	"testing"
)

// twoInputs adds an image of open size to one of its half.
func twoInputs() *model {
	m := newModel(13)
	m.input("a", 0, 3, 0, 0)
	m.input("b", 0, 3, 0, 0)
	m.node("Add", "a b", "y")
	m.output("y")
	return m
}

func oneInput(dims ...int) *model {
	m := newModel(13)
	m.input("x", dims...)
	m.node("Abs", "x", "y")
	m.output("y")
	return m
}

func TestGiveShapes(t *testing.T) {
	for _, c := range []struct {
		name    string
		m       *model
		shapes  []InputShape
		want    []int // of the output
		batched bool
	}{
		{"all dimensions", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{1, 3, 8, 9}}}, []int{1, 3, 8, 9}, false},
		{"the open ones", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{8, 9}}}, []int{1, 3, 8, 9}, false},
		{"without a name", oneInput(1, 3, 0, 0), []InputShape{{"", []int{8, 9}}}, []int{1, 3, 8, 9}, false},
		{"a batch of 1 stays open", oneInput(0, 3, 0, 0), []InputShape{{"x", []int{1, 3, 8, 9}}}, []int{1, 3, 8, 9}, true},
		{"the batch left out", oneInput(0, 3, 0, 0), []InputShape{{"x", []int{8, 9}}}, []int{1, 3, 8, 9}, true},
		{"the batch among the open ones", oneInput(0, 3, 0, 0), []InputShape{{"x", []int{1, 8, 9}}}, []int{1, 3, 8, 9}, true},
		{"a batch of 2 is fixed", oneInput(0, 3, 0, 0), []InputShape{{"x", []int{2, 3, 8, 9}}}, []int{2, 3, 8, 9}, false},
		{"a vector is not a batch", oneInput(0), []InputShape{{"x", []int{5}}}, []int{5}, false},
		{"nothing is open", oneInput(1, 3, 8, 9), []InputShape{{"x", []int{1, 3, 8, 9}}}, []int{1, 3, 8, 9}, false},
		{"the same symbols in another input", twoInputs(), []InputShape{{"b", []int{8, 9}}}, []int{1, 3, 8, 9}, true},
		{"two inputs", twoInputs(), []InputShape{{"b", []int{8, 9}}, {"a", []int{1, 3, 8, 1}}}, []int{1, 3, 8, 9}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			net, _, err := Freeze(c.m.bytes(), Options{Shapes: c.shapes})
			if err != nil {
				t.Fatal(err)
			}
			if got := net.Values[net.Outputs[0]].Shape; !slices.Equal(got, c.want) || net.Batched != c.batched {
				t.Errorf("output %v, batched %v, want %v and %v", got, net.Batched, c.want, c.batched)
			}
		})
	}
}

func TestGiveShapesErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		m      *model
		shapes []InputShape
		want   []string
	}{
		{"no such input", oneInput(1, 3, 0, 0), []InputShape{{"z", []int{8, 9}}}, []string{`"z"`, `only "x"`}},
		{"no name", twoInputs(), []InputShape{{"", []int{8, 9}}}, []string{"without a name", `"a", "b"`}},
		{"twice", oneInput(1, 3, 0, 0), []InputShape{{"", []int{8, 9}}, {"x", []int{8, 9}}}, []string{`"x" is given two shapes`}},
		{"rank", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{3, 8, 9}}}, []string{`"x"`, "4 dimensions, 2 of them open", "1x3xdim2xdim3"}},
		{"zero", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{0, 9}}}, []string{`"x"`, "0×9", "dimension 0 is not from 1"}},
		{"negative", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{8, -9}}}, []string{"dimension 1 is not from 1"}},
		{"too large", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{1 << 15, 1 << 15}}}, []string{`"x"`, "a tensor"}},
		{"another number of channels", oneInput(1, 3, 0, 0), []InputShape{{"x", []int{1, 4, 8, 9}}}, []string{"dimension 1 is 3 in the model"}},
		{"two sizes that do not fit together", twoInputs(), []InputShape{{"a", []int{8, 9}}, {"b", []int{7, 9}}}, []string{`Add "Addy"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Freeze(c.m.bytes(), Options{Shapes: c.shapes})
			if err == nil {
				t.Fatal("it is accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}
