package onnx

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/infer-go/infer/tensor"
)

// A grower adds random nodes of those that ConvNets have most to a model. It knows the shapes, without the
// batch, of the activations that there are.
type grower struct {
	*model
	r      *rand.Rand
	names  []string
	shapes map[string][]int
}

// pick returns a random activation whose rank, without the batch, is in range.
func (g *grower) pick(least, most int) (string, []int) {
	for range 20 {
		// The latest ones make the deepest graphs.
		i := len(g.names) - 1 - min(g.r.IntN(4), g.r.IntN(len(g.names)))
		name := g.names[max(i, 0)]
		if n := len(g.shapes[name]); least <= n && n <= most {
			return name, g.shapes[name]
		}
	}
	return "", nil
}

func (g *grower) add(op string, in []string, shape []int, attrs ...attr) {
	name := fmt.Sprintf("v%d", len(g.names))
	g.node(op, strings.Join(in, " "), name, attrs...)
	g.names = append(g.names, name)
	g.shapes[name] = shape
}

// broadcasting adds a weight that has a random part of the dimensions of shape.
func (g *grower) broadcasting(shape []int) string {
	name := fmt.Sprintf("w%d", len(g.tensors))
	dims := slices.Clone(shape[g.r.IntN(len(shape)+1):])
	for i := range dims {
		if g.r.IntN(2) == 0 {
			dims[i] = 1
		}
	}
	g.weight(name, 0.5, 1.5, dims...)
	return name
}

