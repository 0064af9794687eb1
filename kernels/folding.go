package kernels

import (
	"math"

	"github.com/infer-go/infer/asm"
)

// A folding is how elements become one number, in float64: what the variants of
// the reduce families do.
type folding uint8

const (
	foldSum folding = iota
	foldSquares
	foldMagnitudes
	foldProduct
	foldMax
	foldMin
)

var foldings = [...]string{
	foldSum: "sum", foldSquares: "squares", foldMagnitudes: "magnitudes",
	foldProduct: "product", foldMax: "max", foldMin: "min",
}

// identity is what folding nothing yields.
func (f folding) identity() float64 {
	switch f {
	case foldProduct:
		return 1
	case foldMax:
		return math.Inf(-1)
	case foldMin:
		return math.Inf(1)
	}
	return 0
}

// term is what of an element is folded; c is its centre. Without the conversion
// a compiler may fuse the product with the addition that follows.
func (f folding) term(x float32, c float64) float64 {
	switch f {
	case foldSquares:
		d := float64(x) - c
		return float64(d * d)
	case foldMagnitudes:
		return math.Abs(float64(x))
	}
	return float64(x)
}

// fold folds two numbers.
func (f folding) fold(a, b float64) float64 {
	switch f {
	case foldProduct:
		return a * b
	case foldMax:
		return max(a, b)
	case foldMin:
		return min(a, b)
	}
	return a + b
}

// rows and columns are the kernels that fold.
func (f folding) rows() asm.Kernel    { return asm.Kernel{Op: "reducerows", Variant: foldings[f]} }
func (f folding) columns() asm.Kernel { return asm.Kernel{Op: "reducecolumns", Variant: foldings[f]} }

var (
	normaliseRowsKernel    = asm.Kernel{Op: "normaliserows"}
	normaliseColumnsKernel = asm.Kernel{Op: "normalisecolumns"}
	softmaxKernel          = asm.Kernel{Op: "softmax"}
)

// portableRowKernels are the portable tier's kernels of the reduce and the
// normalise families.
func portableRowKernels(add func(k asm.Kernel, run any)) {
	for i := range foldings {
		f := folding(i)
		add(f.rows(), reduceRowsPortable(f))
		add(f.columns(), reduceColumnsPortable(f))
	}
	add(normaliseRowsKernel, normaliseRowsPortable)
	add(normaliseColumnsKernel, normaliseColumnsPortable)
	add(softmaxKernel, softmaxPortable)
}

func reduceRowsPortable(f folding) func(*asm.ReduceArgs) {
	return func(p *asm.ReduceArgs) {
		y := at(p.Y, 0, p.Rows)
		for r := range y {
			c := 0.0
			if f == foldSquares {
				c = at(p.C, 8*r, 1)[0]
			}
			y[r] = f.identity()
			for _, x := range at(p.X, r*p.XRow, p.N) {
				y[r] = f.fold(y[r], f.term(x, c))
			}
		}
	}
}

func reduceColumnsPortable(f folding) func(*asm.ReduceArgs) {
	return func(p *asm.ReduceArgs) {
		y := at(p.Y, 0, p.N)
		for r := range p.Rows {
			for i, x := range at(p.X, r*p.XRow, p.N) {
				c := 0.0
				if f == foldSquares {
					c = at(p.C, 8*i, 1)[0]
				}
				y[i] = f.fold(y[i], f.term(x, c))
			}
		}
	}
}

func normaliseRowsPortable(p *asm.NormaliseArgs) {
	step := p.ParamStep / 4
	scale, shift := at(p.Scale, 0, (p.N-1)*step+1), at(p.Shift, 0, (p.N-1)*step+1)
	for r := range p.Rows {
		mean, rest, factor := at(p.Mean, 4*r, 1)[0], at(p.Rest, 4*r, 1)[0], at(p.Factor, 4*r, 1)[0]
		y := at(p.Y, r*p.YRow, p.N)
		for i, x := range at(p.X, r*p.XRow, p.N) {
			d := float32((x - mean - rest) * factor)
			y[i] = float32(d*scale[i*step]) + shift[i*step]
		}
	}
}

func normaliseColumnsPortable(p *asm.NormaliseArgs) {
	mean, rest, factor, shift := at(p.Mean, 0, p.N), at(p.Rest, 0, p.N), at(p.Factor, 0, p.N), at(p.Shift, 0, p.N)
	for r := range p.Rows {
		y := at(p.Y, r*p.YRow, p.N)
		for i, x := range at(p.X, r*p.XRow, p.N) {
			y[i] = float32((x-mean[i]-rest[i])*factor[i]) + shift[i]
		}
	}
}

func softmaxPortable(p *asm.SoftmaxArgs) {
	for r := range p.Rows {
		x, y := at(p.X, r*p.XRow, p.N), at(p.Y, r*p.YRow, p.N)
		most := x[0]
		for _, v := range x {
			most = max(most, v)
		}
		sum := 0.0
		for i, v := range x {
			y[i] = float32(math.Exp(float64(v - most)))
			sum += float64(y[i])
		}
		scale := float32(1 / sum)
		for i := range y {
			y[i] *= scale
		}
	}
}
