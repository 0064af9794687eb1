package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// runsTo freezes a model of inputs of these shapes, and compares its outputs y
// with what a reference in float64 makes of the same inputs.
func runsTo(t *testing.T, m *model, shapes [][]int, shape []int, want func(in [][]float64) []float64) {
	t.Helper()
	var in [][]float32
	var wide [][]float64
	for i, dims := range shapes {
		m.input(fmt.Sprintf("x%d", i), dims...)
		x := make([]float32, tensor.Shape(dims).Volume())
		y := make([]float64, len(x))
		for j := range x {
			x[j] = float32((j*37+i*11)%101)/50 - 0.9
			y[j] = float64(x[j])
		}
		in, wide = append(in, x), append(wide, y)
	}
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := net.Values[net.Outputs[0]].Shape; !slices.Equal(got, shape) {
		t.Fatalf("shape %v, want %v", got, shape)
	}
	got, w := run(t, net, 1, in...)[0], want(wide)
	for i, v := range w {
		if !(math.Abs(float64(got[i])-v) <= 1e-5*max(math.Abs(v), 1)) {
			t.Fatalf("element %d is %v, want %v", i, got[i], v)
		}
	}
}

// reductions are the reduce operators, by their formulas.
var reductions = map[string]func(x []float64) float64{
	"ReduceMean":      func(x []float64) float64 { return total(x, func(v float64) float64 { return v }) / float64(len(x)) },
	"ReduceSum":       func(x []float64) float64 { return total(x, func(v float64) float64 { return v }) },
	"ReduceMax":       func(x []float64) float64 { return slices.Max(x) },
	"ReduceMin":       func(x []float64) float64 { return slices.Min(x) },
	"ReduceL1":        func(x []float64) float64 { return total(x, math.Abs) },
	"ReduceL2":        func(x []float64) float64 { return math.Sqrt(total(x, square)) },
	"ReduceSumSquare": func(x []float64) float64 { return total(x, square) },
	"ReduceLogSumExp": func(x []float64) float64 { return math.Log(total(x, math.Exp)) },
	"ReduceProd": func(x []float64) float64 {
		product := 1.0
		for _, v := range x {
			product *= v
		}
		return product
	},
}

func square(x float64) float64 { return x * x }

func total(x []float64, f func(float64) float64) (sum float64) {
	for _, v := range x {
		sum += f(v)
	}
	return sum
}

// TestReduceOperators reduces a map's channels and all of it, with axes as an
// attribute and as an operand, of an activation and of a constant.
func TestReduceOperators(t *testing.T) {
	for op, f := range reductions {
		along := func(in [][]float64) (y []float64) {
			for _, i := range []int{0, 1} {
				for w := range 5 {
					var x []float64
					for c := range 4 {
						x = append(x, in[0][(i*4+c)*5+w])
					}
					y = append(y, f(x))
				}
			}
			return y
		}
		t.Run(op, func(t *testing.T) {
			m := newModel(11)
			m.node(op, "x0", "y", attr{"axes", []int64{-2}}, attr{"keepdims", 0})
			runsTo(t, m, [][]int{{2, 4, 5}}, []int{2, 5}, along)
			m = newModel(18)
			m.ints("axes", 1)
			m.node(op, "x0 axes", "y")
			runsTo(t, m, [][]int{{2, 4, 5}}, []int{2, 1, 5}, along)
			m = newModel(18)
			m.node(op, "x0", "y", attr{"keepdims", 0})
			runsTo(t, m, [][]int{{2, 4, 5}}, []int{}, func(in [][]float64) []float64 { return []float64{f(in[0])} })
			m = newModel(18)
			m.ints("axes", 1)
			c := []float32{0.5, 2, 1.5, 3, 1, 0.25}
			m.floats("c", []int{2, 3}, c...)
			m.node(op, "c axes", "r")
			m.node("Add", "x0 r", "y")
			runsTo(t, m, [][]int{{2, 3}}, []int{2, 3}, func(in [][]float64) []float64 {
				for i := range in[0] {
					var x []float64
					for _, v := range c[i/3*3:][:3] {
						x = append(x, float64(v))
					}
					in[0][i] += f(x)
				}
				return in[0]
			})
		})
	}
}

