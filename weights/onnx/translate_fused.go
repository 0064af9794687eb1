package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// ONNX Runtime's optimiser replaces nodes that follow one another by one of its own.
// They are translated as what they were made of; the passes join what belongs
// together.

// A fusedActivation is an activation that is part of another operator: the names of
// its attributes, in the order of FusedConv's activation_params, and what it is.
type fusedActivation struct {
	params []string
	spec   func(*call) kernels.Unary
}

var fusedActivations = map[string]fusedActivation{
	"Relu":            {nil, activate(relu)},
	"Sigmoid":         {nil, activate(kernels.Act{Kind: kernels.ActSigmoid})},
	"Tanh":            {nil, activate(kernels.Act{Kind: kernels.ActTanh})},
	"Softplus":        {nil, activate(kernels.Act{Kind: kernels.ActSoftplus})},
	"Softsign":        {nil, activate(kernels.Act{Kind: kernels.ActSoftsign})},
	"HardSwish":       {nil, activate(kernels.Act{Kind: kernels.ActHardSwish})},
	"LeakyRelu":       {[]string{"alpha"}, leakyRelu},
	"ThresholdedRelu": {[]string{"alpha"}, thresholdedRelu},
	"Elu":             {[]string{"alpha"}, elu},
	"Selu":            {[]string{"alpha", "gamma"}, selu},
	"HardSigmoid":     {[]string{"alpha", "beta"}, hardSigmoid},
	"Clip":            {[]string{"min", "max"}, clamp},
}

// clamp is Clip between two attributes.
func clamp(c *call) kernels.Unary {
	lo, hi := c.floatAttr("min", 0), c.floatAttr("max", 0)
	return kernels.Unary{Act: kernels.Act{Kind: kernels.Clamp, Lo: min(lo, hi), Hi: hi}}
}

// activated applies the activation that the attribute names. attributes are those
// that it has, by the names that it has for them.
func (c *call) activated(y *value, attributes func(fusedActivation) []attribute) []*value {
	name := c.stringAttr("activation", "")
	if name == "" {
		return []*value{y}
	}
	act, ok := fusedActivations[name]
	if !ok {
		return c.unsupported("activation %q is not supported", name)
	}
	if !c.ready() {
		return nil
	}
	node := *c.node
	if node.attributes = attributes(act); !c.ready() {
		return nil
	}
	sub := &call{t: c.t, node: &node}
	op := act.spec(sub)
	if c.err = sub.err; !c.ready() {
		return nil
	}
	return c.apply(&op, y)
}

// fusedConv translates FusedConv: activation(Conv(X, W, B) + Z).
func (c *call) fusedConv() []*value {
	out := c.conv()
	if !c.ready() {
		return nil
	}
	y := out[0]
	if c.has(3) {
		shape := y.shape
		if y = c.binary(&kernels.Binary{Kind: kernels.Add}, y, c.in[3]); c.ready() && !slices.Equal(y.shape, shape) {
			c.fail("Z of shape %s for a result of shape %s", tensor.Dims(c.in[3].shape...), tensor.Dims(shape...))
		}
	}
	return c.activated(y, func(act fusedActivation) []attribute {
		params := c.floatsAttr("activation_params")
		if len(params) != len(act.params) {
			c.fail("%d activation_params where there should be %d", len(params), len(act.params))
			return nil
		}
		var list []attribute
		for i, name := range act.params {
			list = append(list, attribute{name: name, typ: attrFloat, f: params[i]})
		}
		return list
	})
}

// fusedGemm translates FusedGemm: activation(Gemm(A, B, C)).
func (c *call) fusedGemm() []*value {
	out := c.gemm()
	if !c.ready() {
		return nil
	}
	return c.activated(out[0], func(act fusedActivation) []attribute {
		var list []attribute
		for _, name := range act.params {
			if a := c.attribute("activation_"+name, attrFloat); a != nil {
				list = append(list, attribute{name: name, typ: attrFloat, f: a.f})
			}
		}
		return list
	})
}

// fusedMatMul translates FusedMatMul: alpha·A'·B', where A' and B' are A and B or
// stacks of their matrices' transposes.
func (c *call) fusedMatMul() []*value {
	for _, name := range []string{"transBatchA", "transBatchB"} {
		if c.intAttr(name, 0) != 0 {
			return c.unsupported("%s is not supported", name)
		}
	}
	in := []*value{c.operand(0), c.operand(1)}
	for i, name := range []string{"transA", "transB"} {
		v := in[i]
		if c.intAttr(name, 0) == 0 || len(v.shape) < 2 || !c.ready() {
			continue
		}
		swap := lastTwoSwapped(len(v.shape))
		if v.data != nil && v.data.len() > 0 {
			in[i] = c.transposedMatrices(v, swap)
		} else {
			in[i] = c.transpose(c.computed(v), swap...)
		}
	}
	y := c.onReals((*call).matMul, in...)
	if alpha := c.floatAttr("alpha", 1); alpha != 1 && c.ready() {
		y = c.times(y, alpha)
	}
	return []*value{y}
}

// biasGelu translates BiasGelu and FastGelu: Gelu of X + B, where B may be missing.
func biasGelu(kind kernels.Activation) func(*call) []*value {
	return func(c *call) []*value {
		x := c.activation(0)
		if c.has(1) {
			x = c.binary(&kernels.Binary{Kind: kernels.Add}, x, c.in[1])
		}
		return c.apply(&kernels.Unary{Act: kernels.Act{Kind: kind}}, x)
	}
}

// skipLayerNorm translates SkipLayerNormalization: LayerNormalization of
// X + skip + bias over the last dimension. The fourth result is that sum.
func (c *call) skipLayerNorm() []*value {
	return c.skipNorm(kernels.ByDeviation, 4)
}

// skipSimplifiedLayerNorm translates SkipSimplifiedLayerNormalization, which is
// that without a mean and a shift.
func (c *call) skipSimplifiedLayerNorm() []*value {
	return c.skipNorm(kernels.ByRootMeanSquare, 3)
}

// skipNorm normalises X + skip + bias, with the scale and, unless it has none, the
// shift from operand 2 on, and the bias as operand biasAt.
func (c *call) skipNorm(kind kernels.NormaliseKind, biasAt int) []*value {
	x := c.activation(0)
	last := len(x.shape) - 1
	if last < 1 {
		return c.fail("a tensor of shape %s is not a stack of vectors", tensor.Dims(x.shape...))
	}
	sum := c.binary(&kernels.Binary{Kind: kernels.Add}, x, c.operand(1))
	if c.has(biasAt) {
		sum = c.binary(&kernels.Binary{Kind: kernels.Add}, sum, c.in[biasAt])
	}
	if c.ready() && !slices.Equal(sum.shape, x.shape) {
		c.fail("a sum of shape %s of a tensor of shape %s", tensor.Dims(sum.shape...), tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	scale := c.channelParam(2, "the scale", x.shape[last], 0, 1)
	var shift *value
	if biasAt > 3 && c.has(3) {
		shift = c.channelParam(3, "the shift", x.shape[last], 0, 1)
	}
	op := &kernels.Normalise{Kind: kind, Axes: []int{last}, Epsilon: c.floatAttr("epsilon", 1e-12)}
	if !c.ready() {
		return nil
	}
	out := []*value{c.normalise(op, sum, scale, shift), nil, nil, sum}
	for i := 1; i < min(3, len(c.node.out)); i++ {
		if c.node.out[i] != "" {
			return c.unsupported("result %d, a statistic, is not supported", i)
		}
	}
	return out
}
