package weights

import (
	"slices"

	"github.com/infer-go/infer/kernels"
)

// A specCode is one type of kernels.Spec in the file.
type specCode struct {
	since  uint32 // the version that added it
	is     func(kernels.Spec) bool
	make   func() kernels.Spec
	fields func(*coder, kernels.Spec)
}

// specCodes are the types of steps. A type's place is its code in the file,
// so that new ones are appended and none is ever taken out.
var specCodes = []specCode{
	codeOf(1, (*coder).conv),
	codeOf(1, (*coder).convTranspose),
	codeOf(1, (*coder).fullyConnected),
	codeOf(1, (*coder).matMul),
	codeOf(1, (*coder).pool),
	codeOf(1, (*coder).unary),
	codeOf(1, (*coder).binary),
	codeOf(1, (*coder).concat),
	codeOf(1, (*coder).slice),
	codeOf(1, (*coder).split),
	codeOf(1, (*coder).padding),
	codeOf(1, (*coder).transpose),
	codeOf(1, (*coder).reshape),
	codeOf(1, (*coder).softmax),
	codeOf(1, (*coder).reduce),
	codeOf(1, (*coder).normalise),
	codeOf(1, (*coder).lrn),
	codeOf(1, (*coder).resize),
	codeOf(1, (*coder).convert),
	codeOf(1, (*coder).selection),
	codeOf(1, (*coder).repeat),
	codeOf(1, (*coder).take),
	codeOf(1, (*coder).gather),
	codeOf(1, (*coder).arg),
	codeOf(1, (*coder).topK),
	codeOf(1, (*coder).recurrent),
	codeOf(1, (*coder).gridSample),
	codeOf(1, (*coder).constant),
	codeOf(1, (*coder).maxPlaces),
	codeOf(1, (*coder).scatter),
	codeOf(1, (*coder).gatherElements),
	codeOf(1, (*coder).suppression),
	codeOf(1, (*coder).roiAlign),
	codeOf(1, (*coder).cumulativeSum),
}

func codeOf[T any, P interface {
	*T
	kernels.Spec
}](since uint32, fields func(*coder, P)) specCode {
	return specCode{
		since:  since,
		is:     func(s kernels.Spec) bool { p, ok := s.(P); return ok && p != nil },
		make:   func() kernels.Spec { return P(new(T)) },
		fields: func(c *coder, s kernels.Spec) { fields(c, s.(P)) },
	}
}

// codeOfSpec is the place of s in specCodes, −1 if it is none of them.
func codeOfSpec(s kernels.Spec) int {
	return slices.IndexFunc(specCodes, func(t specCode) bool { return t.is(s) })
}

// spec codes the type of a Spec, then its fields.
func (c *coder) spec(s *kernels.Spec) {
	var code uint8
	if !c.reading {
		i := codeOfSpec(*s)
		if i < 0 {
			c.fail("%T has no code in the file", *s)
			return
		}
		code = uint8(i)
	}
	if c.uint8(&code); c.err != nil {
		return
	}
	if int(code) >= len(specCodes) || !c.has(specCodes[code].since) {
		c.fail("unknown operation %d", code)
		return
	}
	if c.reading {
		*s = specCodes[code].make()
	}
	specCodes[code].fields(c, *s)
}

func (c *coder) act(v *kernels.Act) {
	enum(c, &v.Kind, kernels.LastActivation)
	c.float(&v.Lo)
	c.float(&v.Hi)
}

func (c *coder) window(v *kernels.Window) {
	c.ints(v.Kernel[:])
	c.ints(v.Stride[:])
	c.ints(v.Dilation[:])
	c.ints(v.Pad[:])
}

func (c *coder) conv(v *kernels.Conv) {
	c.window(&v.Window)
	c.int(&v.Groups)
	c.int(&v.Channels)
	c.act(&v.Act)
	c.bool(&v.Pool)
	enum(c, &v.Winograd, kernels.WinogradF4)
}

func (c *coder) convTranspose(v *kernels.ConvTranspose) {
	c.window(&v.Window)
	c.int(&v.Groups)
	c.int(&v.Channels)
	c.ints(v.OutputPad[:])
	c.act(&v.Act)
}

func (c *coder) fullyConnected(v *kernels.FullyConnected) {
	c.int(&v.Channels)
	c.act(&v.Act)
}

func (c *coder) matMul(v *kernels.MatMul) {
	c.intList(&v.Left)
	c.intList(&v.Right)
	c.intList(&v.Result)
	c.intList(&v.Stack)
	c.float(&v.Scale)
}

func (c *coder) pool(v *kernels.Pool) {
	c.window(&v.Window)
	enum(c, &v.Kind, kernels.AveragePoolPadded)
	c.bool(&v.Ceil)
}

func (c *coder) unary(v *kernels.Unary) {
	enum(c, &v.Kind, kernels.LastUnary)
	c.act(&v.Act)
}

func (c *coder) binary(v *kernels.Binary) {
	enum(c, &v.Kind, kernels.LastBinary)
	c.act(&v.Act)
	c.bool(&v.Swap)
}