// TestReduceIntegers computes the size of a shape.
func TestReduceIntegers(t *testing.T) {
	m := newModel(13)
	m.node("Shape", "x0", "s")
	m.node("ReduceProd", "s", "n", attr{"keepdims", 1})
	m.node("Reshape", "x0 n", "y")
	runsTo(t, m, [][]int{{2, 3, 4}}, []int{24}, func(in [][]float64) []float64 { return in[0] })
}

// normalised is (x − mean)/√(variance + epsilon).
func normalised(x []float64, epsilon float64) []float64 {
	mean := total(x, func(v float64) float64 { return v }) / float64(len(x))
	variance := total(x, func(v float64) float64 { return square(v - mean) }) / float64(len(x))
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mean) / math.Sqrt(variance+epsilon)
	}
	return y
}

func TestNormalisations(t *testing.T) {
	scale, shift := []float32{0.5, 2, -1, 3, 1, 0.25}, []float32{1, 0, -1, 0.5, 2, 3}
	channels := func(m *model) {
		m.floats("scale", []int{6}, scale...)
		m.floats("shift", []int{6}, shift...)
	}
	// rows normalises rows of n elements, of which element i is scaled as channel(i).
	rows := func(n int, epsilon float64, channel func(i int) int) func(in [][]float64) []float64 {
		return func(in [][]float64) (y []float64) {
			for i := 0; i < len(in[0]); i += n {
				for _, v := range normalised(in[0][i:i+n], epsilon) {
					if c := channel(len(y)); c >= 0 {
						v = v*float64(scale[c]) + float64(shift[c])
					}
					y = append(y, v)
				}
			}
			return y
		}
	}
	for _, c := range []struct {
		name  string
		opset int64
		shape []int
		build func(m *model)
		want  func(in [][]float64) []float64
	}{
		{"LayerNormalization", 17, []int{2, 3, 6}, func(m *model) {
			channels(m)
			m.node("LayerNormalization", "x0 scale shift", "y")
		}, rows(6, 1e-5, func(i int) int { return i % 6 })},
		{"LayerNormalization from axis 1 on, without a shift", 17, []int{2, 3, 2}, func(m *model) {
			m.floats("scale", []int{1}, 1)
			m.node("LayerNormalization", "x0 scale", "y", attr{"axis", 1}, attr{"epsilon", float32(0.25)})
		}, rows(6, 0.25, func(int) int { return -1 })},
		{"InstanceNormalization in three dimensions", 13, []int{2, 6, 2, 3, 2}, func(m *model) {
			channels(m)
			m.node("InstanceNormalization", "x0 scale shift", "y")
		}, rows(12, 1e-5, func(i int) int { return i / 12 % 6 })},
		{"GroupNormalization with channels' scales", 21, []int{2, 6, 3, 2}, func(m *model) {
			channels(m)
			m.node("GroupNormalization", "x0 scale shift", "y", attr{"num_groups", 3})
		}, rows(12, 1e-5, func(i int) int { return i / 6 % 6 })},
		{"GroupNormalization with groups' scales", 18, []int{2, 6, 5}, func(m *model) {
			m.floats("scale", []int{3}, scale[:3]...)
			m.floats("shift", []int{3}, shift[:3]...)
			m.node("GroupNormalization", "x0 scale shift", "y", attr{"num_groups", 3})
		}, rows(10, 1e-5, func(i int) int { return i / 10 % 3 })},
		{"MeanVarianceNormalization", 13, []int{1, 2, 3, 4}, func(m *model) {
			m.node("MeanVarianceNormalization", "x0", "y", attr{"axes", []int64{2, 3}})
		}, rows(12, 0, func(int) int { return -1 })},
		{"LpNormalization", 13, []int{2, 4}, func(m *model) {
			m.node("LpNormalization", "x0", "y", attr{"axis", 1}, attr{"p", 1})
		}, func(in [][]float64) (y []float64) {
			for i, v := range in[0] {
				y = append(y, v/total(in[0][i/4*4:][:4], math.Abs))
			}
			return y
		}},
		{"LpPool", 18, []int{1, 2, 4}, func(m *model) {
			m.node("LpPool", "x0", "y0", attr{"kernel_shape", []int64{2}}, attr{"pads", []int64{1, 1}})
			m.node("GlobalLpPool", "y0", "y1", attr{"p", 1})
			m.node("Mul", "x0 y1", "y")
		}, func(in [][]float64) (y []float64) {
			for i, v := range in[0] {
				x := append(append([]float64{0}, in[0][i/4*4:][:4]...), 0)
				sum := 0.0
				for j := range 5 {
					sum += math.Sqrt(square(x[j]) + square(x[j+1]))
				}
				y = append(y, v*sum)
			}
			return y
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(c.opset)
			c.build(m)
			runsTo(t, m, [][]int{c.shape}, c.shape, c.want)
		})
	}
}

