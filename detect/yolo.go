package detect

import (
	"fmt"
	"math"
)

func (d *Decoder) yolov5(outputs []Output) error {
	_, columns, err := d.only(outputs)
	if err != nil {
		return err
	}
	if columns < 6 {
		return fmt.Errorf("%d numbers for a box, which is less than 5 and a class", columns)
	}
	d.classes = columns - 5
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		for x := out[0]; len(x) > 0; x = x[columns:] {
			class, score, ok := product(x[4:columns], least)
			if ok {
				dst = append(dst, centred(class, score, float64(x[0]), float64(x[1]), float64(x[2]), float64(x[3])))
			}
		}
		return dst
	}
	return nil
}

// product is the score of a box whose object's probability stands in front of
// the classes'. It is false if it does not reach least.
func product(x []float32, least float32) (class int, score float32, ok bool) {
	object := x[0]
	if object < least {
		return 0, 0, false // probabilities are at most 1
	}
	class, score = best(x[1:], 1)
	score *= object
	return class, score, !(score < least)
}

func (d *Decoder) yolov8(outputs []Output) error {
	rows, n, err := d.only(outputs)
	if err != nil {
		return err
	}
	if rows < 5 {
		return fmt.Errorf("%d numbers for a box, which is less than 4 and a class", rows)
	}
	d.classes = rows - 4
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		x := out[0]
		for i := range n {
			class, score := best(x[4*n+i:], n)
			if !(score < least) {
				dst = append(dst, centred(class, score, float64(x[i]), float64(x[n+i]), float64(x[2*n+i]), float64(x[3*n+i])))
			}
		}
		return dst
	}
	return nil
}

// strides are how many pixels wide the cells of grids are.
var strides = [3]int{8, 16, 32}

// cells is the number of cells of a grid on an input.
func cells(width, height, stride int) int { return (width / stride) * (height / stride) }

// eachCell calls do for the cells of a grid, row by row.
func eachCell(width, height, stride int, do func(cell, column, row int)) {
	columns := width / stride
	for cell := range cells(width, height, stride) {
		do(cell, cell%columns, cell/columns)
	}
}

// inCell is the box that a cell says of itself: the way of its middle from the
// cell's corner, and the logarithms of its sides, in strides.
func inCell(class int, score float32, x []float32, column, row, stride int) Box {
	s := float64(stride)
	return centred(class, score, (float64(x[0])+float64(column))*s, (float64(x[1])+float64(row))*s,
		math.Exp(float64(x[2]))*s, math.Exp(float64(x[3]))*s)
}

func (d *Decoder) yolox(outputs []Output, width, height int) error {
	n, columns, err := d.only(outputs)
	if err != nil {
		return err
	}
	want := 0
	for _, s := range strides {
		want += cells(width, height, s)
	}
	switch {
	case columns < 6:
		return fmt.Errorf("%d numbers for a box, which is less than 5 and a class", columns)
	case n != want:
		return fmt.Errorf("%d boxes, where the grids on %d×%d pixels have %d cells", n, width, height, want)
	}
	d.classes = columns - 5
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		x := out[0]
		for _, stride := range strides {
			eachCell(width, height, stride, func(_, column, row int) {
				if class, score, ok := product(x[4:columns], least); ok {
					dst = append(dst, inCell(class, score, x, column, row, stride))
				}
				x = x[columns:]
			})
		}
		return dst
	}
	return nil
}
