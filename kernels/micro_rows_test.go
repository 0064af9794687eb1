package kernels

import (
	"math"
	"math/big"
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
)

func (m *micro) testReduceRows(k asm.Kernel, run func(*asm.ReduceArgs)) {
	for n := 1; n <= 70; n++ {
		for _, rows := range []int{1, 2, 5} {
			m.reduceRows(k, run, rows, n)
		}
	}
	m.reduceRows(k, run, 3, 1001)
}

func (m *micro) reduceRows(k asm.Kernel, run func(*asm.ReduceArgs), rows, n int) {
	m.Helper()
	f := folding(slices.Index(foldings[:], k.Variant))
	p := &asm.ReduceArgs{XRow: m.prime(n), Rows: rows, N: n}
	x, c := m.floats((rows-1)*p.XRow+n), m.centres(rows)
	p.X, p.C = &x[0], &c[0]
	if f != foldSquares {
		p.C = nil
	}
	y := m.doubles(rows)
	p.Y = &y[0]
	run(inBytes(p))
	for r := range rows {
		m.checkFold(f, y[r], x[r*p.XRow:][:n], 1, c[r], f.identity(), "row %d of %d of %d", r, rows, n)
	}
	m.check(m.target(0), "%d rows of %d", rows, n)
}

func (m *micro) testReduceColumns(k asm.Kernel, run func(*asm.ReduceArgs)) {
	for n := 1; n <= 70; n++ {
		for _, rows := range []int{1, 2, 5} {
			m.reduceColumns(k, run, rows, n)
		}
	}
	m.reduceColumns(k, run, 301, 17)
}

func (m *micro) reduceColumns(k asm.Kernel, run func(*asm.ReduceArgs), rows, n int) {
	m.Helper()
	f := folding(slices.Index(foldings[:], k.Variant))
	p := &asm.ReduceArgs{XRow: m.prime(n), Rows: rows, N: n}
	whole := ceilDiv(n, lanes) * lanes
	x, c := m.floats((rows-1)*p.XRow+n), m.centres(whole)
	p.X, p.C = &x[0], &c[0]
	if f != foldSquares {
		p.C = nil
	}
	y := m.doubles(whole)
	first := make([]float64, n)
	for i := range first {
		first[i] = f.identity()
		if i%2 == 0 {
			first[i] = 0.25
		}
		y[i] = first[i]
	}
	p.Y = &y[0]
	run(inBytes(p))
	for i := range n {
		m.checkFold(f, y[i], x[i:], p.XRow, c[i], first[i], "column %d of %d, %d rows", i, n, rows)
	}
	m.check(m.target(0), "%d rows of %d", rows, n)
}

// centres are n numbers in float64.
func (m *micro) centres(n int) []float64 {
	c := make([]float64, n)
	for i := range c {
		c[i] = 2*m.Float64() - 1
	}
	return place(m, c)
}

// doubles are n float64 in guarded memory, to be written.
func (m *micro) doubles(n int) []float64 {
	y := guard.Make[float64](m.memory, n, m.side)
	for i := range y {
		y[i] = math.NaN()
	}
	return y
}

// checkFold compares one result with exact arithmetic: n elements are folded
// that stand step apart.
func (m *micro) checkFold(f folding, got float64, x []float32, step int, c, first float64, format string, args ...any) {
	m.Helper()
	want, size, n := new(big.Float).SetPrec(2000), 0.0, 0
	special := first // as the formula has it where exact arithmetic cannot
	exact := true
	if !math.IsInf(first, 0) {
		want.SetFloat64(first)
	}
	for i := 0; i < len(x); i += step {
		t := f.term(x[i], c)
		special = f.fold(special, t)
		size += math.Abs(t)
		n++
		if exact = exact && !math.IsNaN(t) && !math.IsInf(t, 0); !exact {
			continue
		}
		term := new(big.Float).SetPrec(2000).SetFloat64(float64(x[i]))
		switch f {
		case foldSquares:
			term.Sub(term, big.NewFloat(c))
			term.Mul(term, term)
		case foldMagnitudes:
			term.Abs(term)
		}
		switch f {
		case foldProduct:
			want.Mul(want, term)
		case foldMax, foldMin:
		default:
			want.Add(want, term)
		}
	}
	wanted, bound := special, 0.0
	if exact && f != foldMax && f != foldMin {
		wanted, _ = want.Float64()
		bound = float64(n+2) * 0x1p-53 * (size + math.Abs(first))
		if f == foldProduct {
			bound = float64(n+1)*0x1p-53*math.Abs(wanted) + 1e-300
		}
	}
	if got != wanted && !(math.IsNaN(got) && math.IsNaN(wanted)) && !(math.Abs(got-wanted) <= bound) {
		m.Fatalf(format+": %v, want %v ± %v", append(args, got, wanted, bound)...)
	}
}