// TestLayerStatistics asks for the mean and one by the deviation.
func TestLayerStatistics(t *testing.T) {
	m := newModel(17)
	m.floats("scale", []int{4}, 1, 1, 1, 1)
	m.node("LayerNormalization", "x0 scale", "n", attr{"epsilon", float32(0.5)})
	m.nodes[len(m.nodes)-1].out = []string{"n", "mean", "inverse"}
	m.node("Mul", "mean inverse", "y")
	runsTo(t, m, [][]int{{3, 4}}, []int{3, 1}, func(in [][]float64) (y []float64) {
		for i := 0; i < len(in[0]); i += 4 {
			x := in[0][i : i+4]
			mean := total(x, func(v float64) float64 { return v }) / 4
			variance := total(x, func(v float64) float64 { return square(v - mean) }) / 4
			y = append(y, mean/math.Sqrt(variance+0.5))
		}
		return y
	})
}

// TestMatMulOfStacks multiplies by constant stacks on either side.
func TestMatMulOfStacks(t *testing.T) {
	w := make([]float32, 2*3*4)
	for i := range w {
		w[i] = float32(i%7) - 3
	}
	m := newModel(13)
	m.floats("w", []int{2, 3, 4}, w...)
	m.node("MatMul", "x0 w", "y")
	runsTo(t, m, [][]int{{5, 1, 2, 3}}, []int{5, 2, 2, 4}, func(in [][]float64) (y []float64) {
		for i := range 5 {
			for g := range 2 {
				for r := range 2 {
					for j := range 4 {
						sum := 0.0
						for k := range 3 {
							sum += in[0][(i*2+r)*3+k] * float64(w[(g*3+k)*4+j])
						}
						y = append(y, sum)
					}
				}
			}
		}
		return y
	})
	m = newModel(13)
	m.floats("w", []int{2, 3, 4}, w...)
	m.node("MatMul", "w x0", "y")
	runsTo(t, m, [][]int{{4, 5}}, []int{2, 3, 5}, func(in [][]float64) (y []float64) {
		for r := range 6 {
			for j := range 5 {
				sum := 0.0
				for k := range 4 {
					sum += float64(w[r*4+k]) * in[0][k*5+j]
				}
				y = append(y, sum)
			}
		}
		return y
	})
}

