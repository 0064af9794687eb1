package kernels

import (
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestPlace compares results that are placed in a map of more channels with
// those that are not.
func TestPlace(t *testing.T) {
	pool := Window{Kernel: [2]int{3, 5}, Stride: [2]int{1, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 2, 1, 2}}
	up := func(mode ResizeMode) *Resize {
		return &Resize{Mode: mode, Scale: [2]float32{2, 1}, Size: [2]int{14, 9}}
	}
	eachLayerTest(t, 48, func(t *layerTest) {
		for _, spec := range []Spec{
			&Pool{Window: pool}, &Pool{Window: pool, Kind: AveragePool}, up(Nearest), up(Linear),
			&Binary{Kind: Mul}, &Binary{Kind: Add, Act: Act{Kind: Clamp, Hi: 0.25}},
		} {
			for _, own := range []int{1, 7, 16, 37, maxBlock + 3} {
				const items, first = 2, 5
				channels := first + own + 2
				x := tensor.Type{Elem: tensor.F32, Shape: tensor.Shape{1, 7, 9, own}}
				in := []tensor.Type{x, x}
				if _, pairs := spec.(*Binary); !pairs {
					in = in[:1]
				}
				out, err := spec.Infer(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				op, err := spec.Bind(t.Tier, in, nil)
				if err != nil {
					t.Fatal(err)
				}
				placed := op.(Placer).Place(first, channels)
				var operands [][]float32
				for range in {
					operands = append(operands, t.uniform(items*x.Shape.Volume()))
				}
				pixels := items * out[0].Shape.Volume() / own
				alone, among := make([]float32, pixels*own), make([]float32, pixels*channels)
				w := &Workspace{Scratch: tensor.AlignedBytes(max(op.Scratch(), placed.Scratch()))}
				runOp(op, w, operands, [][]float32{alone}, items, 0, op.Tasks(items))
				for task := range placed.Tasks(items) {
					runOp(placed, w, operands, [][]float32{among}, items, task, task+1)
				}
				for i, v := range among {
					want := float32(0)
					if ch := i%channels - first; ch >= 0 && ch < own {
						want = alone[i/channels*own+ch]
					}
					if v != want {
						t.Fatalf("%s of %d channels: element %d is %v, want %v", spec.Op(), own, i, v, want)
					}
				}
			}
		}
	})
}

// TestPlaceNot asks for what cannot be placed: results of residuals, of operands
// that broadcast, and of activations that pass over them once more.
func TestPlaceNot(t *testing.T) {
	x := tensor.Type{Elem: tensor.F32, Shape: tensor.Shape{1, 7, 9, 16}}
	row := tensor.Type{Elem: tensor.F32, Shape: tensor.Shape{1, 1, 1, 16}}
	weights := PanelsParam(Panels{Elem: tensor.F32, Groups: 1, K: 9 * 16, N: 16},
		func(_, _, _ int) float32 { return 1 }, func(_, _ int) float32 { return 0 })
	conv := Conv{Window: square(3, 1, 1), Groups: 1, Channels: 16}
	fast := conv
	fast.Winograd = WinogradF4
	for _, c := range []struct {
		spec   Spec
		in     []tensor.Type
		params []Param
	}{
		{&conv, []tensor.Type{x, x}, []Param{weights}},
		{&fast, []tensor.Type{x, x}, []Param{weights}},
		{&Binary{Kind: Add}, []tensor.Type{x, row}, nil},
		{&Binary{Kind: Add, Act: Act{Kind: ActSiLU}}, []tensor.Type{x, x}, nil},
	} {
		op, err := c.spec.Bind(portable, c.in, c.params)
		if err != nil {
			t.Fatal(err)
		}
		if placed := op.(Placer).Place(1, 20); placed != nil {
			t.Errorf("%s of %v is placed as %T", c.spec.Op(), c.in, placed)
		}
	}
}
