package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/infer-go/infer/weights/onnx"
)

// shapeFlags are the shapes of inputs, each given by a flag of its own.
type shapeFlags []onnx.InputShape

func (s *shapeFlags) String() string { return "" }

// Set reads NAME=1x3x480x640. A name may have a = in it, sizes have none.
func (s *shapeFlags) Set(text string) error {
	name, list := "", text
	if at := strings.LastIndex(text, "="); at >= 0 {
		if name, list = text[:at], text[at+1:]; name == "" {
			return fmt.Errorf("%q: there is no name before the =", text)
		}
	}
	dims, err := sizes(list)
	if err != nil {
		return err
	}
	*s = append(*s, onnx.InputShape{Input: name, Dims: dims})
	return nil
}

// sizes reads numbers of at least 1 with an x between them.
func sizes(text string) ([]int, error) {
	var list []int
	for _, part := range strings.Split(strings.ReplaceAll(text, "×", "x"), "x") {
		n, err := strconv.ParseInt(part, 10, 32)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q: sizes are numbers of at least 1 with an x between them, as 480x640", text)
		}
		list = append(list, int(n))
	}
	return list, nil
}
