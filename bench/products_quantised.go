package main

// What a processor can do with bytes at most, measured without any of the kernels
// under test, and how near to it products come.

/*
#cgo CFLAGS: -O3 -march=native
#if defined(__AVX512VNNI__)
#include <immintrin.h>
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
// dot_loop does 12 independent chains of n vectors of sums of four products of
// bytes, and returns how many products that were.
static double dot_loop(long n) {
	__m512i b = _mm512_set1_epi32(0x01020304), c = b;
#define START(i) __m512i a##i = _mm512_set1_epi32(i);
	ALL(START)
	for (long k = 0; k < n; k++) {
#define DOT(i) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(a##i) : "v"(b), "v"(c));
		ALL(DOT)
	}
	return 12.0 * 64 * n;
}
#undef ALL
#undef START
#else
static double dot_loop(long n) { return 0; }
#endif
#if defined(__AVX2__)
#include <immintrin.h>
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
// pair_loop does the same with sums of two products of int16, which bytes are
// widened to.
static double pair_loop(long n) {
	__m256i b = _mm256_set1_epi16(3), c = b;
#define START(i) __m256i a##i = _mm256_set1_epi32(i);
	ALL(START)
	for (long k = 0; k < n; k++) {
#define PAIR(i) __asm__ volatile("vpmaddwd %2, %1, %%ymm15\n\tvpaddd %%ymm15, %0, %0" : "+x"(a##i) : "x"(b), "x"(c) : "xmm15");
		ALL(PAIR)
	}
	return 12.0 * 16 * n;
}
#else
static double pair_loop(long n) { return 0; }
#endif
*/
import "C"

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// quantisedProducts are the products of bytes that are timed.
var quantisedProducts = [][3]int{{196, 256, 2304}, {49, 512, 4608}, {3136, 64, 64}, {512, 512, 512}, {1024, 1024, 1024}}

// A peak is a loop of nothing but multiply-adds in registers. Run returns how many.
type peak struct {
	name  string
	tiers []string // whose kernels do it so
	run   func(n int) (macs float64)
}

var peaks = []peak{
	{"vpdpbusd, 64 bytes", []string{"avx512"}, func(n int) float64 { return float64(C.dot_loop(C.long(n))) }},
	{"vpmaddwd and vpaddd, 32 bytes", []string{"avx2"}, func(n int) float64 { return float64(C.pair_loop(C.long(n))) }},
}

// raceQuantisedProducts runs products of uint8 by int8 in turns with what the
// processor can do at most, on each tier for which a loop says that.
func (b *bench) raceQuantisedProducts() error {
	for _, p := range peaks {
		for _, name := range p.tiers {
			tier, err := kernels.ByName(name)
			if err != nil || p.run(1) == 0 {
				fmt.Printf("%s: not on this processor\n", name)
				continue
			}
			for _, s := range quantisedProducts {
				r, err := raceQuantisedProduct(tier, p, s[0], s[1], s[2], b.rounds, b.each)
				if err != nil {
					return err
				}
				b.QuantisedProducts = append(b.QuantisedProducts, r)
			}
		}
	}
	return nil
}

// raceQuantisedProduct runs a product against a peak. Results are bytes.
func raceQuantisedProduct(tier *kernels.Tier, p peak, m, n, k, rounds int, each time.Duration) (r result, err error) {
	rng := rand.New(rand.NewPCG(uint64(m), uint64(k)))
	a, b := tensor.AlignedBytes(m*k), make([]int8, k*n)
	for i := range a {
		a[i] = byte(rng.IntN(256))
	}
	for i := range b {
		b[i] = int8(rng.IntN(255) - 127)
	}
	x := kernels.Elements{Elem: tensor.U8, Scale: 0.02, Zero: 3}
	y := kernels.Elements{Elem: tensor.U8, Scale: 0.5, Zero: 128}
	const scale = 0.005
	panels := kernels.QuantisedPanelsParam(kernels.Panels{Groups: 1, K: k, N: n},
		func(_, r, c int) int8 { return b[r*n+c] }, func(_, _ int) float32 { return scale }, func(_, _ int) int32 { return 0 })
	op, err := (&kernels.FullyConnected{Channels: n, Result: y}).Bind(tier, []tensor.Type{x.Of(1, k)}, []kernels.Param{panels})
	if err != nil {
		return r, err
	}
	w := &kernels.Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	in, out := [][]byte{a}, [][]byte{tensor.AlignedBytes(m * n)}
	product := func() { op.Run(w, in, out, m, 0, op.Tasks(m)) }
	product()
	r = result{Work: fmt.Sprintf("%d×%d×%d, %s", m, n, k, tier.Name), Items: 1, MACs: float64(m) * float64(n) * float64(k)}
	got, want := make([]float32, 1000), make([]float32, 1000)
	for i := range got {
		row, col, sum := rng.IntN(m), rng.IntN(n), int64(0)
		for j := range k {
			sum += (int64(a[row*k+j]) - int64(x.Zero)) * int64(b[j*n+col])
		}
		got[i] = float32(out[0][row*n+col])
		want[i] = min(max(float32(sum)*x.Scale*scale/y.Scale+float32(y.Zero), 0), 255)
		if d := got[i] - want[i]; !(max(d, -d) < 0.51) {
			return r, fmt.Errorf("%s: %v, where the sum comes to %v", r.Work, got[i], want[i])
		}
	}
	r.Error = difference(got, want)
	const loops = 20000
	macs := p.run(loops)
	r.Timings = race(rounds, each, contender{"infer u8×i8", product}, contender{p.name, func() { p.run(loops) }})
	t := r.Timings
	ours, most := r.MACs/t[0].Best, macs/t[1].Best
	fmt.Printf("%-24s infer %9.2f µs %6.1f GMAC/s   %s %6.1f   infer ÷ that: %.3f, of the minima %.3f\n", r.Work, t[0].Best/1e3, ours, p.name, most, ours/most, r.MACs/t[0].Min/(macs/t[1].Min))
	return r, nil
}
