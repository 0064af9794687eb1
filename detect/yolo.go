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

func (d *Decoder) yolov8(outputs []Output, width, height int) error {
	rows, n, err := d.only(outputs)
	if err != nil {
		return err
	}
	row, column := n, 1 // how far apart a box's numbers are, and boxes
	if usualCells(width, height, rows) && !usualCells(width, height, n) {
		rows, n = n, rows
		row, column = 1, rows
	}
	if rows < 5 {
		return fmt.Errorf("%d numbers for a box, which is less than 4 and a class", rows)
	}
	d.classes = rows - 4
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		for i := range n {
			x := out[0][i*column:]
			class, score := best(x[4*row:(rows-1)*row+1], row)
			if !(score < least) {
				dst = append(dst, centred(class, score, float64(x[0]), float64(x[row]), float64(x[2*row]), float64(x[3*row])))
			}
		}
		return dst
	}
	return nil
}

// usualCells says whether n is the number of cells of grids that YOLOv8's
// configurations have: the three of all sizes, one finer, or one coarser.
func usualCells(width, height, n int) bool {
	three := 0
	for _, s := range strides {
		three += cells(width, height, s)
	}
	return n == three || n == three+cells(width, height, 4) || n == three+cells(width, height, 64)
}

func (d *Decoder) yolov10(outputs []Output) error {
	_, columns, err := d.only(outputs)
	if err != nil {
		return err
	}
	if columns != 6 {
		return fmt.Errorf("%d numbers for a box, where 6 are expected", columns)
	}
	d.decode = func(dst []Box, out [][]float32, least float32) []Box {
		for x := out[0]; len(x) > 0; x = x[6:] {
			// Rows behind the last box have no score, and perhaps a class below 0.
			if class := x[5]; !(x[4] < least || class < 0) {
				b := Box{int(min(class, maxClass)), x[4], float64(x[0]), float64(x[1]), float64(x[2]), float64(x[3])}
				if class != class {
					b.Class, b.Score = 0, class
				}
				dst = append(dst, b)
			}
		}
		return dst
	}
	return nil
}

// maxClass is the largest class that a box can name.
const maxClass = 1 << 20

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
