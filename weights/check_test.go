package weights

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// Each case breaks a sound Net in one place; Check must find it and say where,
// and Marshal must refuse it.
func TestCheck(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, tt := range []struct {
		what string
		do   func(n *Net)
		want string
	}{
		{"no input", func(n *Net) { n.Inputs = nil }, "no input"},
		{"no output", func(n *Net) { n.Outputs = nil }, "no output"},
		{"an input out of range", func(n *Net) { n.Inputs[0] = -1 }, "input 0: there is no value -1"},
		{"an input twice", func(n *Net) { n.Inputs = []int{0, 0} }, `input 1: value 0 ("x") is written twice`},
		{"an output out of range", func(n *Net) { n.Outputs[1] = len(n.Values) }, "output 1: there is no value"},
		{"an operand out of range", func(n *Net) { n.Steps[1].In[0] = 99 }, `step 1 ("first"): there is no value 99`},
		{"steps out of order", func(n *Net) { n.Steps[0], n.Steps[1] = n.Steps[1], n.Steps[0] }, `step 0 ("first"): value 1 ("nhwc") is read before it is written`},
		{"a step that reads its own result", func(n *Net) { n.Steps[0].In[0] = n.Steps[0].Out[0] }, `step 0 ("nhwc"): value 1 ("nhwc") is read before it is written`},
		{"a value written twice", func(n *Net) { n.Steps[6].Out = n.Steps[5].Out }, `step 6 ("elu"): value 6 ("pool") is written twice`},
		{"a result out of range", func(n *Net) { n.Steps[0].Out[0] = 99 }, `step 0 ("nhwc"): there is no value 99`},
		{"a value that nothing writes", func(n *Net) { n.Values = append(n.Values, Value{"y", tensor.Floats(1)}) }, `("y"): nothing writes it`},
		{"an output that nothing writes", func(n *Net) {
			n.Values = append(n.Values, Value{"y", tensor.Floats(1)})
			n.Outputs[0] = len(n.Values) - 1
		}, `output 0: value 50 ("y") is read before it is written`},
		{"a param out of range", func(n *Net) { n.Steps[1].Params[0] = 99 }, `step 1 ("first"): there is no param 99`},
		{"a param used twice", func(n *Net) { n.Steps[3].Params[0] = 0 }, `step 3 ("residual"): param 0 is used twice`},
		{"a param not used", func(n *Net) { n.Params = append(n.Params, kernels.PlainParam([]int{1}, []float32{0})) }, "param 16: no step uses it"},
		{"a Spec that is none", func(n *Net) { n.Steps[0].Spec = nil }, `step 0 ("nhwc"): <nil> is not an operation`},
		{"a Spec of nil", func(n *Net) { n.Steps[0].Spec = (*kernels.Conv)(nil) }, `step 0 ("nhwc"): *kernels.Conv is not an operation`},
		{"a result too few", func(n *Net) { n.Steps[11].Out = n.Steps[11].Out[:1] }, `step 11 ("split"): Split has 1 results instead of 2`},
		{"a wrong shape", func(n *Net) { n.Values[1].Shape = []int{1, 8, 8, 4} }, `step 0 ("nhwc"): Transpose gives value 1 ("nhwc") the type f32 1×8×8×3 instead of f32 1×8×8×4`},
		{"a dimension of zero", func(n *Net) { n.Values[0].Shape = []int{1, 3, 0, 8} }, `value 0 ("x") of 1×3×0×8 elements is empty`},
		{"nine dimensions", func(n *Net) { n.Values[0].Shape = []int{1, 1, 1, 1, 1, 1, 1, 1, 1} }, `value 0 ("x") has 9 dimensions, more than 8`},
		{"too many elements", func(n *Net) { n.Values[0].Shape = []int{1, 1 << 16, 1 << 15} }, `value 0 ("x") of 1×65536×32768 elements is too large`},
		{"a batch of two", func(n *Net) { n.Values[0].Shape = []int{2, 3, 8, 8} }, `input 0: value 0 ("x") of shape 2×3×8×8 does not begin with a batch of 1`},
		{"a scalar in a batch", func(n *Net) { n.Values[0].Shape = nil }, `input 0: value 0 ("x") of shape scalar does not begin with a batch of 1`},
		{"a batch dimension too many", func(n *Net) { n.BatchDims = []int{1, 0, 0, 0, 0, 0, 0, 0, 0} }, "9 batch dimensions for"},
		{"a batch dimension out of range", func(n *Net) { n.BatchDims = slices.Repeat([]int{8}, len(n.Outputs)) }, "output 0: the batch is dimension 8 of"},
		{"batch dimensions without need", func(n *Net) { n.BatchDims = make([]int, len(n.Outputs)) }, "batch dimensions are given although all are 0"},
		{"a batch dimension without a batch", func(n *Net) { n.Batched, n.BatchDims = false, slices.Repeat([]int{1}, len(n.Outputs)) }, "batch dimensions for"},
		{"data too short", func(n *Net) { n.Params[0].Data = n.Params[0].Data[64:] }, `step 1 ("first"): Conv: the weights have`},
		{"a param's wrong shape", func(n *Net) { n.Params[0].Shape = []int{1, 27, 5} }, `step 1 ("first"): Conv: the weights are`},
		{"a NaN bias", func(n *Net) { n.Params[0].Floats()[3] = nan }, `step 1 ("first"): param 0: byte 12: an element is not finite`},
		{"an infinite weight", func(n *Net) { n.Params[1].Floats()[5] = -inf }, `step 2 ("depth"): param 1: byte 20: an element is not finite`},
		{"an infinite half", func(n *Net) { n.Params[0].Data[64+7] = 0x7c; n.Params[0].Data[64+6] = 0 }, `step 1 ("first"): param 0: byte 70: an element is not finite`},
		{"a bias in the padding", func(n *Net) { n.Params[0].Data[16] = 1 }, "param 0: byte 16: the padding after a panel's biases is not zero"},
		{"a weight in the padding", func(n *Net) { n.Params[0].Data[64+3*32+8] = 1 }, "param 0: byte 168: the padding after a panel's columns is not zero"},
		{"a byte after the rows", func(n *Net) { n.Params[0].Data[64+27*32] = 1 }, "param 0: byte 928: the padding after a panel's rows is not zero"},
		{"too few labels", func(n *Net) { n.Meta.Labels = n.Meta.Labels[1:] }, "4 labels for 5 classes of the first output"},
		{"a mask of a list", func(n *Net) { n.Meta.Answer.Kind = Mask }, "answer: the first output is f32 1×5, and should be f32 1×channels×height×width"},
		{"boxes without a head", func(n *Net) { n.Meta.Answer = Answer{Kind: Boxes, Most: 1} }, "answer: boxes without a head"},
		{"a score of NaN", func(n *Net) { n.Meta.Answer = Answer{Kind: Boxes, Head: "ssd", Least: nan, Most: 1} }, "answer: least score NaN"},
		{"an overlap of 2", func(n *Net) { n.Meta.Answer = Answer{Kind: Boxes, Head: "ssd", Overlap: 2, Most: 1} }, "and overlap 2, which are not from 0 to 1"},
		{"no boxes", func(n *Net) { n.Meta.Answer = Answer{Kind: Boxes, Head: "ssd"} }, "answer: at most 0 boxes"},
		{"too many boxes", func(n *Net) { n.Meta.Answer = Answer{Kind: Boxes, Head: "ssd", Most: MostBoxes + 1} }, "answer: at most 10001 boxes"},
		{"scores of a head", func(n *Net) { n.Meta.Answer.Head = "ssd" }, "answer: fields of boxes are set"},
		{"an unknown answer", func(n *Net) { n.Meta.Answer.Kind = Picture + 1 }, "answer: unknown kind 5"},
		{"negative counts", func(n *Net) { n.Meta.Nodes = -1 }, "-1 nodes"},
		{"a picture without width", func(n *Net) { n.Meta.Preparation.Width = 0 }, "preparation: a picture of 0×8"},
		{"a picture of one long row", func(n *Net) {
			n.Meta.Preparation.Width, n.Meta.Preparation.Height = 1<<16+1, 1
		}, "preparation: a picture of 65537×1 is empty, or too large: its sides can be 65536 each"},
		{"a picture of too many pixels", func(n *Net) {
			n.Meta.Preparation.Width, n.Meta.Preparation.Height = 1<<16, 1<<16
		}, "preparation: a picture of 65536×65536 is empty, or too large"},
		{"a picture of another size", func(n *Net) { n.Meta.Preparation.Width = 9 }, "preparation: a picture of shape 1×3×8×9 does not fit the first input's 1×3×8×8"},
		{"a gray picture", func(n *Net) { n.Meta.Preparation.Order = Gray }, "preparation: a picture of shape 1×1×8×8 does not fit"},
		{"no deviation", func(n *Net) { n.Meta.Preparation.Std[1] = 0 }, "preparation: channel 1 has mean 0.456 and standard deviation 0"},
		{"a mean of NaN", func(n *Net) { n.Meta.Preparation.Mean[2] = nan }, "preparation: channel 2 has mean NaN"},
		{"a scale of zero", func(n *Net) { n.Meta.Preparation.Scale = 0 }, "preparation: scale 0"},
		{"a negative size", func(n *Net) { n.Meta.Preparation.Resize = -1 }, "preparation: the shorter side is resized to -1"},
		{"a digit in colour", func(n *Net) { n.Meta.Preparation.Kind = Digit }, "preparation: a digit is a gray picture of 28×28"},
		{"an unknown kind", func(n *Net) { n.Meta.Preparation.Kind = 3 }, "preparation: unknown kind 3"},
		{"a name of several lines", func(n *Net) { n.Values[0] = Value{"x\n\u202e", tensor.Floats(0)} }, `value 0 ("x\n\u202e") of 0 elements is empty`},
		{"a name without end", func(n *Net) {
			n.Values[0] = Value{strings.Repeat("ä", 1000), tensor.Floats(0)}
		}, `value 0 ("` + strings.Repeat("ä", 40) + `…") of 0 elements is empty`},
		{"a zero that is negative", func(n *Net) {
			n.Meta.Preparation = Preparation{Std: [3]float32{0, 0, float32(math.Copysign(0, -1))}}
		}, "preparation: fields are set"},
		{"a preparation of nothing", func(n *Net) { n.Meta.Preparation.Kind = NoPicture }, "preparation: fields are set"},
	} {
		n := sample(t)
		if err := n.Check(); err != nil {
			t.Fatal(err)
		}
		tt.do(n)
		err := n.Check()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %s", tt.what, err, tt.want)
		}
		if _, err := Marshal(n); err == nil {
			t.Errorf("%s: Marshal writes it", tt.what)
		}
	}
}

