package engine

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// colours is a Preparation of RGB in 0…1.
func colours(width, height int, fit weights.Fit) weights.Preparation {
	return weights.Preparation{
		Kind: weights.Photo, Fit: fit, Order: weights.RGB,
		Width: width, Height: height, Scale: 1. / 255, Std: [3]float32{1, 1, 1},
	}
}

// fixed is a detector that answers every picture with the same outputs.
func fixed(t *testing.T, prep weights.Preparation, answer weights.Answer, shape tensor.Shape, values []float32) *weights.Net {
	b := newNet(t, true)
	x := b.input(1, 3, prep.Height, prep.Width)
	flat := b.step(&kernels.Reshape{Shape: []int{1, 3 * prep.Height * prep.Width}}, x)
	panels := kernels.PanelsParam(kernels.Panels{Elem: tensor.F32, Groups: 1, K: 3 * prep.Height * prep.Width, N: len(values)},
		func(_, _, _ int) float32 { return 0 }, func(_, n int) float32 { return values[n] })
	y := b.steps(&kernels.FullyConnected{Channels: len(values)}, []kernels.Param{panels}, flat)[0]
	b.output(b.step(&kernels.Reshape{Shape: shape}, y))
	b.net.Meta = weights.Meta{Preparation: prep, Answer: answer}
	return b.net
}

func yolo(least, overlap float32) weights.Answer {
	return weights.Answer{Kind: weights.Boxes, Head: "yolov5", Least: least, Overlap: overlap, Most: 100}
}

// A rectangle is drawn in a picture, and found in what the picture becomes; the
// box that a detector would put there must come back to it.
func TestDetectPlaces(t *testing.T) {
	const side = 64
	for _, size := range []image.Point{{64, 64}, {200, 90}, {90, 200}, {333, 257}} {
		for _, fit := range []weights.Fit{weights.Crop, weights.Stretch, weights.Pad} {
			bounds := image.Rectangle{Max: size}.Add(image.Pt(-7, 13))
			mark := image.Rect(size.X*2/5, size.Y*2/5, size.X*3/5, size.Y*7/10).Add(bounds.Min)
			img := image.NewRGBA(bounds)
			draw.Draw(img, bounds, image.Black, image.Point{}, draw.Src)
			draw.Draw(img, mark, image.White, image.Point{}, draw.Src)

			prep := colours(side, side, fit)
			plain := newTestModel(t, fixed(t, prep, yolo(0, 0), tensor.Shape{1, 1, 6}, make([]float32, 6)), portable)
			input := make([]float32, 3*side*side)
			if err := plain.Prepare(input, img); err != nil {
				t.Fatal(err)
			}
			x0, x1 := edges(input[:side*side], side, 1)
			y0, y1 := edges(input[:side*side], 1, side)

			head := []float32{float32(x0+x1) / 2, float32(y0+y1) / 2, float32(x1 - x0), float32(y1 - y0), 1, 0.9}
			m := newTestModel(t, fixed(t, prep, yolo(0.5, 0.5), tensor.Shape{1, 1, 6}, head), portable)
			got, err := m.Detect(img)
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			d := got[0]
			pixel := 1.5 * float64(max(size.X, size.Y)) / side
			if pixel < 1 {
				pixel = 1
			}
			for i, v := range [4][2]float64{
				{d.X, float64(mark.Min.X)}, {d.Y, float64(mark.Min.Y)},
				{d.X + d.Width, float64(mark.Max.X)}, {d.Y + d.Height, float64(mark.Max.Y)},
			} {
				if math.Abs(v[0]-v[1]) > pixel {
					t.Errorf("%v, fit %d: side %d is at %.2f, want %.2f ± %.2f", size, fit, i, v[0], v[1], pixel)
				}
			}
		}
	}
}

// edges are where a bright stretch begins and ends, to parts of a pixel, in the
// row or column that is brightest; step leads along it, and across from one to
// the next.
func edges(plane []float32, across, step int) (from, to float64) {
	side := int(math.Sqrt(float64(len(plane))))
	best, at := float32(0), 0
	for i := range side {
		sum := float32(0)
		for j := range side {
			sum += plane[i*across+j*step]
		}
		if sum > best {
			best, at = sum, i
		}
	}
	first := -1
	sum := float32(0)
	for j := range side {
		v := plane[at*across+j*step]
		if v > 0.01 && first < 0 {
			first = j
			from = float64(j) + 1 - float64(v)
		}
		sum += v
	}
	return from, from + float64(sum)
}

