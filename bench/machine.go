package main

// The limits of the machine, measured without any of the kernels under test.

/*
#cgo CFLAGS: -O3 -march=native
#include <stddef.h>
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
// fma_loop does 12 independent chains of n vector multiply-adds and returns
// how many multiply-adds of single elements that were.
static double fma_loop(long n) {
	__m256 b = _mm256_set1_ps(0.999f), c = _mm256_set1_ps(1e-3f);
#define START(i) __m256 a##i = _mm256_set1_ps(i);
	ALL(START)
	for (long k = 0; k < n; k++) {
#define FMA(i) __asm__ volatile("vfmadd213ps %2, %1, %0" : "+x"(a##i) : "x"(b), "x"(c));
		ALL(FMA)
	}
	return 12.0 * 8 * n;
}
// read_loop loads n floats, in four streams as a matrix's panels are.
static void read_loop(const float *p, size_t n) {
	size_t q = n / 4 / 16 * 16;
	for (size_t k = 0; k < q; k += 16) {
#define LOAD(i) __asm__ volatile("prefetcht0 %2\n\tvmovups %0, %%ymm0\n\tvmovups %1, %%ymm1" \
		:: "m"(p[i * q + k]), "m"(p[i * q + k + 8]), "m"(p[i * q + k + 256]) : "xmm0", "xmm1");
		LOAD(0) LOAD(1) LOAD(2) LOAD(3)
	}
}
#else
static double fma_loop(long n) {
	float a[32];
	for (int i = 0; i < 32; i++) a[i] = i;
	for (long k = 0; k < n; k++) {
		for (int i = 0; i < 32; i++) a[i] = a[i] * 0.999f + 1e-3f;
		__asm__ volatile("" ::: "memory");
	}
	return 32.0 * n;
}
static void read_loop(const float *p, size_t n) {
	float s = 0;
	for (size_t k = 0; k < n; k++) s += p[k];
	__asm__ volatile("" :: "r"(s));
}
#endif
*/
import "C"

import (
	"runtime"
	"time"
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/infer-go/infer/engine"
)

// A machine is its measured limits, and what was measured on it.
type machine struct {
	Name        string `json:"name"` // the processor's own
	Kernels     string `json:"kernels"`
	Go          string `json:"go"`
	ONNXRuntime string `json:"onnxruntime"`

	Peak float64 `json:"fma_gmacs"` // float32 multiply-adds per nanosecond

	// GB/s of reading what lies in each cache, and in memory.
	L1, L2, L3, Memory float64
}

func measureMachine() machine {
	m := machine{Name: cpuid.CPU.BrandName, Go: runtime.Version()}
	m.Kernels, _ = engine.DefaultTier()
	const n = 20000
	for range 200 {
		start := time.Now()
		macs := float64(C.fma_loop(n))
		m.Peak = max(m.Peak, macs/float64(time.Since(start).Nanoseconds()))
	}
	m.L1, m.L2, m.L3, m.Memory = bandwidth(16<<10), bandwidth(256<<10), bandwidth(3<<20), bandwidth(256<<20)
	return m
}

func bandwidth(bytes int) float64 {
	buf := make([]float32, bytes/4)
	for i := range buf {
		buf[i] = 1
	}
	p, best := (*C.float)(unsafe.Pointer(&buf[0])), 0.0
	reps := max(1, 4<<20/bytes)
	for range 100 {
		start := time.Now()
		for range reps {
			C.read_loop(p, C.size_t(len(buf)))
		}
		best = max(best, float64(bytes*reps)/float64(time.Since(start).Nanoseconds()))
	}
	return best
}
