package protocol

import (
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestConversions(t *testing.T) {
	for _, c := range []struct {
		v  Value
		e  tensor.Elem
		ok bool
	}{
		{Whole(1 << 24), tensor.F32, true}, {Whole(1<<24 + 1), tensor.F32, false}, {Whole(math.MaxInt64), tensor.F32, false}, {Whole(math.MinInt64), tensor.F32, true},
		{Real(0.1), tensor.F32, false}, {Real(float64(float32(0.1))), tensor.F32, true}, {Real(math.NaN()), tensor.F32, true}, {Real(math.Inf(1)), tensor.F32, true}, {Real(1e300), tensor.F32, false},
		{Real(0.5), tensor.F16, true}, {Real(float64(float32(0.1))), tensor.F16, false}, {Real(math.NaN()), tensor.F16, true}, {Real(1e6), tensor.F16, false},
		{Whole(255), tensor.U8, true}, {Whole(256), tensor.U8, false}, {Whole(-1), tensor.U8, false}, {Real(3), tensor.U8, true}, {Real(3.5), tensor.U8, false},
		{Whole(-128), tensor.I8, true}, {Whole(128), tensor.I8, false}, {Whole(-32768), tensor.I16, true}, {Whole(32768), tensor.I16, false},
		{Whole(math.MaxInt32), tensor.I32, true}, {Whole(math.MaxInt32 + 1), tensor.I32, false}, {Whole(math.MinInt64), tensor.I64, true}, {Real(1 << 63), tensor.I64, false}, {Real(math.NaN()), tensor.I64, false},
		{Whole(1), tensor.Bool, true}, {Whole(2), tensor.Bool, false},
	} {
		b, err := c.v.Store(nil, c.e)
		if (err == nil) != c.ok {
			t.Errorf("%v as %v: %v", c.v, c.e, err)
		}
		if err != nil {
			continue
		}
		back := DatatypeOf(c.e).Read(b)
		x, _ := c.v.Float()
		y, _ := back.Float()
		if x != y && x == x || (x == x) != (y == y) {
			t.Errorf("%v as %v is %v", c.v, c.e, back)
		}
	}
	for e := range tensor.LastElem + 1 {
		if d := DatatypeOf(e); d.Size != e.Size() {
			t.Errorf("%v is %v", e, d)
		}
	}
}
