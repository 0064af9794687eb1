package engine

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
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
		Values:  []weights.Value{{Name: "x", Type: tensor.Floats(1, 1, 1, 3)}, {Name: "y", Type: tensor.Floats(1, 1, 1, 3)}},
		Inputs:  []int{0},
		Outputs: []int{1},
		Steps:   []weights.Step{{Name: "half", Spec: &kernels.Binary{Kind: kernels.Mul}, In: []int{0}, Out: []int{1}, Params: []int{0}}},
		Params:  []kernels.Param{kernels.PlainParam([]int{1}, []float32{0.5})},
	}
}

func TestClassify(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	img := &image.Gray{Pix: []uint8{10, 14, 10}, Stride: 3, Rect: image.Rect(0, 0, 3, 1)}

	if n := m.Classes(); n != 3 {
		t.Errorf("%d classes, want 3", n)
	}
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
		for _, m.net.Meta.Answer.Kind = range []weights.AnswerKind{weights.Probabilities, weights.Scores} {
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

func TestTop(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	third := float32(1) / 3
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name   string
		scores []float32
		k      int
		kind   weights.AnswerKind
		want   []Class
	}{
		{"one", []float32{-200, -300, 0}, 1, weights.Scores, []Class{{2, "2", 1}}},
		{"none asked for: all", []float32{100, -100, 0}, 0, weights.Scores, []Class{{0, "left", 1}, {2, "2", 0}, {1, "right", 0}}},
		{"more than there are", []float32{0, 200, 0}, 9, weights.Scores, []Class{{1, "right", 1}, {0, "left", 0}, {2, "2", 0}}},
		{"equal ones in the model's order", []float32{5, 5, 5}, 3, weights.Scores, []Class{{0, "left", third}, {1, "right", third}, {2, "2", third}}},
		{"−∞ is no class", []float32{-inf, 3, -inf}, 2, weights.Scores, []Class{{1, "right", 1}, {0, "left", 0}}},
		{"probabilities stay", []float32{0.25, 0.5, 0.25}, 2, weights.Probabilities, []Class{{1, "right", 0.5}, {0, "left", 0.25}}},
	} {
		m.net.Meta.Answer.Kind = c.kind
		scores := slices.Clone(c.scores)
		got, err := m.Top(scores, c.k)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
			continue
		}
		for i, w := range c.want {
			if g := got[i]; g.Index != w.Index || g.Label != w.Label || math.Abs(float64(g.Probability-w.Probability)) > 1e-7 {
				t.Errorf("%s: class %d is %+v, want %+v", c.name, i, g, w)
			}
		}
		if !slices.Equal(scores, c.scores) {
			t.Errorf("%s: the scores have become %v", c.name, scores)
		}
	}

	for _, scores := range [][]float32{{1, nan, 2}, {1, inf, 2}, {-inf, -inf, -inf}} {
		if got, err := m.Top(scores, 1); !errors.Is(err, ErrNaN) {
			t.Errorf("%v: %v, error %v, want ErrNaN", scores, got, err)
		}
	}
	for _, n := range []int{0, 2, 4, 6} {
		if got, err := m.Top(make([]float32, n), 1); err == nil {
			t.Errorf("%d scores of 3 classes: %v", n, got)
		}
	}
}

// The classes of a batch's items are those of each picture alone.
func TestTopOfBatch(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	s := newTestSession(t, m, SessionOptions{Batch: 3})
	var want [][]Class
	for i := range 3 {
		img := image.NewGray(image.Rect(0, 0, 3, 1))
		img.Pix[i] = 9
		if err := m.Prepare(s.Input(0)[3*i:][:3], img); err != nil {
			t.Fatal(err)
		}
		classes, err := m.Classify(img, 2)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, classes)
	}
	if err := s.Run(3); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got, err := m.Top(s.Output(0)[3*i:][:3], 2); err != nil || !slices.Equal(got, want[i]) {
			t.Errorf("item %d: %v, %v, want %v", i, got, err, want[i])
		}
	}
	if err := m.Prepare(s.Input(0), image.NewGray(image.Rect(0, 0, 3, 1))); err == nil {
		t.Error("a picture was prepared for three items")
	}
}

