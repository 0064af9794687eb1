package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/infer-go/infer/tensor"
)

// An InputShape gives sizes to the dimensions that a model leaves open.
type InputShape struct {
	// Input is the input's name; it may be empty if the model has only one.
	Input string

	// Dims are all dimensions of the input, or only the open ones. The batch,
	// which is an open dimension 0, may be left out. A batch of 1 stays open.
	Dims []int
}

// giveShapes sets the dimensions that are given. Where another input leaves
// open a dimension of the same symbol, and nothing is said of it, that becomes
// as large.
func (l *linked) giveShapes(shapes []InputShape) error {
	given := map[string]bool{}
	sizes := map[string]int64{} // by symbol
	for _, s := range shapes {
		v, err := l.inputNamed(s.Input)
		if err != nil {
			return err
		}
		if given[v.name] {
			return fmt.Errorf("input %q is given two shapes", v.name)
		}
		given[v.name] = true
		if err := v.giveShape(s.Dims, sizes); err != nil {
			return fmt.Errorf("input %q: a shape of %s is given: %w", v.name, tensor.Dims(s.Dims...), err)
		}
	}
	for i := range l.inputs {
		for j := range l.inputs[i].dims {
			d := &l.inputs[i].dims[j]
			if size := sizes[d.symbol]; d.size <= 0 && size > 0 && !given[l.inputs[i].name] && !anonymous(d.symbol) {
				d.size = size
			}
		}
	}
	return nil
}

// inputNamed returns the input of a name, or the only one.
func (l *linked) inputNamed(name string) (*valueInfo, error) {
	var names []string
	for i := range l.inputs {
		if v := &l.inputs[i]; v.name == name || name == "" && len(l.inputs) == 1 {
			return v, nil
		}
		names = append(names, fmt.Sprintf("%q", l.inputs[i].name))
	}
	list := strings.Join(names, ", ")
	if name == "" {
		return nil, fmt.Errorf("a shape is given without a name, but the inputs are %s", list)
	}
	return nil, fmt.Errorf("a shape is given for the input %q, but there is only %s", name, list)
}

// giveShape sets the dimensions of an input, and notes what becomes of symbols.
func (v *valueInfo) giveShape(dims []int, sizes map[string]int64) error {
	for i, n := range dims {
		if n < 1 || n > tensor.MaxElements {
			return fmt.Errorf("dimension %d is not from 1 to %d", i, tensor.MaxElements)
		}
	}
	if v.dims == nil {
		v.dims = make([]dim, len(dims))
	}
	var at []int // the dimensions that are given
	var open []int
	for i, d := range v.dims {
		at = append(at, i)
		if d.size <= 0 {
			open = append(open, i)
		}
	}
	switch {
	case len(dims) == len(at):
	case len(dims) == len(open):
		at = open
	case v.open() && len(dims) == len(open)-1:
		at = open[1:]
	default:
		return fmt.Errorf("it has %d dimensions, %d of them open: %s", len(v.dims), len(open), v.declared())
	}
	for i, k := range at {
		n, d := int64(dims[i]), &v.dims[k]
		switch {
		case d.size > 0 && d.size != n:
			return fmt.Errorf("dimension %d is %d in the model: %s", k, d.size, v.declared())
		case k == 0 && n == 1 && len(v.dims) > 1 && v.open():
			continue // still a batch, if it is one
		}
		d.size = n
		if d.symbol != "" {
			sizes[d.symbol] = n
		}
	}
	return nil
}

// anonymous says that a symbol is a mere placeholder, of which several need
// not be equal.
func anonymous(symbol string) bool {
	return slices.Contains([]string{"", "?", "-1", "None", "unk", "unknown"}, symbol)
}

// declared is an input's shape as the model has it, as 1x3xheightxwidth.
func (v *valueInfo) declared() string {
	var parts []string
	for _, d := range v.dims {
		switch {
		case d.size > 0:
			parts = append(parts, fmt.Sprint(d.size))
		case d.symbol == "":
			parts = append(parts, "?")
		default:
			parts = append(parts, d.symbol)
		}
	}
	return strings.Join(parts, "x")
}

// dimension names a dimension in messages.
func (v *valueInfo) dimension(i int) string {
	if s := v.dims[i].symbol; s != "" {
		return fmt.Sprintf("dimension %d (%q)", i, s)
	}
	return fmt.Sprintf("dimension %d", i)
}

// wayOut tells how an open dimension can be given a size.
func (v *valueInfo) wayOut() string {
	return fmt.Sprintf("give the sizes to freeze it for, --shape %s=%s", v.name, v.declared())
}
