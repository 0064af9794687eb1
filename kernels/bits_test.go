package kernels

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// TestSameBits runs layers on every tier that multiplies and adds in one
// rounding, and compares the results with those recorded from the first of
// them: a chain of sums in a fixed order leaves no room for another result,
// whatever the machine. The portable tier rounds twice.
func TestSameBits(t *testing.T) {
	act := Act{Kind: Clamp, Lo: -0.5, Hi: 2}
	conv := func(cin, channels, kernel, stride, pad int, algorithm Winograd, pool bool) (Spec, []int, Param) {
		c := &Conv{Window: square(kernel, stride, pad), Groups: 1, Channels: channels, Act: act, Pool: pool, Winograd: algorithm}
		return c, []int{1, 23, 19, cin}, bitsPanels(tensor.F32, kernel*kernel*cin, channels)
	}
	fully := func(rows, k, n int, e tensor.Elem) (Spec, []int, Param) {
		return &FullyConnected{Channels: n, Act: act}, []int{rows, k}, bitsPanels(e, k, n)
	}
	transposed := func(cin, cout, groups int) (Spec, []int, Param) {
		weight := bitsStream(2)
		c := &ConvTranspose{Window: square(4, 2, 1), Groups: groups, Channels: cout, Act: act}
		return c, []int{1, 12, 10, cin}, c.Param(tensor.F32, cin, func(_, _, _ int) float32 { return weight() }, func(int) float32 { return weight() })
	}
	pool := func(kind PoolKind) (Spec, []int, Param) {
		return &Pool{Window: square(3, 2, 1), Kind: kind}, []int{1, 23, 19, 37}, Param{}
	}
	layers := []struct {
		name string
		make func() (Spec, []int, Param)
		want uint64
	}{
		{"1×1", func() (Spec, []int, Param) { return conv(50, 39, 1, 1, 0, NoWinograd, false) }, 0x3e5e3e28074e8c64},
		{"3×3", func() (Spec, []int, Param) { return conv(7, 29, 3, 1, 1, NoWinograd, false) }, 0x82282fe54503ab95},
		{"3×3 of one channel", func() (Spec, []int, Param) { return conv(1, 32, 3, 1, 1, NoWinograd, true) }, 0x3f84dd6009267d1},
		{"5×5 and pool", func() (Spec, []int, Param) { return conv(6, 21, 5, 1, 2, NoWinograd, true) }, 0xe4be5fdab170cc7b},
		{"F(2×2)", func() (Spec, []int, Param) { return conv(18, 30, 3, 1, 1, WinogradF2, false) }, 0x1f5bf74c2bb8eed9},
		{"F(2×2) and pool", func() (Spec, []int, Param) { return conv(18, 30, 3, 1, 1, WinogradF2, true) }, 0x57632e3ad57ff0fe},
		{"F(4×4)", func() (Spec, []int, Param) { return conv(18, 30, 3, 1, 1, WinogradF4, false) }, 0xdf66271eb344ac78},
		{"F(4×4) and pool", func() (Spec, []int, Param) { return conv(18, 30, 3, 1, 1, WinogradF4, true) }, 0x8cbe6e6dede1b4fc},
		{"depthwise", func() (Spec, []int, Param) {
			weight := bitsStream(2)
			c := &Conv{Window: square(3, 2, 1), Groups: 45, Channels: 45, Act: act}
			return c, []int{1, 23, 19, 45}, TapsParam(9, 45, func(int, int) float32 { return weight() }, func(int) float32 { return weight() })
		}, 0x99524c07ee6d0050},
		{"four channels a group", func() (Spec, []int, Param) {
			weights := bitsStream(2)
			c := &Conv{Window: square(3, 2, 1), Groups: 11, Channels: 44, Act: act}
			return c, []int{1, 23, 19, 44}, PanelsParam(Panels{tensor.F32, 11, 36, 4}, func(_, _, _ int) float32 { return weights() }, func(_, _ int) float32 { return weights() })
		}, 0xda60216143294369},
		{"eight channels a group", func() (Spec, []int, Param) {
			weights := bitsStream(2)
			c := &Conv{Window: square(3, 1, 1), Groups: 5, Channels: 40, Act: act}
			return c, []int{1, 23, 19, 40}, PanelsParam(Panels{tensor.F32, 5, 72, 8}, func(_, _, _ int) float32 { return weights() }, func(_, _ int) float32 { return weights() })
		}, 0x10c9cd5a231eef24},
		{"dilated", func() (Spec, []int, Param) {
			spec, shape, param := conv(9, 20, 3, 1, 12, NoWinograd, false)
			spec.(*Conv).Dilation = [2]int{12, 12}
			return spec, shape, param
		}, 0x9a53e4f14bb82b46},
		{"transposed", func() (Spec, []int, Param) { return transposed(19, 30, 1) }, 0x32d0a00314dc0020},
		{"transposed, of few channels", func() (Spec, []int, Param) { return transposed(19, 3, 1) }, 0xa11af00795706a8b},
		{"transposed, depthwise", func() (Spec, []int, Param) { return transposed(19, 19, 19) }, 0xd1aa4b767947b81},
		{"one row", func() (Spec, []int, Param) { return fully(1, 303, 150, tensor.F32) }, 0x13997555b05b3c90},
		{"one row, float16", func() (Spec, []int, Param) { return fully(1, 303, 150, tensor.F16) }, 0x63eb9d9d3992d5da},
		{"many rows", func() (Spec, []int, Param) { return fully(31, 303, 150, tensor.F32) }, 0x469153eec52ea563},
		{"many rows, float16", func() (Spec, []int, Param) { return fully(31, 303, 150, tensor.F16) }, 0x437e6bbba0078175},
		{"largest", func() (Spec, []int, Param) { return pool(MaxPool) }, 0xf14480cf1115367d},
		{"mean", func() (Spec, []int, Param) { return pool(AveragePool) }, 0x3e636422f314f015},
	}
	eachTier(t, func(t *testing.T, tier *Tier) {
		if tier == portable {
			t.Skip("rounds products before it adds them")
		}
		for _, l := range layers {
			spec, shape, param := l.make()
			var params []Param
			if param.Data != nil {
				params = append(params, param)
			}
			shapes, err := infer(spec, [][]int{shape}, params)
			if err != nil {
				t.Fatalf("%s: %v", l.name, err)
			}
			op, err := bind(spec, tier, [][]int{shape}, params)
			if err != nil {
				t.Fatalf("%s: %v", l.name, err)
			}
			x, y := make([]float32, tensor.Shape(shape).Volume()), make([]float32, tensor.Shape(shapes[0]).Volume())
			next := bitsStream(1)
			for i := range x {
				x[i] = next()
			}
			runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{x}, [][]float32{y}, 1, 0, op.Tasks(1))
			if got := bitsHash(y); got != l.want {
				t.Errorf("%s: the results' hash is %#x, want %#x", l.name, got, l.want)
			}
		}
	})
}

