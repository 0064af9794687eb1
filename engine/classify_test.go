package engine

import (
	"errors"
	"image"
	"math"
	"sync"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
)

// grey is the preparation of a grey picture that fills the input.
func grey(width, height int) weights.Preparation {
	return weights.Preparation{
		Kind: weights.Photo, Fit: weights.Stretch, Order: weights.Gray,
		Width: width, Height: height, Scale: 1, Std: [3]float32{1, 1, 1},
	}
}

// halves is a net whose logits are half the brightness of three pixels.
func halves() *weights.Net {
	return &weights.Net{
		Batched: true,
		Meta: weights.Meta{
			Labels:      []string{"left", "right"},
			Preparation: grey(3, 1),
		},
		Values:  []weights.Value{{Name: "x", Shape: []int{1, 1, 1, 3}}, {Name: "y", Shape: []int{1, 1, 1, 3}}},
		Inputs:  []int{0},
		Outputs: []int{1},
		Steps:   []weights.Step{{Name: "half", Spec: &kernels.Binary{Kind: kernels.Mul}, In: []int{0}, Out: []int{1}, Params: []int{0}}},
		Params:  []kernels.Param{kernels.PlainParam([]int{1}, []float32{0.5})},
	}
}

func TestClassify(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	img := &image.Gray{Pix: []uint8{10, 14, 10}, Stride: 3, Rect: image.Rect(0, 0, 3, 1)}

	got, err := m.Classify(img, 0)
	if err != nil {
		t.Fatal(err)
	}
	e := math.Exp(-2)
	want := []Class{{1, "right", float32(1 / (1 + 2*e))}, {0, "left", float32(e / (1 + 2*e))}, {2, "2", float32(e / (1 + 2*e))}}
	for i, c := range got {
		if c.Index != want[i].Index || c.Label != want[i].Label || math.Abs(float64(c.Probability-want[i].Probability)) > 1e-5 {
			t.Errorf("class %d is %+v, want %+v", i, c, want[i])
		}
	}
	if got, err = m.Classify(img, 2); err != nil || len(got) != 2 || got[0].Index != 1 {
		t.Errorf("the best two are %v, %v", got, err)
	}

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got, err := m.Classify(img, 1); err != nil || got[0].Label != "right" {
					t.Errorf("from many goroutines: %v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()

	// The last two make all scores −Inf and +Inf.
	for _, mean := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m.net.Meta.Preparation.Mean[0] = float32(mean)
		for _, m.net.Meta.Probabilities = range []bool{true, false} {
			if got, err := m.Classify(img, 1); !errors.Is(err, ErrNaN) {
				t.Errorf("mean %v: %v, error %v, want ErrNaN", mean, got, err)
			}
		}
	}
	m.net.Meta.Preparation.Kind = weights.NoPicture
	if _, err := m.Classify(img, 1); !errors.Is(err, ErrNoPicture) {
		t.Errorf("without preparation: error %v, want ErrNoPicture", err)
	}
	m.Close()
	if _, err := m.Classify(img, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: error %v, want ErrClosed", err)
	}
}

func TestClassifyOfNoClassifier(t *testing.T) {
	net := &weights.Net{
		Meta:    weights.Meta{Preparation: grey(2, 2)},
		Values:  []weights.Value{{Name: "x", Shape: []int{1, 1, 2, 2}}, {Name: "y", Shape: []int{1, 1, 2, 2}}},
		Inputs:  []int{0},
		Outputs: []int{1},
		Steps:   []weights.Step{{Name: "abs", Spec: &kernels.Unary{Kind: kernels.Abs}, In: []int{0}, Out: []int{1}}},
	}
	m := newTestModel(t, net, portable)
	if _, err := m.Classify(image.NewGray(image.Rect(0, 0, 2, 2)), 1); !errors.Is(err, ErrNotClassifier) {
		t.Errorf("Classify: error %v, want ErrNotClassifier", err)
	}
}