// TestEinsum compares with the sum that the equation says, over all indices.
func TestEinsum(t *testing.T) {
	for _, c := range []struct {
		equation string
		explicit string // the same in full, with letters for an ellipsis
		shapes   [][]int
	}{
		{"ij,jk->ik", "ij,jk->ik", [][]int{{2, 3}, {3, 4}}},
		{"ij, jk", "ij,jk->ik", [][]int{{2, 3}, {3, 4}}},
		{"bqhd,bkhd->bhqk", "bqhd,bkhd->bhqk", [][]int{{2, 3, 2, 4}, {2, 5, 2, 4}}},
		{"bhqk,bkhd->bqhd", "bhqk,bkhd->bqhd", [][]int{{2, 2, 3, 5}, {2, 5, 2, 4}}},
		{"...ij,...jk->...ik", "abij,bjk->abik", [][]int{{2, 3, 2, 4}, {3, 4, 2}}},
		{"nchw,nvc->nvhw", "nchw,nvc->nvhw", [][]int{{2, 3, 2, 2}, {2, 5, 3}}},
		{"i,j->ij", "i,j->ij", [][]int{{3}, {4}}},
		{"i,i->", "i,i->", [][]int{{3}, {3}}},
		{"ij->ji", "ij->ji", [][]int{{3, 2}}},
		{"abc->b", "abc->b", [][]int{{2, 3, 4}}},
		{"ba", "ba->ab", [][]int{{3, 2}}},
		{"ijk,jl->il", "ijk,jl->il", [][]int{{2, 3, 4}, {3, 5}}},
		{"ij,jk->ik", "ij,jk->ik", [][]int{{2, 3}, {1, 4}}},
	} {
		t.Run(c.equation, func(t *testing.T) {
			left, result, _ := strings.Cut(c.explicit, "->")
			terms := strings.Split(left, ",")
			size := map[byte]int{}
			for i, term := range terms {
				for j, label := range []byte(term) {
					size[label] = max(size[label], c.shapes[i][j])
				}
			}
			labels := []byte(result)
			for label := range size {
				if !slices.Contains(labels, label) {
					labels = append(labels, label)
				}
			}
			var dims []int
			for _, label := range labels {
				dims = append(dims, size[label])
			}
			shape := append([]int{}, dims[:len(result)]...)
			m := newModel(13)
			var names []string
			for i := range c.shapes {
				names = append(names, fmt.Sprintf("x%d", i))
			}
			m.node("Einsum", strings.Join(names, " "), "y", attr{"equation", c.equation})
			runsTo(t, m, c.shapes, shape, func(in [][]float64) []float64 {
				y := make([]float64, tensor.Shape(shape).Volume())
				index := make([]int, len(dims))
				for range tensor.Shape(dims).Volume() {
					product := 1.0
					for i, term := range terms {
						at := 0
						for j, label := range []byte(term) {
							d := c.shapes[i][j]
							at = at*d + min(index[slices.Index(labels, label)], d-1)
						}
						product *= in[i][at]
					}
					y[flatIndex(index[:len(shape)], shape)] += product
					next(index, dims)
				}
				return y
			})
		})
	}
}

// TestEinsumErrors has equations that are refused.
func TestEinsumErrors(t *testing.T) {
	letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for equation, want := range map[string]string{
		"ii->i":                          "diagonals are not supported",
		"ij->k":                          "occurs in no term",
		"ijk->i":                         "is of 3 dimensions",
		"i1->i":                          "is not a letter",
		"ij,jk->ik":                      "for 1 operands",
		letters + "->" + letters:         "is of 52 dimensions",
		strings.Repeat("a", 300) + "->a": "an equation of 303 characters",
		"":                               "is of 0 dimensions",
		"...ijk->i":                      "for a tensor of shape",
	} {
		m := newModel(13)
		m.input("x", 3, 3)
		m.node("Einsum", "x", "y", attr{"equation", equation})
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", equation, err, want)
		}
	}
}

// TestLpPoolBeyond has windows that ceil_mode lets reach beyond the map.
func TestLpPoolBeyond(t *testing.T) {
	m := newModel(18)
	m.input("x", 1, 1, 5)
	m.node("LpPool", "x", "y", attr{"kernel_shape", []int64{3}}, attr{"strides", []int64{3}}, attr{"ceil_mode", 1}, attr{"p", 1})
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := run(t, net, 1, []float32{1, -2, 3, -4, 5})[0], []float32{6, 9}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