// TestSplitWithoutResults checks that a split into millions of parts costs
// little where the step does not list them.
func TestSplitWithoutResults(t *testing.T) {
	b := newBuilder(t, false)
	x := b.input("x", 1<<20)
	y := b.step("y", &kernels.Split{Sizes: []int{1 << 20}}, []int{x})
	b.net.Outputs = y
	b.net.Steps[0].Spec = &kernels.Split{Sizes: slices.Repeat([]int{1}, 1<<20)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := b.net.Check()
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "Split has 1 results instead of 1048576") {
		t.Error(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// What Check lets pass but the file cannot hold is refused in words, too.
func TestMarshalRefuses(t *testing.T) {
	for _, tt := range []struct {
		what string
		do   func(n *Net)
		want string
	}{
		{"a name that is not UTF-8", func(n *Net) { n.Meta.Name = "\xff" }, `section META: "\xff" is not UTF-8`},
		{"a label that is not UTF-8", func(n *Net) { n.Meta.Labels[2] = "\xff" }, `section META: label 2: "\xff" is not UTF-8`},
		{"a step's name that is not UTF-8", func(n *Net) { n.Steps[3].Name = "\xff" }, `section GRAPH: step 3: "\xff" is not UTF-8`},
		{"a padding of NaN", func(n *Net) {
			n.Steps[12].Spec.(*kernels.Padding).Value = float32(math.NaN())
		}, `section GRAPH: step 12: NaN`},
	} {
		n := sample(t)
		tt.do(n)
		if _, err := Marshal(n); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v; want %s", tt.what, err, tt.want)
		}
	}
}

// Operations on the numbers of items are sound for one item, and not for a batch
// of them.
func TestBatchedNumbersNothing(t *testing.T) {
	for _, tt := range []struct {
		spec   kernels.Spec
		in     [][]int
		places bool // the last operand is one of int64
	}{
		{&kernels.RoiAlign{Size: [2]int{1, 1}, Scale: 1}, [][]int{{1, 2, 2, 3}, {1, 4}, {1}}, true},
		{&kernels.NonMaxSuppression{Most: 1}, [][]int{{1, 1, 4}, {1, 1, 1}}, false},
	} {
		for _, batched := range []bool{false, true} {
			b := newBuilder(t, batched)
			var in []int
			for _, shape := range tt.in {
				in = append(in, b.input("x", shape...))
			}
			if last := in[len(in)-1]; tt.places {
				b.net.Values[last].Elem = tensor.I64
			}
			b.net.Outputs = b.step("y", tt.spec, in)
			switch err := b.net.Check(); {
			case !batched && err != nil:
				t.Errorf("%s of %v, not batched: %v", tt.spec.Op(), tt.in, err)
			case batched && (err == nil || !strings.HasSuffix(err.Error(), "numbers the items of a batch, which are run one by one")):
				t.Errorf("%s of %v, batched: %v", tt.spec.Op(), tt.in, err)
			}
		}
	}
}
