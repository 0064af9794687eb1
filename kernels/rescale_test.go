package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestRescaling finds the linear functions of tables that requantise, from any zero
// point to any other, with and without a ReLU, and of no others.
func TestRescaling(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	missed := 0
	for range 2000 {
		from := Elements{Elem: tensor.U8, Scale: 1, Zero: int32(rng.IntN(256))}
		to := Elements{Elem: tensor.U8, Scale: float32(math.Exp2(4*rng.Float64() - 1)), Zero: int32(rng.IntN(256))}
		if rng.IntN(2) == 0 {
			from.Zero, to.Zero = 0, 0
		}
		act := Act{}
		if rng.IntN(2) == 0 {
			act = Act{Kind: Clamp, Hi: float32(math.Inf(1))}
		}
		table := tableOf(from, to, act)
		values := map[byte]bool{}
		for _, y := range table {
			values[y] = true
		}
		a, ok := rescalingOf(table)
		if !ok {
			if len(values) <= 8 {
				continue
			}
			if missed++; to.Scale >= 1 || missed > 10 { // steps that grow leave less room
				t.Errorf("%v to %v, %v: no linear function", from, to, act)
			}
			continue
		}
		if !rescales(&a, table) {
			t.Fatalf("%v to %v, %v: %+v is another function", from, to, act, a)
		}
	}
	for _, act := range []Act{{Kind: ActTanh}, {Kind: ActSigmoid}, {Kind: ActHardSwish}} {
		from, to := Elements{Elem: tensor.U8, Scale: 0.03, Zero: 120}, Elements{Elem: tensor.U8, Scale: 0.008, Zero: 100}
		if a, ok := rescalingOf(tableOf(from, to, act)); ok {
			t.Errorf("%v is linear: %+v", act, a)
		}
	}
	for _, table := range []*[256]byte{{}, {255: 1}, {0: 9, 1: 200}} {
		if a, ok := rescalingOf(table); ok && !rescales(&a, table) {
			t.Errorf("%v is not %+v", table, a)
		}
	}
}

func tableOf(from, to Elements, act Act) *[256]byte {
	u := &Unary{Act: act, Result: to}
	return (*[256]byte)(TableParam(from, to, u.Of).Data)
}