// TestSameActivationBits does the same for functions of each element.
func TestSameActivationBits(t *testing.T) {
	const n, widest = 4099, 110
	eachTier(t, func(t *testing.T, tier *Tier) {
		if tier == portable {
			t.Skip("computes them in float64")
		}
		for _, f := range []struct {
			name string
			want uint64
		}{
			{"leakyrelu", 0x7ea5252d2c06d0e8},
			{"hardswish", 0x68ce3e48eb7425a8},
			{"hardsigmoid", 0xbaf28801f6bbc099},
			{"sigmoid", 0xb98eacfbb853f07c},
			{"silu", 0x21371aff82398a8a},
			{"tanh", 0x794e503928e6e271},
			{"exp", 0x39d17f8404e32b66},
		} {
			x, y := make([]float32, n), make([]float32, n)
			next := bitsStream(3)
			for i := range x {
				x[i] = widest * next() * next() * next() // most near 0
			}
			find[asm.ActivateArgs](tier, asm.Kernel{Op: "activate", Variant: f.name})(&asm.ActivateArgs{X: &x[0], Y: &y[0], N: n, Lo: 0.1, Hi: 0.5})
			if got := bitsHash(y); got != f.want {
				t.Errorf("%s: the results' hash is %#x, want %#x", f.name, got, f.want)
			}
		}
	})
}

// bitsStream returns multiples of 2⁻²³ from −1 to 1, the same everywhere.
func bitsStream(seed uint64) func() float32 {
	return func() float32 {
		seed = seed*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
		return float32(int64(seed)>>39) / (1 << 24) * 2
	}
}

func bitsPanels(e tensor.Elem, k, n int) Param {
	next := bitsStream(2)
	columns := make([][]float32, n) // a bias, then the weights
	for j := range columns {
		for range 1 + k {
			columns[j] = append(columns[j], next())
		}
	}
	return PanelsParam(Panels{e, 1, k, n}, func(_, i, j int) float32 { return columns[j][1+i] }, func(_, j int) float32 { return columns[j][0] })
}

func bitsHash(x []float32) uint64 {
	h := fnv.New64a()
	for _, v := range x {
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	return h.Sum64()
}