func (m *micro) testNormaliseRows(_ asm.Kernel, run func(*asm.NormaliseArgs)) {
	for n := 1; n <= 70; n++ {
		for _, step := range []int{0, 1} {
			m.normalise(run, 3, n, step, true, m.IntN(2) == 0)
		}
	}
}

func (m *micro) testNormaliseColumns(_ asm.Kernel, run func(*asm.NormaliseArgs)) {
	for n := 1; n <= 70; n++ {
		for _, rows := range []int{1, 2, 5} {
			m.normalise(run, rows, n, 1, false, m.IntN(2) == 0)
		}
	}
}

// normalise tests either kernel: params of rows, or of columns.
func (m *micro) normalise(run func(*asm.NormaliseArgs), rows, n, step int, byRow, inPlace bool) {
	m.Helper()
	p := &asm.NormaliseArgs{XRow: m.prime(n), ParamStep: step, Rows: rows, N: n}
	p.YRow = m.prime(n)
	if inPlace {
		p.YRow = p.XRow
	}
	params := rows
	if !byRow {
		params = ceilDiv(n, lanes) * lanes
	}
	mean, rest, factor := m.finite(params), m.finite(params), m.finite(params)
	for i := range rest {
		rest[i] *= 0x1p-24
	}
	m.operands = m.operands[:0]
	wide := n
	if step == 0 || !byRow {
		wide = ceilDiv(n, lanes) * lanes
	}
	scale, shift := m.finite(wide), m.finite(wide)
	if step == 0 {
		for i := range scale {
			scale[i], shift[i] = scale[0], shift[0]
		}
	}
	m.operands = m.operands[:0]
	x := m.floats((rows-1)*p.XRow + n)
	source := slices.Clone(x)
	y := m.target((rows-1)*p.YRow + n)
	p.X, p.Y = &x[0], &y.got[0]
	if inPlace {
		m.operands = m.operands[:0]
		copy(y.got, x)
		p.X = p.Y
	}
	p.Mean, p.Rest, p.Factor, p.Scale, p.Shift = &mean[0], &rest[0], &factor[0], &scale[0], &shift[0]
	for i := range y.got {
		if r, c := i/p.YRow, i%p.YRow; r < rows && c < n {
			j, s := c, float64(1)
			if byRow {
				j, s = r, float64(scale[c])
			}
			d := float64(source[r*p.XRow+c]) - float64(mean[j])
			y.want[i] = sum{value: (d-float64(rest[j]))*float64(factor[j])*s + float64(shift[c])}
			y.want[i].size = (math.Abs(float64(source[r*p.XRow+c]))+1)*math.Abs(float64(factor[j])*s) + math.Abs(float64(shift[c]))
			y.want[i].within(5 * 0x1p-24)
		} else if inPlace {
			y.want[i] = exactly(source[i])
		}
	}
	run(inBytes(p))
	m.check(y, "%d rows of %d, step %d, in place %v", rows, n, step, inPlace)
}

func (m *micro) testSoftmax(_ asm.Kernel, run func(*asm.SoftmaxArgs)) {
	for n := 1; n <= 100; n++ {
		for _, rows := range []int{1, 3} {
			m.softmax(run, rows, n, m.IntN(2) == 0)
		}
	}
}

func (m *micro) softmax(run func(*asm.SoftmaxArgs), rows, n int, inPlace bool) {
	m.Helper()
	p := &asm.SoftmaxArgs{XRow: m.prime(n), Rows: rows, N: n}
	p.YRow = m.prime(n)
	if inPlace {
		p.YRow = p.XRow
	}
	x := m.floats((rows-1)*p.XRow + n)
	scale := []float32{1, 10, 60}[m.IntN(3)]
	for i := range x {
		x[i] *= scale
	}
	m.operands[len(m.operands)-1].before = slices.Clone(bytesOf(x))
	y := m.target((rows-1)*p.YRow + n)
	p.X, p.Y = &x[0], &y.got[0]
	if inPlace {
		copy(y.got, x)
		p.X = p.Y
		for i := range y.want {
			y.want[i] = exactly(x[i])
		}
	}
	for r := range rows {
		row := x[r*p.XRow:][:n]
		most, total := float64(slices.Max(row)), 0.0
		for _, v := range row {
			most = max(most, float64(v))
		}
		for _, v := range row {
			total += math.Exp(float64(v) - most)
		}
		for i, v := range row {
			d := float64(v) - most
			s := sum{value: math.Exp(d) / total}
			if s.value != 0 {
				s.size = s.value * (math.Abs(d) + 16)
			}
			s.within(0x1p-24)
			s.bound += math.Exp(-86.9)
			s.loose = math.IsInf(most, 1)
			if s.loose {
				s.value = 0 // or NaN
			}
			y.want[r*p.YRow+i] = s
		}
	}
	run(inBytes(p))
	m.check(y, "%d rows of %d, in place %v", rows, n, inPlace)
}
