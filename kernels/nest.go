package kernels

import "github.com/infer-go/infer/tensor"

// A nest is nested loops over two operands, the last loop the innermost: how
// often each loop runs, and by how many elements it moves on in either operand.
type nest struct {
	size   []int
	stride [2][]int
}

// newNest makes the loops over size, without those that run once, and with
// neighbours joined that move on as one loop would.
func newNest(size, stride0, stride1 []int) nest {
	var l nest
	for i, n := range size {
		if n != 1 {
			l.add(n, stride0[i], stride1[i])
		}
	}
	return l
}

// add puts a loop inside the others; it runs through the last one's steps if
// it can.
func (l *nest) add(n, stride0, stride1 int) {
	if last := len(l.size) - 1; last >= 0 && l.stride[0][last] == n*stride0 && l.stride[1][last] == n*stride1 {
		l.size[last] *= n
		l.stride[0][last], l.stride[1][last] = stride0, stride1
		return
	}
	l.size = append(l.size, n)
	l.stride[0] = append(l.stride[0], stride0)
	l.stride[1] = append(l.stride[1], stride1)
}

// remove takes a loop out of the nest and returns it.
func (l *nest) remove(i int) loop {
	x := loop{l.size[i], [2]int{l.stride[0][i], l.stride[1][i]}}
	l.size = without(l.size, i)
	l.stride[0], l.stride[1] = without(l.stride[0], i), without(l.stride[1], i)
	return x
}

// A loop is one loop of a nest.
type loop struct {
	size   int
	stride [2]int
}

// count is how often the innermost loop's body runs.
func (l *nest) count() int { return tensor.Shape(l.size).Volume() }

// A cursor is a place in a nest, and the offsets of the operands there.
type cursor struct {
	index  [2 * tensor.MaxRank]int // a Repeat has two loops for a dimension
	offset [2]int
}

// seek returns the i-th place of a nest.
func (l *nest) seek(i int) (c cursor) {
	for d := len(l.size) - 1; d >= 0; d-- {
		c.index[d] = i % l.size[d]
		i /= l.size[d]
		c.offset[0] += c.index[d] * l.stride[0][d]
		c.offset[1] += c.index[d] * l.stride[1][d]
	}
	return c
}

// next moves a cursor on by one place, from the last to the first.
func (l *nest) next(c *cursor) {
	for d := len(l.size) - 1; d >= 0; d-- {
		c.offset[0] += l.stride[0][d]
		c.offset[1] += l.stride[1][d]
		if c.index[d]++; c.index[d] < l.size[d] {
			return
		}
		c.index[d] = 0
		c.offset[0] -= l.size[d] * l.stride[0][d]
		c.offset[1] -= l.size[d] * l.stride[1][d]
	}
}

func without(x []int, i int) []int {
	return append(x[:i:i], x[i+1:]...)
}
