package main

import (
	"fmt"
	"time"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// products are the matrix products that are raced: rows, columns, depth.
var products = [][3]int{
	{512, 512, 512}, {1024, 1024, 1024},
	{196, 32, 288}, {3136, 64, 64}, {196, 256, 2304}, {49, 512, 4608},
	{1, 128, 1568}, {1, 128, 5408},
}

func (b *bench) raceProducts() error {
	for _, s := range products {
		r, err := raceProduct(s[0], s[1], s[2], b.rounds, b.each)
		if err != nil {
			return err
		}
		b.Products = append(b.Products, r)
	}
	return nil
}

// raceProduct runs a matrix product against OpenBLAS and gonum. Ours has its
// right-hand side packed beforehand, as a frozen net has.
func raceProduct(m, n, k, rounds int, each time.Duration) (r result, err error) {
	a, b := make([]float32, m*k), make([]float32, k*n)
	fill(a)
	fill(b)
	ours, blas, pure := tensor.Aligned[float32](m*n), make([]float32, m*n), make([]float32, m*n)
	panels := kernels.PanelsParam(kernels.Panels{Elem: tensor.F32, Groups: 1, K: k, N: n},
		func(_, r, c int) float32 { return b[r*n+c] }, func(_, _ int) float32 { return 0 })
	tier, err := kernels.Default()
	if err != nil {
		return r, err
	}
	op, err := (&kernels.FullyConnected{Channels: n}).Bind(tier, []tensor.Type{tensor.Floats(1, k)}, []kernels.Param{panels})
	if err != nil {
		return r, err
	}
	w := &kernels.Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	in, out := [][]byte{tensor.Bytes(a)}, [][]byte{tensor.Bytes(ours)}
	contenders := []contender{
		{"infer f32", func() { op.Run(w, in, out, m, 0, op.Tasks(m)) }},
		{"OpenBLAS", func() { openBLAS(m, n, k, a, b, blas) }},
		{"gonum", func() { gonum(m, n, k, a, b, pure) }},
	}
	for _, c := range contenders {
		c.run()
	}
	r = result{Work: fmt.Sprintf("%d×%d×%d", m, n, k), Items: 1, MACs: float64(m) * float64(n) * float64(k), Error: difference(ours, blas)}
	if !(r.Error <= 1e-4) { // NaN too
		return r, fmt.Errorf("%s: differs from OpenBLAS by %.2g of the range", r.Work, r.Error)
	}
	r.Timings = race(rounds, each, contenders...)
	t := r.Timings
	fmt.Printf("%-16s infer %9.2f µs %6.1f GMAC/s   OpenBLAS %6.1f   gonum %5.1f   OpenBLAS ÷ infer: best %.2f, median %.2f, min %.2f\n", r.Work,
		t[0].Best/1e3, r.MACs/t[0].Best, r.MACs/t[1].Best, r.MACs/t[2].Best, t[1].Best/t[0].Best, t[1].Median/t[0].Median, t[1].Min/t[0].Min)
	return r, nil
}
