package kernels

import (
	"math"
	"testing"
)

func TestMACs(t *testing.T) {
	one := [2]int{1, 1}
	same := Window{Kernel: [2]int{3, 3}, Stride: one, Dilation: one, Pad: [4]int{1, 1, 1, 1}}
	for _, c := range []struct {
		spec Spec
		in   [][]int
		want int64
	}{
		{&Conv{Window: same, Groups: 1, Channels: 32, Pool: true}, [][]int{{1, 28, 28, 1}}, 28 * 28 * 9 * 32},
		{&Conv{Window: same, Groups: 8, Channels: 8}, [][]int{{2, 5, 5, 8}}, 2 * 5 * 5 * 9 * 8},
		{&ConvTranspose{Window: same, Groups: 2, Channels: 6}, [][]int{{1, 4, 4, 2}}, 4 * 4 * 2 * 9 * 3},
		{&FullyConnected{Channels: 128}, [][]int{{1, 1568}}, 1568 * 128},
		{&MatMul{}, [][]int{{5, 2, 3}, {3, 4}}, 5 * 2 * 3 * 4},
		{&FullyConnected{Channels: math.MaxInt32}, [][]int{{math.MaxInt32, 1 << 30}}, math.MaxInt64},
		{&Softmax{}, [][]int{{5}}, 0},
	} {
		if got := MACs(c.spec, c.in, nil); got != c.want {
			t.Errorf("%s of %v: %d multiply-adds, want %d", c.spec.Op(), c.in, got, c.want)
		}
	}
}