func TestDetect(t *testing.T) {
	head := []float32{
		10, 10, 8, 8, 1, 0.6, 0.1, // the second best of class 0, and it overlaps the best
		11, 10, 8, 8, 1, 0.9, 0.1,
		10, 10, 8, 8, 0.9, 0.1, 0.8, // another class
		30, 30, 20, 20, 1, 0.7, 0.1, // reaches beyond the picture
		50, 50, 4, 4, 1, 0.7, 0.1, // lies outside
		20, 20, 4, 4, 0.4, 0.9, 0.9, // too low
	}
	net := fixed(t, colours(32, 32, weights.Stretch), yolo(0.5, 0.45), tensor.Shape{1, 6, 7}, head)
	net.Meta.Labels = []string{"cat", "dog"}
	m := newTestModel(t, net, portable)
	img := image.NewRGBA(image.Rect(0, 0, 64, 32))
	got, err := m.Detect(img)
	if err != nil {
		t.Fatal(err)
	}
	want := []Detection{
		{0, "cat", 0.9, 14, 6, 16, 8},
		{1, "dog", 0.72, 12, 6, 16, 8},
		{0, "cat", 0.7, 40, 20, 24, 12},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i, w := range want {
		g := got[i]
		if g.Index != w.Index || g.Label != w.Label || math.Abs(float64(g.Score-w.Score)) > 1e-6 ||
			math.Abs(g.X-w.X)+math.Abs(g.Y-w.Y)+math.Abs(g.Width-w.Width)+math.Abs(g.Height-w.Height) > 1e-4 {
			t.Errorf("%+v, want %+v", g, w)
		}
	}
	if m.Classes() != 0 {
		t.Error("a detector is a classifier")
	}
	for name, err := range map[string]error{
		"Classify":  second(m.Classify(img, 1)),
		"Segment":   second(m.Segment(img)),
		"Transform": second(m.Transform(img)),
	} {
		if !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrNotClassifier) {
			t.Errorf("%s: %v", name, err)
		}
	}

	s := newTestSession(t, m, SessionOptions{Batch: 2})
	if _, err := s.Detections(0, placed(t, s, 0, img)); !errors.Is(err, ErrBatch) {
		t.Errorf("before a run: %v", err)
	}
	at := placed(t, s, 1, img)
	if err := s.Run(2); err != nil {
		t.Fatal(err)
	}
	again, err := s.Detections(1, at)
	if err != nil || !slices.Equal(again, got) {
		t.Errorf("item 1 of a batch: %v, %v", again, err)
	}
	if _, err := s.Detections(2, at); !errors.Is(err, ErrBatch) {
		t.Errorf("item 2 of 2: %v", err)
	}
	s.Close()
	if _, err := s.Detections(0, at); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestDetectNaN(t *testing.T) {
	net := fixed(t, colours(8, 8, weights.Stretch), yolo(0.5, 0.5), tensor.Shape{1, 1, 6}, make([]float32, 6))
	m := newTestModel(t, net, portable)
	s := newTestSession(t, m, SessionOptions{})
	s.Input(0)[0] = float32(math.NaN())
	if err := s.Run(1); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Detections(0, placed(t, s, 0, image.NewGray(image.Rect(0, 0, 8, 8)))); !errors.Is(err, ErrNaN) {
		t.Errorf("%v, %v", got, err)
	}
}

// parrot is a net whose output is its input, larger by a whole factor.
func parrot(t *testing.T, prep weights.Preparation, kind weights.AnswerKind, factor int) *weights.Net {
	b := newNet(t, true)
	x := b.input(1, 3, prep.Height, prep.Width)
	x = b.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, x)
	x = b.step(&kernels.Resize{Scale: [2]float32{float32(factor), float32(factor)}, Size: [2]int{factor * prep.Height, factor * prep.Width}}, x)
	b.output(b.step(&kernels.Transpose{Perm: []int{0, 3, 1, 2}}, x))
	b.net.Meta = weights.Meta{Preparation: prep, Answer: weights.Answer{Kind: kind}}
	return b.net
}

