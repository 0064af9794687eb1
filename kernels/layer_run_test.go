package kernels

import (
	"slices"
	"sync"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// eachNetLayer runs f for the layers of well-known nets on every tier, with
// what they are bound to and operands of n items in ordinary memory.
func eachNetLayer(t *testing.T, n int, f func(t *testing.T, l *layer, op Op, in [][]float32, out []float32)) {
	eachLayerTest(t, 60, func(t *layerTest) {
		var layers []*layer
		for _, c := range netConvs {
			if c.cin < 512 && !(brief() && c.cin >= 128) || c.depthwise {
				layers = append(layers, t.netConv(c, t.elem()))
			}
		}
		for _, e := range []tensor.Elem{tensor.F32, tensor.F16} {
			layers = append(layers,
				t.newFully(&FullyConnected{Channels: 128, Act: Act{Kind: ActTanh}}, 1, 568, e),
				t.newFully(&FullyConnected{Channels: 10}, 100, 128, e))
		}
		for _, l := range layers {
			shapes, err := infer(l.spec, l.in, l.params)
			if err != nil {
				t.Fatalf("%v: %v", l, err)
			}
			op, err := bind(l.spec, t.Tier, l.in, l.params)
			if err != nil {
				t.Fatalf("%v: %v", l, err)
			}
			in := make([][]float32, len(l.in))
			for i, shape := range l.in {
				in[i] = t.uniform(n * tensor.Shape(shape).Volume())
			}
			f(t.T, l, op, in, make([]float32, n*tensor.Shape(shapes[0]).Volume()))
		}
	})
}

func TestLayersDoNotAllocate(t *testing.T) {
	if raced {
		t.Skip("the race detector looks for something else")
	}
	const n = 2
	eachNetLayer(t, n, func(t *testing.T, l *layer, op Op, in [][]float32, out []float32) {
		w, operands, result := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, allBytes(in), allBytes([][]float32{out})
		if allocs := testing.AllocsPerRun(1, func() { op.Run(w, operands, result, n, 0, op.Tasks(n)) }); allocs != 0 {
			t.Errorf("%v: %v allocations", l, allocs)
		}
	})
}

// TestLayersInParallel shares an Op among goroutines: two that divide the
// tasks of one result between them, and one that does them all.
func TestLayersInParallel(t *testing.T) {
	const n = 3
	eachNetLayer(t, n, func(t *testing.T, l *layer, op Op, in [][]float32, whole []float32) {
		shared, tasks := slices.Clone(whole), op.Tasks(n)
		var wg sync.WaitGroup
		for _, part := range []struct {
			out      []float32
			from, to int
		}{{shared, 0, tasks / 2}, {shared, tasks / 2, tasks}, {whole, 0, tasks}} {
			wg.Go(func() {
				w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
				runOp(op, w, in, [][]float32{part.out}, n, part.from, part.to)
			})
		}
		wg.Wait()
		if i := firstDifference(whole, shared); i >= 0 {
			t.Errorf("%v: %d tasks by two goroutines differ at %d: %v, %v", l, tasks, i, shared[i], whole[i])
		}
	})
}
