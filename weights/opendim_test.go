package weights

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// openSample is a net with two open dimensions, one of them in both inputs, and
// with something in every field.
func openSample(t testing.TB) *Net {
	t.Helper()
	b := newBuilder(t, true)
	x := b.input("x", 1, 3, 8, 12)
	z := b.input("z", 1, 12)
	nhwc := b.step("nhwc", &kernels.Transpose{Perm: []int{0, 2, 3, 1}}, []int{x})
	conv := b.step("conv", &kernels.Conv{Window: window(3, 2, 1), Groups: 1, Channels: 4}, nhwc, b.panels(tensor.F16, 1, 27, 4))
	resize := b.step("resize", &kernels.Resize{Scale: [2]float32{2, 2}, Size: [2]int{8, 12}}, conv)
	pool := b.step("pool", &kernels.Pool{Window: kernels.Window{Kernel: [2]int{8, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}}, resize)
	rows := b.step("rows", &kernels.Reshape{Shape: []int{1, 96, 4}}, resize)
	slice := b.step("slice", &kernels.Slice{Start: []int{0, 1, 0}, Step: []int{1, 2, 1}, Size: []int{1, 40, 4}}, rows)
	line := b.step("line", &kernels.Reshape{Shape: []int{1, 12, 4}}, pool)
	wide := b.step("wide", &kernels.Reshape{Shape: []int{1, 12, 1}}, []int{z})
	sum := b.step("sum", &kernels.Binary{Kind: kernels.Mul}, []int{line[0], wide[0]})
	b.net.Outputs = []int{slice[0], sum[0]}
	b.net.Open = []OpenDim{
		{Name: "height", At: []Axis{{0, 2}}, Size: 8, Multiple: 2, Least: 4, Most: 1 << 20},
		{Name: "Breite", At: []Axis{{0, 3}, {1, 1}}, Size: 12, Multiple: 4, Least: 8, Most: 1 << 20},
	}
	b.net.Growth = []Growth{
		{Step: 2, Extent: 0, By: []int{2, 0, 0}},
		{Step: 2, Extent: 1, By: []int{0, 4, 0}},
		{Step: 3, Extent: 0, Value: 4, Dim: 1}, // of what resize writes
		{Step: 4, Extent: 1, By: []int{24, 32, 8}},
		{Step: 5, Extent: 4, By: []int{6, 12, 0}}, // size of dimension 1
		{Step: 6, Extent: 1, By: []int{0, 4, 0}},
		{Step: 7, Extent: 1, By: []int{0, 4, 0}},
	}
	return b.net
}

func TestOpenFile(t *testing.T) {
	want := openSample(t)
	data := marshal(t, want)
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("is\n%+v\nwas\n%+v", got, want)
	}
	if !bytes.Equal(marshal(t, got), data) {
		t.Error("writing again gives other bytes")
	}
	for n := range data {
		if _, err := Parse(data[:n]); err == nil {
			t.Errorf("the first %d bytes are a file", n)
		}
	}
	accepted := 0
	for i := 0; i < 8*len(data); i += stride() {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		fixSums(flipped)
		if parseAndWrite(t, flipped) {
			accepted++
		}
	}
	t.Logf("%d flips make another net", accepted)
}

// TestGoldenOpen is TestGolden for open dimensions.
func TestGoldenOpen(t *testing.T) {
	const file = "testdata/v1_open.frz"
	want := openSample(t)
	updateGolden(t, file, want)
	if bigEndian() {
		return
	}
	f, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !reflect.DeepEqual(f.Net, want) {
		t.Errorf("is\n%+v\nwas\n%+v", f.Net, want)
	}
}

