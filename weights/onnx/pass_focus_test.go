package onnx

import (
	"fmt"
	"testing"
)

func TestFoldFocus(t *testing.T) {
	// part is x[:, :, row::block, column::block], by one slice or two.
	part := func(m *model, x string, row, column, block int64, both bool) string {
		name := fmt.Sprintf("%s_%d_%d", x, row, column)
		slice := func(from, to string, list ...[2]int64) {
			at, end, axes, steps := []int64{}, []int64{}, []int64{}, []int64{}
			for _, l := range list {
				at, end, axes, steps = append(at, l[1]), append(end, 1000), append(axes, l[0]), append(steps, block)
			}
			m.ints(to+"at", at...)
			m.ints(to+"end", end...)
			m.ints(to+"axes", axes...)
			m.ints(to+"steps", steps...)
			m.node("Slice", fmt.Sprintf("%s %[2]sat %[2]send %[2]saxes %[2]ssteps", from, to), to)
		}
		if both {
			slice(x, name, [2]int64{2, row}, [2]int64{3, column})
		} else {
			slice(x, name+"rows", [2]int64{2, row})
			slice(name+"rows", name, [2]int64{3, column})
		}
		return name
	}
	axis := attr{"axis", 1}
	testPass(t, "fold blocks of pixels", []passCase{
		{"YOLO's order, slice by slice", func(m *model) {
			m.input("x", 0, 3, 8, 6)
			parts := part(m, "x", 0, 0, 2, false)
			for _, p := range [][2]int64{{1, 0}, {0, 1}, {1, 1}} {
				parts += " " + part(m, "x", p[0], p[1], 2, false)
			}
			m.node("Concat", parts, "c", axis)
			m.conv("c", "y", 5, 12, 3)
		}, "Transpose Conv Transpose", 6},
		{"rows first, by three", func(m *model) {
			m.input("x", 0, 2, 6, 9)
			parts := ""
			for i := range int64(9) {
				parts += " " + part(m, "x", i/3, i%3, 3, true)
			}
			m.node("Concat", parts[1:], "y", axis)
		}, "Transpose", 7},
		{"of what a step has made", func(m *model) {
			m.input("x", 0, 3, 8, 2)
			m.conv("x", "c", 3, 3, 1)
			parts := part(m, "c", 0, 0, 2, true)
			for _, p := range [][2]int64{{1, 0}, {0, 1}, {1, 1}} {
				parts += " " + part(m, "c", p[0], p[1], 2, true)
			}
			m.node("Concat", parts, "y", axis)
		}, "Transpose Conv Transpose", 2},
		{"a part that is used elsewhere", func(m *model) {
			m.input("x", 0, 3, 4, 4)
			parts := part(m, "x", 0, 0, 2, true)
			for _, p := range [][2]int64{{0, 1}, {1, 0}, {1, 1}} {
				parts += " " + part(m, "x", p[0], p[1], 2, true)
			}
			m.node("Concat", parts, "c", axis)
			m.node("Concat", "c x_0_0", "y", axis)
		}, "Slice Transpose Concat", 1},
		{"not another order", func(m *model) {
			m.input("x", 0, 3, 4, 4)
			parts := part(m, "x", 1, 1, 2, true)
			for _, p := range [][2]int64{{0, 1}, {1, 0}, {0, 0}} {
				parts += " " + part(m, "x", p[0], p[1], 2, true)
			}
			m.node("Concat", parts, "y", axis)
		}, "Slice Slice Slice Slice Concat", 0},
		{"not of a map with an odd row", func(m *model) {
			m.input("x", 0, 3, 5, 4)
			parts := part(m, "x", 1, 0, 2, true)
			m.node("Concat", parts+" "+parts+" "+parts+" "+parts, "y", axis)
		}, "Slice Concat", 0},
	})
}
