package engine

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// coloured is the preparation of a coloured picture of 16×16.
var coloured = weights.Preparation{
	Kind: weights.Photo, Fit: weights.Crop, Order: weights.BGR, Width: 16, Height: 16,
	Scale: 1. / 255, Mean: [3]float32{0.4, 0.5, 0.6}, Std: [3]float32{0.2, 0.3, 0.25},
}

// pictureNets are nets that read a coloured picture, and whether their first
// step can be left out for one.
func pictureNets(t *testing.T) map[string]struct {
	net  *weights.Net
	skip bool
} {
	nets := map[string]struct {
		net  *weights.Net
		skip bool
	}{}
	add := func(name string, skip bool, build func(l *layers, x int)) {
		l := newLayers(t, tensor.F32)
		build(l, l.input(1, 3, 16, 16))
		l.net.Meta.Preparation = coloured
		nets[name] = struct {
			net  *weights.Net
			skip bool
		}{l.net, skip}
	}
	nhwc := &kernels.Transpose{Perm: []int{0, 2, 3, 1}}
	one := kernels.Conv{Groups: 1, Channels: 5}
	add("a convolution", true, func(l *layers, x int) {
		l.output(l.conv(one, 3, 1, l.step(nhwc, x)))
	})
	add("an overwritten map", true, func(l *layers, x int) {
		x = l.step(nhwc, x)
		y := l.step(&kernels.Unary{Kind: kernels.Abs}, x)
		y = l.step(&kernels.Unary{Kind: kernels.Exp}, y)
		l.output(l.conv(one, 3, 1, y))
	})
	add("a map that is read twice", true, func(l *layers, x int) {
		x = l.step(nhwc, x)
		y := l.step(&kernels.Unary{Kind: kernels.Neg}, x)
		l.output(l.step(&kernels.Binary{Kind: kernels.Mul}, l.conv(one, 3, 1, x), l.conv(one, 1, 1, y)))
	})
	add("views around the step", true, func(l *layers, x int) {
		x = l.step(&kernels.Reshape{Shape: []int{1, 3, 256}}, x)
		x = l.step(&kernels.Transpose{Perm: []int{0, 2, 1}}, x)
		x = l.step(&kernels.Reshape{Shape: []int{1, 16, 16, 3}}, x)
		l.output(l.conv(one, 3, 1, x))
	})
	add("quantised elements", true, func(l *layers, x int) {
		x = l.step(&kernels.Convert{Result: kernels.Elements{Elem: tensor.I8, Scale: 0.03, Zero: 5}}, l.step(nhwc, x))
		l.output(l.step(&kernels.Convert{}, x))
	})
	add("quantised elements of an input that is read again", false, func(l *layers, x int) {
		y := l.step(&kernels.Convert{Result: kernels.Elements{Elem: tensor.U8, Scale: 0.03, Zero: 100}}, l.step(nhwc, x))
		l.output(l.step(&kernels.Convert{}, y), l.step(&kernels.Unary{Kind: kernels.Abs}, x))
	})
	add("another order", false, func(l *layers, x int) {
		l.output(l.conv(one, 3, 1, l.step(&kernels.Transpose{Perm: []int{0, 3, 2, 1}}, x)))
	})
	add("an input that is read again", false, func(l *layers, x int) {
		l.output(l.conv(one, 3, 1, l.step(nhwc, x)), l.step(&kernels.Unary{Kind: kernels.Abs}, x))
	})
	add("an output", false, func(l *layers, x int) {
		y := l.step(nhwc, x)
		l.output(l.conv(one, 3, 1, y), y)
	})
	add("no step", false, func(l *layers, x int) {
		l.output(l.step(&kernels.Unary{Kind: kernels.Abs}, x))
	})
	return nets
}

func randomPictures(n int) []image.Image {
	rng := rand.New(rand.NewPCG(5, 6))
	list := make([]image.Image, n)
	for i := range list {
		m := image.NewNRGBA(image.Rect(0, 0, 10+rng.IntN(30), 10+rng.IntN(30)))
		for k := range m.Pix {
			m.Pix[k] = uint8(rng.Uint32()) | 0x80
		}
		list[i] = m
	}
	return list
}