// convert has no fields: what elements become, the value says that it writes.
func (c *coder) convert(*kernels.Convert) {}

func (c *coder) concat(v *kernels.Concat) { c.int(&v.Axis) }

func (c *coder) slice(v *kernels.Slice) {
	c.intList(&v.Start)
	c.intList(&v.Step)
	c.intList(&v.Size)
}

func (c *coder) split(v *kernels.Split) {
	c.int(&v.Axis)
	c.intList(&v.Sizes)
}

func (c *coder) padding(v *kernels.Padding) {
	enum(c, &v.Mode, kernels.PadWrap)
	c.intList(&v.Before)
	c.intList(&v.After)
	c.float(&v.Value)
}

func (c *coder) transpose(v *kernels.Transpose) { c.intList(&v.Perm) }

func (c *coder) reshape(v *kernels.Reshape) { c.intList(&v.Shape) }

func (c *coder) softmax(v *kernels.Softmax) {
	c.int(&v.Axis)
	c.bool(&v.Log)
}

func (c *coder) reduce(v *kernels.Reduce) {
	enum(c, &v.Kind, kernels.ReduceLogSumExp)
	c.intList(&v.Axes)
	c.bool(&v.Keep)
}

func (c *coder) normalise(v *kernels.Normalise) {
	enum(c, &v.Kind, kernels.ByL2)
	c.intList(&v.Axes)
	c.float(&v.Epsilon)
}

func (c *coder) lrn(v *kernels.LRN) {
	c.int(&v.Size)
	c.float(&v.Alpha)
	c.float(&v.Beta)
	c.float(&v.Bias)
}

func (c *coder) resize(v *kernels.Resize) {
	enum(c, &v.Mode, kernels.SmoothCubic)
	enum(c, &v.Coordinates, kernels.CropAndResize)
	enum(c, &v.Rounding, kernels.RoundCeil)
	c.float(&v.Scale[0])
	c.float(&v.Scale[1])
	c.ints(v.Size[:])
	if v.Mode == kernels.Cubic || v.Mode == kernels.SmoothCubic {
		c.float(&v.CubicA)
	}
	if v.Mode >= kernels.Cubic {
		c.bool(&v.ExcludeOutside)
	}
	if v.Coordinates == kernels.CropAndResize {
		for i := range v.Crop {
			c.float(&v.Crop[i])
		}
		c.float(&v.Extrapolation)
	}
}

func (c *coder) selection(v *kernels.Select) {
	for i := range v.Constant {
		c.bool(&v.Constant[i])
	}
}

func (c *coder) repeat(v *kernels.Repeat) { c.intList(&v.Times) }

func (c *coder) take(v *kernels.Take) {
	c.int(&v.Axis)
	c.intList(&v.Index)
}

func (c *coder) gather(v *kernels.Gather) {
	c.int(&v.Axis)
	c.int(&v.Shared)
}

func (c *coder) arg(v *kernels.Arg) {
	c.int(&v.Axis)
	c.bool(&v.Min)
	c.bool(&v.Last)
}

func (c *coder) topK(v *kernels.TopK) {
	c.int(&v.Axis)
	c.int(&v.K)
	c.bool(&v.Smallest)
}

func (c *coder) recurrent(v *kernels.Recurrent) {
	enum(c, &v.Kind, kernels.LastRecurrent)
	c.bool(&v.Reverse)
}

func (c *coder) gridSample(v *kernels.GridSample) {
	enum(c, &v.Mode, kernels.Cubic)
	enum(c, &v.Padding, kernels.GridReflection)
	c.bool(&v.AlignCorners)
}

// constant has no fields: its param is all that it is.
func (c *coder) constant(*kernels.Constant) {}

func (c *coder) maxPlaces(v *kernels.MaxPlaces) {
	c.intList(&v.Kernel)
	c.intList(&v.Stride)
	c.intList(&v.Dilation)
	c.intList(&v.Before)
	c.intList(&v.Size)
	c.bool(&v.ColumnMajor)
}

func (c *coder) scatter(v *kernels.Scatter) {
	c.int(&v.Axis)
	c.int(&v.Size)
	enum(c, &v.Kind, kernels.ScatterMin)
}

func (c *coder) gatherElements(v *kernels.GatherElements) { c.int(&v.Axis) }

func (c *coder) suppression(v *kernels.NonMaxSuppression) {
	c.int(&v.Most)
	c.float(&v.Overlap)
	c.float(&v.Least)
	c.bool(&v.Scored)
	c.bool(&v.Centred)
}

func (c *coder) roiAlign(v *kernels.RoiAlign) {
	c.bool(&v.Max)
	c.bool(&v.HalfPixel)
	c.ints(v.Size[:])
	c.int(&v.Sampling)
	c.float(&v.Scale)
}

func (c *coder) cumulativeSum(v *kernels.CumulativeSum) {
	c.int(&v.Axis)
	c.bool(&v.Exclusive)
	c.bool(&v.Reverse)
}
