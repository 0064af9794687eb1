package protocol

import (
	"errors"
	"fmt"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/tensor"
)

// Fit compares the shapes of inputs, in the order of the model's, with what it
// takes, and returns how many items they have, and the sizes of its open
// dimensions.
func Fit(m *serve.Model, shapes []tensor.Shape) (items int, sizes []int, err error) {
	items = 1
	for i, in := range m.Inputs() {
		fits := len(shapes[i]) == len(in.Shape)
		for d := 0; fits && d < len(in.Shape); d++ {
			fits = shapes[i][d] == in.Shape[d] || in.Shape[d] == -1 && shapes[i][d] > 0
		}
		if !fits {
			return 0, nil, fmt.Errorf("input %q has the shape %v, where the model takes %s", in.Name, []int(shapes[i]), in.Dims())
		}
		if m.Batched() {
			if i > 0 && shapes[i][0] != items {
				return 0, nil, errors.New("inputs have different numbers of items")
			}
			items = shapes[i][0]
		}
	}
	if len(m.Engine().Open()) == 0 {
		return items, nil, nil
	}
	sizes, err = m.Engine().Sizes(shapes...)
	return items, sizes, err
}

// Named is the place of an input or an output, −1 if there is none of the name.
func Named[T ~string | ~[]byte](list []engine.Tensor, name T) int {
	for i := range list {
		if list[i].Name == string(name) {
			return i
		}
	}
	return -1
}
