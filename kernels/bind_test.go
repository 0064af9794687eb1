package kernels

import (
	"math"
	"runtime"
	"testing"
)

// TestBindIsSmall binds operations that a file of a few hundred bytes can ask
// for: before anything is known of the memory that tensors may take, only
// little may be allocated. An error will do.
func TestBindIsSmall(t *testing.T) {
	const long = 1 << 24
	one := [2]int{1, 1}
	wide := Window{Kernel: [2]int{1, long}, Stride: one, Dilation: one, Pad: [4]int{0, long - 1, 0, long - 1}}
	dilated := Window{Kernel: [2]int{1, 3}, Stride: one, Dilation: [2]int{1, long}, Pad: [4]int{0, long, 0, long}}
	taps := TapsParam(3, 1, func(_, _ int) float32 { return 1 }, func(int) float32 { return 0 })
	for _, c := range []struct {
		name   string
		spec   Spec
		in     []int
		params []Param
		ok     bool
	}{
		{"a pool of padding", &Pool{Window: wide}, []int{1, 1, 1, 1}, nil, false},
		{"a mean of padding", &Pool{Window: wide, Kind: AveragePoolPadded}, []int{1, 1, 1, 1}, nil, false},
		{"a dilated pool", &Pool{Window: dilated, Ceil: true}, []int{1, 1, long, 1}, nil, true},
		{"a long map", &Pool{Window: Window{Kernel: [2]int{1, 3}, Stride: one, Dilation: one, Pad: [4]int{0, 1, 0, 1}}}, []int{1, 1, long, 1}, nil, true},
		{"a depthwise convolution", &Conv{Window: dilated, Groups: 1, Channels: 1}, []int{1, 1, long, 1}, []Param{taps}, true},
		{"a high map", &Resize{Scale: [2]float32{long, 1}, Size: [2]int{long, 1}}, []int{1, 1, 1, 1}, nil, false},
		{"the largest map", &Resize{Scale: [2]float32{1, 1}, Size: [2]int{MaxResized, 1 << 10}}, []int{1, MaxResized, 1 << 10, 1}, nil, math.MaxInt > math.MaxInt32},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := bind(c.spec, Tiers()[0], [][]int{c.in}, c.params)
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 100<<20 {
			t.Errorf("%s: %d bytes", c.name, bytes)
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}