func TestClassifyOfNoClassifier(t *testing.T) {
	net := &weights.Net{
		Meta:    weights.Meta{Preparation: grey(2, 2)},
		Values:  []weights.Value{{Name: "x", Type: tensor.Floats(1, 1, 2, 2)}, {Name: "y", Type: tensor.Floats(1, 1, 2, 2)}},
		Inputs:  []int{0},
		Outputs: []int{1},
		Steps:   []weights.Step{{Name: "abs", Spec: &kernels.Unary{Kind: kernels.Abs}, In: []int{0}, Out: []int{1}}},
	}
	m := newTestModel(t, net, portable)
	if _, err := m.Classify(image.NewGray(image.Rect(0, 0, 2, 2)), 1); !errors.Is(err, ErrNotClassifier) {
		t.Errorf("Classify: error %v, want ErrNotClassifier", err)
	}
	if n := m.Classes(); n != 0 {
		t.Errorf("%d classes, want 0", n)
	}
	if _, err := m.Top(make([]float32, 4), 1); !errors.Is(err, ErrNotClassifier) {
		t.Errorf("Top: error %v, want ErrNotClassifier", err)
	}
}

// A picture's bytes are classified as the picture is that they hold.
func TestClassifyBytes(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	img := &image.Gray{Pix: []uint8{10, 14, 10}, Stride: 3, Rect: image.Rect(0, 0, 3, 1)}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	want, err := m.Classify(img, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.ClassifyBytes(b.Bytes(), 0); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := m.ClassifyBytes(b.Bytes()[:b.Len()/2], 0); err == nil {
		t.Error("half a picture was classified")
	}
	if _, err := m.ClassifyBytes([]byte("no picture"), 1); !errors.Is(err, image.ErrFormat) || !strings.Contains(err.Error(), "registered with package image: PNG") {
		t.Error(err)
	}
	// A picture that this test has no decoder for.
	if _, err := m.ClassifyBytes([]byte("GIF89a and so on"), 1); !errors.Is(err, image.ErrFormat) || !strings.Contains(err.Error(), `import _ "image/gif"`) {
		t.Error(err)
	}
	s := newTestSession(t, m, SessionOptions{})
	if _, err := s.SetPictureBytes(1, b.Bytes()); !errors.Is(err, ErrBatch) {
		t.Error(err)
	}
}

// A warm model allocates a bounded number of bytes for a picture: of a sequential
// JPEG none that grow with it, of others those that decoding takes.
func TestClassifyBytesAllocates(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	for name, c := range classifiedPictures(t) {
		var classify = func() {
			if _, err := m.ClassifyBytes(c.data, 1); err != nil {
				t.Fatal(err)
			}
		}
		classify()
		least := uint64(math.MaxUint64) // other goroutines allocate, too
		for range 10 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			classify()
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		if least > c.most {
			t.Errorf("%s: %d bytes, more than %d", name, least, c.most)
		}
	}
}

// A classified is a picture, and how many bytes it may cost to classify it.
type classified struct {
	data []byte
	most uint64
}

func classifiedPictures(t testing.TB) map[string]classified {
	const constant = 24 << 10 // of which image.DecodeConfig takes 18
	all := map[string]classified{}
	for name, size := range map[string]image.Point{"28x28": {28, 28}, "640x480": {640, 480}, "1280x960": {1280, 960}} {
		img := image.NewRGBA(image.Rectangle{Max: size})
		for i := range img.Pix {
			img.Pix[i] = uint8(i * i >> 7)
		}
		var small, large bytes.Buffer
		if err := errors.Join(jpeg.Encode(&small, img, nil), png.Encode(&large, img)); err != nil {
			t.Fatal(err)
		}
		all[name+".jpg"] = classified{small.Bytes(), constant}
		// Package image/png needs 40 KB and two rows beside the picture itself.
		all[name+".png"] = classified{large.Bytes(), uint64(len(img.Pix)+4*img.Stride) + 96<<10}
	}
	return all
}

func BenchmarkClassifyBytes(b *testing.B) {
	m := newTestModel(b, halves(), kernels.Tiers()[0])
	for name, c := range classifiedPictures(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.ClassifyBytes(c.data, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