func TestSized(t *testing.T) {
	n := openSample(t)
	for _, c := range []struct {
		sizes []int
		want  string // a part of the error; empty if there is none
		rows  int    // of the first output
	}{
		{[]int{8, 12}, "", 40},
		{[]int{4, 8}, "", 16},
		{[]int{10, 16}, "", 58},
		{[]int{100, 40}, "", 40 + 46*6 + 7*12},
		{[]int{8}, `1 sizes are given for the open dimensions "height", "Breite"`, 0},
		{[]int{8, 14}, `"Breite" is 14: only multiples of 4`, 0},
		{[]int{2, 12}, `"height" is 2: at least 4`, 0},
		{[]int{1<<20 + 2, 12}, `"height" is 1048578: at most 1048576`, 0},
		{[]int{1 << 18, 1 << 18}, `step 0 ("nhwc")`, 0},
	} {
		m, err := n.Sized(c.sizes)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v, want %q", c.sizes, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.sizes, err)
			continue
		}
		if len(m.Open) != 0 || m.Check() != nil {
			t.Errorf("%v: it is still open, or %v", c.sizes, m.Check())
		}
		if got := m.Values[m.Outputs[0]].Shape; !got.Equal(tensor.Shape{1, c.rows, 4}) {
			t.Errorf("%v: the output is %v, want %d rows", c.sizes, got, c.rows)
		}
		if got := m.Values[m.Outputs[1]].Shape; !got.Equal(tensor.Shape{1, c.sizes[1], 4}) {
			t.Errorf("%v: the second output is %v", c.sizes, got)
		}
		if &m.Params[0].Data[0] != &n.Params[0].Data[0] {
			t.Error("the params are copied")
		}
	}
	if !reflect.DeepEqual(n, openSample(t)) {
		t.Error("Sized changes the net")
	}
}

// TestSizedExtremes evaluates formulas that a hostile file can have.
func TestSizedExtremes(t *testing.T) {
	for _, by := range [][]int{
		{math.MaxInt32, 0, 0}, {0, math.MinInt32, 0}, {0, 0, math.MaxInt32}, {math.MaxInt32, math.MaxInt32, math.MinInt32}, {-1, -1, -1},
	} {
		for step := range 7 {
			n := openSample(t)
			n.Growth[step].By, n.Growth[step].Value, n.Growth[step].Dim = by, 0, 0
			if err := n.Check(); err != nil {
				t.Fatal(err)
			}
			for _, sizes := range [][]int{{4, 8}, {10, 16}, {1 << 20, 12}, {8, 1 << 20}, {1 << 10, 1 << 10}} {
				if m, err := n.Sized(sizes); err == nil && m.Check() != nil {
					t.Errorf("%v at %v: Sized accepts what Check does not", by, sizes)
				}
			}
		}
	}
}

