package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

func (d *Decoder) yunet(outputs []Output, width, height int) error {
	if len(outputs) != 12 {
		return fmt.Errorf("there should be 12 outputs, not %d", len(outputs))
	}
	var names []string
	for _, what := range []string{"cls", "obj", "bbox", "kps"} {
		for _, stride := range strides {
			names = append(names, fmt.Sprintf("%s_%d", what, stride))
		}
	}
	for _, name := range names {
		d.order = append(d.order, slices.IndexFunc(outputs, func(o Output) bool { return o.Name == name }))
	}
	if slices.Contains(d.order, -1) {
		for i := range d.order {
			d.order[i] = i
		}
	}
	for i, o := range d.order {
		rows, columns, err := matrix(outputs[o])
		if err != nil {
			return err
		}
		want := [...]int{1, 1, 4, 10}[i/3]
		if n := cells(width, height, strides[i%3]); rows != n || columns != want {
			return fmt.Errorf("output %q of %d×%d, where %s is %d×%d for %d×%d pixels", outputs[o].Name, rows, columns, names[i], n, want, width, height)
		}
	}
	d.classes = 1
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		for g, stride := range strides {
			class, object, boxes := out[g], out[3+g], out[6+g]
			eachCell(width, height, stride, func(cell, column, row int) {
				score := float32(math.Sqrt(float64(probability(class[cell])) * float64(probability(object[cell]))))
				if !(score < least) {
					dst = append(dst, inCell(0, score, boxes[4*cell:], column, row, stride))
				}
			})
		}
		return dst
	}
	return nil
}

// probability clamps x to 0…1.
func probability(x float32) float32 { return min(max(x, 0), 1) }

func (d *Decoder) ssd(outputs []Output, width, height int) error {
	if len(outputs) != 2 {
		return fmt.Errorf("there should be two outputs, not %d", len(outputs))
	}
	scores, boxes := outputs[0], outputs[1]
	d.order = []int{0, 1}
	if _, columns, err := matrix(scores); err == nil && columns == 4 && !strings.Contains(scores.Name, "score") {
		scores, boxes = boxes, scores
		d.order = []int{1, 0}
	}
	n, classes, err := matrix(scores)
	if err != nil {
		return err
	}
	rows, columns, err := matrix(boxes)
	switch {
	case err != nil:
		return err
	case rows != n || columns != 4:
		return fmt.Errorf("boxes of %d×%d for %d scores: four numbers for each are expected", rows, columns, n)
	case classes < 2:
		return fmt.Errorf("%d scores for a box, which is less than the background's and a class's", classes)
	}
	d.classes = classes - 1
	w, h := float64(width), float64(height)
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		for i := range n {
			class, score := best(out[0][i*classes+1:(i+1)*classes], 1)
			if b := out[1][4*i:]; !(score < least) {
				dst = append(dst, Box{class, score, float64(b[0]) * w, float64(b[1]) * h, float64(b[2]) * w, float64(b[3]) * h})
			}
		}
		return dst
	}
	return nil
}