// thirds is a picture of three stripes: red, green and blue.
func thirds(bounds image.Rectangle) *image.NRGBA {
	img := image.NewNRGBA(bounds)
	for x := bounds.Min.X; x < bounds.Max.X; x++ {
		c := [3]color.NRGBA{{200, 40, 30, 255}, {20, 180, 10, 255}, {0, 50, 250, 255}}[3*(x-bounds.Min.X)/bounds.Dx()]
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func TestSegment(t *testing.T) {
	bounds := image.Rect(5, -3, 5+90, -3+30)
	img := thirds(bounds)
	for _, c := range []struct {
		fit  weights.Fit
		want image.Rectangle
	}{
		{weights.Stretch, bounds},
		{weights.Pad, bounds},
		{weights.Crop, image.Rect(35, -3, 65, 27)},
	} {
		net := parrot(t, colours(30, 30, c.fit), weights.Mask, 2)
		net.Meta.Labels = []string{"red", "green", "blue"}
		mask, err := newTestModel(t, net, portable).Segment(img)
		if err != nil {
			t.Fatal(err)
		}
		if mask.Rect != c.want {
			t.Errorf("fit %d: a mask of %v, want %v", c.fit, mask.Rect, c.want)
			continue
		}
		for y := c.want.Min.Y; y < c.want.Max.Y; y++ {
			for x := c.want.Min.X; x < c.want.Max.X; x++ {
				want := 3 * (x - bounds.Min.X) / bounds.Dx()
				near := (x - bounds.Min.X) % 30
				if near < 3 || near > 26 {
					continue // scaling blends the stripes there
				}
				if got, ok := mask.At(x, y); got != want || !ok {
					t.Fatalf("fit %d: %d,%d is %d, want %d", c.fit, x, y, got, want)
				}
			}
		}
		if _, ok := mask.At(c.want.Max.X, c.want.Min.Y); ok {
			t.Error("a pixel outside has a class")
		}
	}
}

func TestTransform(t *testing.T) {
	for _, order := range []weights.Order{weights.RGB, weights.BGR} {
		for _, c := range []struct {
			fit  weights.Fit
			size image.Point
		}{{weights.Stretch, image.Pt(60, 60)}, {weights.Pad, image.Pt(60, 20)}} {
			prep := colours(30, 30, c.fit)
			prep.Order = order
			prep.Mean, prep.Std = [3]float32{0.5, 0.4, 0.3}, [3]float32{0.25, 0.2, 0.1}
			img := thirds(image.Rect(0, 0, 30, 10))
			got, err := newTestModel(t, parrot(t, prep, weights.Picture, 2), portable).Transform(img)
			if err != nil {
				t.Fatal(err)
			}
			if got.Bounds().Size() != c.size {
				t.Errorf("order %d, fit %d: a picture of %v, want %v", order, c.fit, got.Bounds(), c.size)
				continue
			}
			for x := range 60 {
				r, g, b, _ := got.At(got.Bounds().Min.X+x, got.Bounds().Min.Y+c.size.Y/2).RGBA()
				wr, wg, wb, _ := img.At(x/2, 5).RGBA()
				for i, d := range []int{int(r) - int(wr), int(g) - int(wg), int(b) - int(wb)} {
					if d < -0x101 || d > 0x101 {
						t.Fatalf("order %d, fit %d: channel %d at %d differs by %d", order, c.fit, i, x, d)
					}
				}
			}
		}
	}
}

func TestAnswersThatDoNotFit(t *testing.T) {
	prep := colours(8, 8, weights.Stretch)
	for _, c := range []struct {
		name string
		do   func(*weights.Net)
		want string
	}{
		{"a head that does not exist", func(n *weights.Net) { n.Meta.Answer.Head = "yolo" }, `unknown head "yolo"`},
		{"another head", func(n *weights.Net) { n.Meta.Answer.Head = "ssd" }, "there should be two outputs"},
		{"too many labels", func(n *weights.Net) { n.Meta.Labels = []string{"a", "b"} }, "2 labels for 1 classes of boxes"},
	} {
		net := fixed(t, prep, yolo(0.5, 0.5), tensor.Shape{1, 1, 6}, make([]float32, 6))
		c.do(net)
		if _, err := newModel(net, portable, nil); !errors.Is(err, weights.ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// placed is SetPicture that succeeds.
func placed(t *testing.T, s *Session, i int, img image.Image) picture.Placement {
	t.Helper()
	at, err := s.SetPicture(i, img)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func second[T any](_ T, err error) error { return err }