// TestSetPicture compares runs of pictures, of tensors, and of both with runs
// of the same pictures prepared by Model.Prepare: to the bit.
func TestSetPicture(t *testing.T) {
	const batch = 5
	imgs := randomPictures(batch)
	for name, c := range pictureNets(t) {
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", name, threads), func(t *testing.T) {
				m := newTestModel(t, c.net, portable)
				if m.own.program.interleaved != c.skip {
					t.Fatalf("the first step can be left out: %v", m.own.program.interleaved)
				}
				s := newTestSession(t, m, SessionOptions{Batch: batch, Threads: threads})
				size := 3 * 16 * 16
				prepared := make([][]float32, batch)
				for i, img := range imgs {
					prepared[i] = make([]float32, size)
					if err := m.Prepare(prepared[i], img); err != nil {
						t.Fatal(err)
					}
				}
				run := func(n int, picture func(i int) bool) [][]float32 {
					t.Helper()
					for i := range n {
						if !picture(i) {
							copy(s.Input(0)[i*size:], prepared[i])
						}
					}
					for i := range n {
						if picture(i) {
							if _, err := s.SetPicture(i, imgs[i]); err != nil {
								t.Fatal(err)
							}
						}
					}
					if err := s.Run(n); err != nil {
						t.Fatal(err)
					}
					var out [][]float32
					for k := range m.Outputs() {
						out = append(out, slices.Clone(s.Output(k)))
					}
					return out
				}
				for _, n := range []int{1, batch} {
					want := run(n, func(int) bool { return false })
					for what, picture := range map[string]func(i int) bool{
						"pictures":     func(int) bool { return true },
						"every second": func(i int) bool { return i%2 == 0 },
						"the last":     func(i int) bool { return i == batch-1 },
					} {
						for k, y := range run(n, picture) {
							compare(t, fmt.Sprintf("%s of %d, output %d", what, n, k), y, want[k])
						}
					}
					// Tensors again, as if nothing had been.
					for k, y := range run(n, func(int) bool { return false }) {
						compare(t, fmt.Sprintf("tensors of %d, output %d", n, k), y, want[k])
					}
				}

				// A picture that is not run shows in Input, and can be overwritten.
				if _, err := s.SetPicture(1, imgs[0]); err != nil {
					t.Fatal(err)
				}
				compare(t, "the input", s.Input(0)[size:2*size], prepared[0])
				want := run(2, func(int) bool { return false })
				if _, err := s.SetPicture(0, imgs[3]); err != nil {
					t.Fatal(err)
				}
				for k, y := range run(2, func(int) bool { return false }) {
					compare(t, fmt.Sprintf("overwritten, output %d", k), y, want[k])
				}
			})
		}
	}
}

func TestSetPictureErrors(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	m := newTestModel(t, pictureNets(t)["a convolution"].net, portable)
	s := newTestSession(t, m, SessionOptions{Batch: 2})
	for _, i := range []int{-1, 2} {
		if _, err := s.SetPicture(i, img); !errors.Is(err, ErrBatch) {
			t.Errorf("item %d: %v, want ErrBatch", i, err)
		}
	}
	if _, err := s.SetPicture(0, image.NewNRGBA(image.Rectangle{})); !errors.Is(err, ErrEmpty) {
		t.Errorf("no pixels: %v, want ErrEmpty", err)
	}
	at, err := s.SetPicture(0, img)
	if x, y := at.ToPicture(8, 8); err != nil || x != 2 || y != 2 {
		t.Errorf("the input's middle is the picture's %v, %v; error %v", x, y, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetPicture(0, img); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v, want ErrClosed", err)
	}
	bare := newTestSession(t, newTestModel(t, mobileNet(t, tensor.F32), portable), SessionOptions{})
	if _, err := bare.SetPicture(0, img); !errors.Is(err, ErrNoPicture) {
		t.Errorf("no preparation: %v, want ErrNoPicture", err)
	}
}

// TestSetPictureAllocates: a run of pictures allocates as little as any other.
func TestSetPictureAllocates(t *testing.T) {
	m := newTestModel(t, pictureNets(t)["a convolution"].net, portable)
	s := newTestSession(t, m, SessionOptions{})
	img := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	img.SetNRGBA(3, 3, color.NRGBA{200, 100, 50, 255})
	if _, err := s.SetPicture(0, img); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() {
		s.pictures[0] = true
		if err := s.Run(1); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A picture of the input's own size is seen as it is, in either order of the
// input's elements.
func TestSeen(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := range img.Pix {
		img.Pix[i] = uint8(rand.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	for name, c := range pictureNets(t) {
		s := newTestSession(t, newTestModel(t, c.net, portable), SessionOptions{Batch: 2})
		if _, err := s.SetPicture(1, img); err != nil {
			t.Fatal(err)
		}
		seen, err := s.Seen(1)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, ok := seen.(*image.NRGBA); !ok || !slices.Equal(got.Pix, img.Pix) {
			t.Errorf("%s: another picture is seen", name)
		}
		if _, err := s.Seen(2); !errors.Is(err, ErrBatch) {
			t.Errorf("%s: item 2: %v", name, err)
		}
		s.Close()
		if _, err := s.Seen(0); !errors.Is(err, ErrClosed) {
			t.Errorf("%s, closed: %v", name, err)
		}
	}
}