// grow adds one random node, if it can.
func (g *grower) grow() {
	one := func(n int) int { return 1 + g.r.IntN(n) }
	w := fmt.Sprintf("w%d", len(g.tensors))
	switch g.r.IntN(20) {
	case 0, 1, 2:
		x, s := g.pick(3, 3)
		if x == "" || s[1] < 3 || s[2] < 3 {
			return
		}
		cout, k, pad := []int{1, 4, 6, 17}[g.r.IntN(4)], []int{1, 3}[g.r.IntN(2)], g.r.IntN(2)
		g.weight(w, -0.5, 0.5, cout, s[0], k, k)
		g.add("Conv", []string{x, w}, []int{cout, s[1] + 2*pad - k + 1, s[2] + 2*pad - k + 1},
			attr{"pads", slices.Repeat([]int64{int64(pad)}, 4)})
	case 3:
		x, s := g.pick(3, 3)
		if x != "" && s[1] > 1 && s[2] > 1 {
			g.add("MaxPool", []string{x}, []int{s[0], s[1] / 2, s[2] / 2}, attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{2, 2}})
		}
	case 4:
		x, s := g.pick(1, 5)
		op := []string{"Relu", "Sigmoid", "Tanh", "Abs", "LeakyRelu"}[g.r.IntN(5)]
		if x != "" {
			g.add(op, []string{x}, s)
		}
	case 5:
		x, s := g.pick(1, 5)
		op := []string{"Add", "Mul", "Sub"}[g.r.IntN(3)]
		if x != "" {
			in := []string{x, g.broadcasting(s)}
			if g.r.IntN(2) == 0 {
				slices.Reverse(in)
			}
			g.add(op, in, s)
		}
	case 6, 7:
		x, s := g.pick(1, 5)
		y, t := g.pick(1, 5)
		if x != "" && slices.Equal(s, t) {
			g.add([]string{"Add", "Mul", "Max"}[g.r.IntN(3)], []string{x, y}, s)
		}
	case 8:
		x, s := g.pick(1, 5)
		y, t := g.pick(1, 5)
		if x == "" || len(s) != len(t) {
			return
		}
		axis := g.r.IntN(len(s))
		joined := slices.Clone(s)
		joined[axis] = t[axis]
		if slices.Equal(joined, t) && s[axis]+t[axis] < 40 {
			joined[axis] += s[axis]
			g.add("Concat", []string{x, y}, joined, attr{"axis", axis + 1})
		}
	case 9, 10:
		x, s := g.pick(2, 5)
		if x == "" {
			return
		}
		perm := g.r.Perm(len(s))
		full := []int64{0}
		for _, p := range perm {
			full = append(full, int64(p+1))
		}
		g.add("Transpose", []string{x}, permuted(s, perm), attr{"perm", full})
	case 11, 12:
		x, s := g.pick(1, 5)
		if x == "" {
			return
		}
		total, _ := tensor.Shape(s).Elements()
		shape := []int{}
		for rest := total; ; {
			var divisors []int
			for d := 1; d <= rest; d++ {
				if rest%d == 0 {
					divisors = append(divisors, d)
				}
			}
			d := divisors[g.r.IntN(len(divisors))]
			if len(shape) == 3 {
				d = rest
			}
			shape = append(shape, d)
			if rest /= d; rest == 1 {
				break
			}
		}
		g.ints(w, append([]int64{0}, int64s(shape)...)...)
		g.add("Reshape", []string{x, w}, shape)
	case 13:
		x, s := g.pick(1, 5)
		if x != "" {
			g.add("Softmax", []string{x}, s, attr{"axis", one(len(s))})
		}
	case 14:
		x, s := g.pick(1, 4)
		if x == "" {
			return
		}
		k, n := s[len(s)-1], one(20)
		g.weight(w, -0.5, 0.5, k, n)
		shape := slices.Clone(s)
		shape[len(shape)-1] = n
		g.add("MatMul", []string{x, w}, shape)
	case 15:
		x, s := g.pick(2, 5)
		if x == "" {
			return
		}
		axis := g.r.IntN(len(s))
		op := []string{"ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp"}[g.r.IntN(4)]
		g.add(op, []string{x}, slices.Delete(slices.Clone(s), axis, axis+1), attr{"axes", []int64{int64(axis + 1)}}, attr{"keepdims", 0})
	case 16:
		x, s := g.pick(2, 4)
		if x == "" {
			return
		}
		g.weight(w, 0.5, 1.5, s[0])
		g.weight(w+"shift", -1, 1, s[0])
		g.add("InstanceNormalization", []string{x, w, w + "shift"}, s, attr{"epsilon", float32(0.1)})
	case 17:
		x, s := g.pick(1, 4)
		if x != "" {
			g.add("LpNormalization", []string{x}, s, attr{"axis", one(len(s))}, attr{"p", one(2)})
		}
	case 18, 19: // with itself, over the last dimension or the one before
		x, s := g.pick(2, 4)
		if x == "" {
			return
		}
		perm, swapped := make([]int64, len(s)+1), slices.Clone(s)
		for i := range perm {
			perm[i] = int64(i)
		}
		last := len(s) - 1
		perm[last], perm[last+1] = perm[last+1], perm[last]
		swapped[last-1], swapped[last] = s[last], s[last-1]
		g.add("Transpose", []string{x}, swapped, attr{"perm", perm})
		y := g.names[len(g.names)-1]
		shape := slices.Clone(s)
		if g.r.IntN(2) == 0 {
			shape[last] = s[last-1]
		} else {
			x, y = y, x
			shape[last-1] = s[last]
		}
		g.add("MatMul", []string{x, y}, shape)
		g.floats(w, nil, 0.1)
		g.add("Mul", []string{g.names[len(g.names)-1], w}, shape)
	}
}

// randomModel is a model that nobody has thought of: its batch is open, or 1.
func randomModel(seed uint64) *grower {
	g := &grower{model: newModel(13), r: rand.New(rand.NewPCG(seed, 5)), names: []string{"v0"}, shapes: map[string][]int{"v0": {4, 6, 9}}}
	g.input("v0", int(seed%2), 4, 6, 9)
	for range 30 {
		if len(g.names) < 12 {
			g.grow()
		}
	}
	g.output(g.names[len(g.names)-1])
	return g
}