func TestCheckOpen(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(n *Net)
		want string
	}{
		{"no place", func(n *Net) { n.Open[0].At = nil }, `open dimension 0 ("height"): no input has it`},
		{"an input out of range", func(n *Net) { n.Open[1].At[1].Input = 2 }, `open dimension 1 ("Breite"): there is no input 2`},
		{"a dimension out of range", func(n *Net) { n.Open[0].At[0].Dim = 4 }, "is not 8"},
		{"a negative dimension", func(n *Net) { n.Open[0].At[0].Dim = -1 }, "is not 8"},
		{"another size", func(n *Net) { n.Open[0].Size = 10 }, "dimension 2 of input 0, of shape 1×3×8×12, is not 10"},
		{"a place twice", func(n *Net) { n.Open[1].At[1] = Axis{0, 3} }, "dimension 3 of input 0 is named twice"},
		{"the batch", func(n *Net) { n.Open[0].At[0].Dim = 0 }, "can only be open as a batch"},
		{"no multiple", func(n *Net) { n.Open[0].Multiple = 0 }, "are not multiples of 0"},
		{"a least that is none", func(n *Net) { n.Open[0].Least = 5 }, "5 to 1048576, and 8, are not multiples of 2"},
		{"a least above the size", func(n *Net) { n.Open[0].Least = 10 }, "in this order"},
		{"a most below the size", func(n *Net) { n.Open[0].Most = 6 }, "in this order"},
		{"a most that is too large", func(n *Net) { n.Open[0].Most = math.MaxInt32 }, "are not multiples"},
		{"five dimensions", func(n *Net) { n.Open = slices.Repeat(n.Open[:1], 5) }, "5 open dimensions are more than 4"},
		{"a growth of no step", func(n *Net) { n.Growth[6].Step = 9 }, "growth 6: there is no step 9"},
		{"a growth of a convolution", func(n *Net) { n.Growth[0] = Growth{Step: 1, Extent: 0, By: []int{1, 0, 0}} }, `Conv of step 1 ("conv") has no extent 0`},
		{"no such extent", func(n *Net) { n.Growth[6].Extent = 3 }, `Reshape of step 7 ("wide") has no extent 3`},
		{"out of order", func(n *Net) { n.Growth[0], n.Growth[1] = n.Growth[1], n.Growth[0] }, "growth 1 is out of order"},
		{"twice", func(n *Net) { n.Growth[1] = n.Growth[0] }, "growth 1 is out of order"},
		{"numbers too few", func(n *Net) { n.Growth[0].By = []int{2, 0} }, "growth 0: 2 numbers for 2 open dimensions"},
		{"a value out of range", func(n *Net) { n.Growth[2].Value = 99 }, "growth 2: there is no value 99 before step 3"},
		{"a value that comes later", func(n *Net) { n.Growth[2].Value = 5 }, "growth 2: there is no value 5 before step 3"},
		{"a dimension that it has not", func(n *Net) { n.Growth[2].Dim = 4 }, "of shape 1×8×12×4, is not 8"},
		{"a dimension of another size", func(n *Net) { n.Growth[2].Dim = 2 }, "growth 2: dimension 2 of value 4"},
		{"a value beside a formula", func(n *Net) { n.Growth[1].Dim = 1 }, "growth 1: it has both a value and numbers"},
		{"no growth", func(n *Net) { n.Growth[0].By = []int{0, 0, 0} }, "growth 0: all its numbers are 0"},
		{"a growth where nothing is open", func(n *Net) { n.Open = nil }, "growth 0: 3 numbers for 0 open dimensions"},
		{"a picture of a size", func(n *Net) { n.Meta.Preparation = photo(8, 0) }, "preparation: a side of 8 where dimension 2"},
		{"a picture of another", func(n *Net) { n.Meta.Preparation = photo(0, 12) }, "preparation: a side of 12 where dimension 3"},
		{"a picture whose channels are open", func(n *Net) {
			n.Open[0].At[0].Dim, n.Open[0].Size, n.Open[0].Multiple, n.Open[0].Least = 1, 3, 1, 1
			n.Meta.Preparation = photo(8, 0)
		}, "dimension 1 of the first input is open"},
	} {
		n := openSample(t)
		c.do(n)
		err := n.Check()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if _, err := Marshal(n); err == nil {
			t.Errorf("%s: Marshal accepts it", c.what)
		}
	}
	n := openSample(t)
	n.Meta.Labels = make([]string, 160)
	if err := n.Check(); err == nil || !strings.Contains(err.Error(), `160 labels for the first output, whose size follows the open dimensions "height", "Breite"`) {
		t.Errorf("labels of pixels: %v", err)
	}
	n = openSample(t)
	n.Meta.Preparation = photo(0, 0)
	if err := n.Check(); err != nil {
		t.Error(err)
	}
	if m, err := n.Sized([]int{10, 16}); err != nil || m.Meta.Preparation.Height != 10 || m.Meta.Preparation.Width != 16 {
		t.Errorf("a picture of %+v, %v", m.Meta.Preparation, err)
	}
}

func photo(height, width int) Preparation {
	return Preparation{Kind: Photo, Order: RGB, Height: height, Width: width, Scale: 1, Std: [3]float32{1, 1, 1}}
}
