package onnx

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/infer-go/infer/kernels"
)

// The supported opsets. A model of an older opset is accepted if all of its
// operators already had the definitions of MinOpset: see Operators.
const (
	MinOpset = 7
	MaxOpset = 26
)

// An operator is how one of ONNX's operators is frozen.
type operator struct {
	since int64 // the oldest opset whose meaning is implemented
	until int64 // the last one, 0 if it was not withdrawn

	// translate adds the nodes for a call with at least one activation among
	// its operands, and returns its results. It is nil for operators that are
	// supported on constants alone.
	translate func(*call) []*value

	// fold computes a call whose operands are all constant; nil if it cannot.
	fold func(*call) []*value

	// domain is that of the operator, if it is not ONNX's own; shared says that it
	// is ONNX's own and has the same meaning in ONNX Runtime's.
	domain string
	shared bool

	quantised quantisedOperands

	// ofShape says that fold needs no more than the operand's shape, which is
	// known of all.
	ofShape bool
}

// quantisedOperands is what an operator does with operands whose elements are
// others here than in the model.
type quantisedOperands uint8

const (
	notQuantised quantisedOperands = iota // it gets what they are in the model
	moved                                 // its results are what the first one is
	known                                 // it knows them
)

// Operators lists the operators that Freeze accepts, in alphabetical order,
// each with its opsets, or with its domain if it is not ONNX's own.
func Operators() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		op := operators[name]
		until := op.until
		if until == 0 {
			until = MaxOpset
		}
		line := fmt.Sprintf("%s %d–%d", name, op.since, until)
		switch {
		case op.shared:
			line += ", also of " + ortDomain
		case op.domain != "":
			line = fmt.Sprintf("%s (of %s)", name, op.domain)
		}
		if op.translate == nil {
			line += " (of constants)"
		}
		list = append(list, line)
	}
	return list
}

// ortDomain is the domain of ONNX Runtime's own operators.
const ortDomain = "com.microsoft"

// ortBlockedDomain is that of its operators on channels in blocks, whose weights are
// in the order that one machine's vectors want.
const ortBlockedDomain = "com.microsoft.nchwc"

// means says whether a node of the operator's name means this operator: in a domain,
// in a model of an opset, which ONNX Runtime's domain does not follow.
func (op *operator) means(domain string, opset int64) bool {
	if op.shared && domain == ortDomain {
		return true
	}
	return domain == op.domain && opset >= op.since && (op.until == 0 || opset <= op.until)
}

// ErrUnsupported is wrapped by the errors of Freeze that say that a model
// needs an operator, or an opset, that is not supported.
var ErrUnsupported = errors.New("not supported")

// checkOperators checks that every node's operator is supported, and lists
// all that are not.
func (m *modelProto) checkOperators(nodes []*nodeProto) error {
	version, ok := m.opsets[""]
	if !ok {
		return errors.New("the model names no opset")
	}
	if version < 1 || version > MaxOpset {
		return fmt.Errorf("opset %d: %w, only %d to %d: export the model with one of them", version, ErrUnsupported, MinOpset, MaxOpset)
	}
	var missing []string
	blocked := false
	seen := map[string]bool{}
	for _, n := range nodes {
		op, ok := operators[n.op]
		if ok && op.means(n.domain, version) {
			continue
		}
		key := n.domain + "." + n.op
		if seen[key] {
			continue
		}
		seen[key] = true
		if n.domain == ortBlockedDomain && !blocked {
			blocked, missing = true, []string{n.String()}
		}
		if len(missing) < 10 {
			entry := fmt.Sprintf("%s (opset %d)", n, m.opsets[n.domain])
			if why := refusal(n); why != "" {
				entry += ", " + why
			}
			missing = append(missing, entry)
		}
	}
	if len(seen) > len(missing) {
		missing = append(missing, fmt.Sprintf("and %d more", len(seen)-len(missing)))
	}
	if blocked {
		return fmt.Errorf("%w: %s: ONNX Runtime has laid this model out for one machine: give the model that it was made of, or save it optimised at level extended", ErrUnsupported, missing[0])
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s; infer ops lists the operators that are: express it by them, or export the model only up to it", ErrUnsupported, strings.Join(missing, ", "))
	}
	return nil
}

// refusal says why no net can have a node's operator, and what can be done; nothing if
// it is only not supported.
func refusal(n *nodeProto) string {
	if n.domain != "" {
		return ""
	}
	switch n.op {
	case "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial":
		return "whose result is random, where a net has the same answer every time: make its result an input of the model, or export the model for inference"
	case "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss":
		return "which is for training: export the model for inference"
	case "StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch", "TfIdfVectorizer":
		return "which is of text, where values are tensors of numbers"
	case "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap",
		"ConcatFromSequence", "SplitToSequence", "Optional", "OptionalGetElement", "OptionalHasElement":
		return "which is of sequences or of optional values, where values are tensors"
	case "Loop", "Scan":
		return "whose body is computed again and again: export the model with the loop unrolled"
	case "ImageDecoder":
		return "which decodes pictures, as package picture does in front of a net: export the model from the decoded picture on"
	}
	return ""
}

// operators is what Freeze knows of ONNX's operators. It is filled by init,
// since translations refer to it.
var operators map[string]operator

func init() {
	operators = map[string]operator{
		// Convolutions, pools, matrices.
		"Conv":              {since: 1, translate: (*call).conv},
		"ConvTranspose":     {since: 1, translate: (*call).convTranspose},
		"DeformConv":        {since: 19, translate: (*call).deformConv},
		"MaxPool":           {since: 1, quantised: moved, translate: (*call).maxPool},
		"Attention":         {since: 23, translate: (*call).attention},
		"RotaryEmbedding":   {since: 23, translate: (*call).rotaryEmbedding},
		"MaxUnpool":         {since: 9, translate: (*call).maxUnpool},
		"RoiAlign":          {since: 10, translate: (*call).roiAlign},
		"AveragePool":       {since: 1, translate: (*call).averagePool},
		"GlobalAveragePool": {since: 1, translate: globalPool(kernels.AveragePool)},
		"GlobalMaxPool":     {since: 1, translate: globalPool(kernels.MaxPool)},
		"LpPool":            {since: 2, translate: (*call).lpPool},
		"GlobalLpPool":      {since: 2, translate: (*call).globalLpPool},
		"Gemm":              {since: 7, translate: (*call).gemm},
		"MatMul":            {since: 1, translate: (*call).matMul},
		"Einsum":            {since: 12, translate: (*call).einsum},

		// Recurrent layers.
		"LSTM": {since: 7, translate: (*call).lstm},
		"GRU":  {since: 7, translate: (*call).gru},
		"RNN":  {since: 7, translate: (*call).rnn},

		// Normalisation.
		"BatchNormalization":           {since: 7, translate: (*call).batchNorm},
		"InstanceNormalization":        {since: 6, translate: (*call).instanceNorm},
		"LRN":                          {since: 1, translate: (*call).lrn},
		"Softmax":                      {since: 1, translate: softmax(false)},
		"LogSoftmax":                   {since: 1, translate: softmax(true)},
		"LayerNormalization":           {since: 1, shared: true, translate: (*call).layerNorm}, // before opset 17 ONNX Runtime's, in ONNX's domain
		"GroupNormalization":           {since: 18, translate: (*call).groupNorm},
		"MeanVarianceNormalization":    {since: 9, translate: (*call).meanVariance},
		"RMSNormalization":             {since: 23, translate: (*call).rmsNorm},
		"SimplifiedLayerNormalization": {since: 1, shared: true, translate: (*call).rmsNorm}, // ONNX Runtime's, in ONNX's domain
		"Hardmax":                      {since: 1, translate: (*call).hardmax},
		"LpNormalization":              {since: 1, translate: (*call).lpNorm},

		// Of many numbers one.
		"ReduceMean":      reduction(kernels.ReduceMean, 18),
		"ReduceSum":       reduction(kernels.ReduceSum, 13),
		"ReduceMax":       reduction(kernels.ReduceMax, 18),
		"ReduceMin":       reduction(kernels.ReduceMin, 18),
		"ReduceProd":      reduction(kernels.ReduceProduct, 18),
		"ReduceL1":        reduction(kernels.ReduceL1, 18),
		"ReduceL2":        reduction(kernels.ReduceL2, 18),
		"ReduceSumSquare": reduction(kernels.ReduceSquares, 18),
		"ReduceLogSum":    reduction(kernels.ReduceLogSum, 18),
		"ReduceLogSumExp": reduction(kernels.ReduceLogSumExp, 18),

		// Element by element.
		"Relu":            {since: 6, translate: unary(activate(relu))},
		"LeakyRelu":       {since: 6, translate: unary(leakyRelu)},
		"PRelu":           {since: 7, translate: (*call).prelu},
		"Clip":            {since: 6, translate: (*call).clip},
		"Sigmoid":         {since: 6, translate: unary(activate(kernels.Act{Kind: kernels.ActSigmoid}))},
		"HardSigmoid":     {since: 6, translate: unary(hardSigmoid)},
		"HardSwish":       {since: 14, translate: unary(activate(kernels.Act{Kind: kernels.ActHardSwish}))},
		"Tanh":            {since: 6, translate: unary(activate(kernels.Act{Kind: kernels.ActTanh}))},
		"Elu":             {since: 6, translate: unary(elu)},
		"Selu":            {since: 6, translate: unary(selu)},
		"Softplus":        {since: 1, translate: unary(activate(kernels.Act{Kind: kernels.ActSoftplus}))},
		"Softsign":        {since: 1, translate: unary(activate(kernels.Act{Kind: kernels.ActSoftsign}))},
		"ThresholdedRelu": {since: 1, translate: unary(thresholdedRelu)},
		"Celu":            {since: 12, translate: unary(celu)},
		"Mish":            {since: 18, translate: unary(activate(kernels.Act{Kind: kernels.ActMish}))},
		"Gelu":            {since: 20, shared: true, translate: unary(gelu)},
		"Swish":           {since: 24, translate: swish(1)},
		"Shrink":          {since: 9, translate: unary(shrink)},
		"Abs":             {since: 6, translate: unary(function(kernels.Abs)), fold: foldUnary(math.Abs)},
		"Neg":             {since: 6, translate: unary(function(kernels.Neg)), fold: foldUnary(func(x float64) float64 { return -x })},
		"Exp":             {since: 6, translate: unary(function(kernels.Exp)), fold: foldUnary(math.Exp)},
		"Log":             {since: 6, translate: unary(function(kernels.Log)), fold: foldUnary(math.Log)},
		"Sin":             {since: 7, translate: unary(function(kernels.Sin)), fold: foldUnary(math.Sin)},
		"Cos":             {since: 7, translate: unary(function(kernels.Cos)), fold: foldUnary(math.Cos)},
		"Tan":             {since: 7, translate: (*call).tan, fold: foldUnary(math.Tan)},
		"Sinh":            {since: 9, translate: hyperbolic(kernels.Sub), fold: foldUnary(math.Sinh)},
		"Cosh":            {since: 9, translate: hyperbolic(kernels.Add), fold: foldUnary(math.Cosh)},
		"Asinh":           {since: 9, translate: (*call).asinh, fold: foldUnary(math.Asinh)},
		"Acosh":           {since: 9, translate: (*call).acosh, fold: foldUnary(math.Acosh)},
		"Atanh":           {since: 9, translate: (*call).atanh, fold: foldUnary(math.Atanh)},
		"Asin":            {since: 7, translate: unary(function(kernels.Asin)), fold: foldUnary(math.Asin)},
		"Acos":            {since: 7, translate: unary(function(kernels.Acos)), fold: foldUnary(math.Acos)},
		"Atan":            {since: 7, translate: unary(function(kernels.Atan)), fold: foldUnary(math.Atan)},
		"IsNaN":           {since: 9, translate: (*call).isNaN},
		"IsInf":           {since: 10, translate: (*call).isInf},
		"Erf":             {since: 9, translate: unary(function(kernels.Erf)), fold: foldUnary(math.Erf)},
		"Sign":            {since: 9, translate: unary(function(kernels.Sign)), fold: foldUnary(sign[float64])},
		"Sqrt":            {since: 6, translate: unary(function(kernels.Sqrt)), fold: foldUnary(math.Sqrt)},
		"Reciprocal":      {since: 6, translate: (*call).reciprocal, fold: foldUnary(func(x float64) float64 { return 1 / x })},
		"Floor":           {since: 6, translate: unary(function(kernels.Floor)), fold: foldUnary(math.Floor)},
		"Ceil":            {since: 6, translate: unary(function(kernels.Ceil)), fold: foldUnary(math.Ceil)},
		"Round":           {since: 11, translate: unary(function(kernels.Round)), fold: foldUnary(math.RoundToEven)},
		"Pow":             {since: 7, translate: (*call).pow, fold: (*call).foldPow},
		"Add":             {since: 7, translate: arithmetic(kernels.Add), fold: foldArithmetic(kernels.Add)},
		"Sub":             {since: 7, translate: arithmetic(kernels.Sub), fold: foldArithmetic(kernels.Sub)},
		"Mul":             {since: 7, translate: arithmetic(kernels.Mul), fold: foldArithmetic(kernels.Mul)},
		"Div":             {since: 7, translate: arithmetic(kernels.Div), fold: foldArithmetic(kernels.Div)},
		"Max":             {since: 6, translate: variadic(kernels.Max), fold: variadic(kernels.Max)},
		"Min":             {since: 6, translate: variadic(kernels.Min), fold: variadic(kernels.Min)},
		"Sum":             {since: 6, translate: variadic(kernels.Add), fold: variadic(kernels.Add)},
		"Mean":            {since: 6, translate: (*call).mean},
		"Mod":             {since: 10, translate: (*call).mod, fold: func(c *call) []*value { return foldArithmetic(c.modKind())(c) }},
		"Equal":           {since: 7, translate: comparison(kernels.Equal, false), fold: foldComparison(kernels.Equal, false)},
		"Less":            {since: 7, translate: comparison(kernels.Less, false), fold: foldComparison(kernels.Less, false)},
		"Greater":         {since: 7, translate: comparison(kernels.Less, true), fold: foldComparison(kernels.Less, true)},
		"LessOrEqual":     {since: 12, translate: comparison(kernels.LessOrEqual, false), fold: foldComparison(kernels.LessOrEqual, false)},
		"GreaterOrEqual":  {since: 12, translate: comparison(kernels.LessOrEqual, true), fold: foldComparison(kernels.LessOrEqual, true)},
		"And":             {since: 7, translate: comparison(kernels.And, false), fold: foldComparison(kernels.And, false)},
		"Or":              {since: 7, translate: comparison(kernels.Or, false), fold: foldComparison(kernels.Or, false)},
		"Xor":             {since: 7, translate: comparison(kernels.Xor, false), fold: foldComparison(kernels.Xor, false)},
		"Not":             {since: 1, translate: (*call).not, fold: (*call).foldNot},
		"BitwiseAnd":      bitwise(kernels.BitAnd),
		"BitwiseOr":       bitwise(kernels.BitOr),
		"BitwiseXor":      bitwise(kernels.BitXor),
		"BitwiseNot":      {since: 18, translate: (*call).bitwiseNot, fold: (*call).foldBitwiseNot},
		"BitShift":        {since: 11, translate: (*call).bitShift, fold: (*call).foldBitShift},
		"Where":           {since: 9, translate: (*call).where, fold: (*call).foldWhere},
		"Cast":            {since: 6, quantised: known, translate: (*call).cast, fold: (*call).foldCast},
		"CastLike":        {since: 15, quantised: known, translate: (*call).castLike, fold: (*call).foldCastLike},
		"Identity":        {since: 1, quantised: moved, translate: (*call).identity, fold: (*call).identity},
		"Dropout":         {since: 7, quantised: moved, translate: (*call).dropout, fold: (*call).dropout},

		// Quantised elements.
		"QuantizeLinear":           {since: 10, shared: true, quantised: known, translate: (*call).quantizeLinear, fold: (*call).foldQuantize},
		"DequantizeLinear":         {since: 10, shared: true, quantised: known, translate: (*call).dequantizeLinear, fold: (*call).foldDequantize},
		"DynamicQuantizeLinear":    {since: 11, translate: (*call).dynamicQuantizeLinear},
		"QLinearConv":              {since: 10, quantised: known, translate: (*call).qLinearConv},
		"QLinearMatMul":            {since: 10, quantised: known, translate: (*call).qLinearMatMul},
		"ConvInteger":              {since: 10, quantised: known, translate: (*call).convInteger},
		"MatMulInteger":            {since: 10, quantised: known, translate: (*call).matMulInteger},
		"QGemm":                    {since: 1, domain: ortDomain, quantised: known, translate: (*call).qGemm},
		"QLinearAdd":               {since: 1, domain: ortDomain, quantised: known, translate: qLinearBinary(kernels.Add)},
		"QLinearMul":               {since: 1, domain: ortDomain, quantised: known, translate: qLinearBinary(kernels.Mul)},
		"QLinearConcat":            {since: 1, domain: ortDomain, quantised: known, translate: (*call).qLinearConcat},
		"QLinearAveragePool":       {since: 1, domain: ortDomain, quantised: known, translate: qLinear((*call).averagePool)},
		"QLinearGlobalAveragePool": {since: 1, domain: ortDomain, quantised: known, translate: qLinear(globalPool(kernels.AveragePool))},
		"QLinearLeakyRelu":         {since: 1, domain: ortDomain, quantised: known, translate: qLinear(unary(leakyRelu))},
		"QLinearSigmoid":           {since: 1, domain: ortDomain, quantised: known, translate: qLinear(unary(activate(kernels.Act{Kind: kernels.ActSigmoid})))},
		"QLinearSoftmax":           {since: 1, domain: ortDomain, quantised: known, translate: (*call).qLinearSoftmax},

		// What ONNX Runtime's optimiser makes of several nodes.
		"FusedConv":                        {since: 1, domain: ortDomain, translate: (*call).fusedConv},
		"FusedGemm":                        {since: 1, domain: ortDomain, translate: (*call).fusedGemm},
		"FusedMatMul":                      {since: 1, domain: ortDomain, translate: (*call).fusedMatMul},
		"QuickGelu":                        {since: 1, domain: ortDomain, translate: swish(1.702)},
		"FastGelu":                         {since: 1, domain: ortDomain, translate: biasGelu(kernels.ActGeluTanh)},
		"BiasGelu":                         {since: 1, domain: ortDomain, translate: biasGelu(kernels.ActGelu)},
		"SkipLayerNormalization":           {since: 1, domain: ortDomain, translate: (*call).skipLayerNorm},
		"SkipSimplifiedLayerNormalization": {since: 1, domain: ortDomain, translate: (*call).skipSimplifiedLayerNorm},
		"MatMulIntegerToFloat":             {since: 1, domain: ortDomain, quantised: known, translate: (*call).matMulIntegerToFloat},
		"DynamicQuantizeMatMul":            {since: 1, domain: ortDomain, quantised: known, translate: (*call).dynamicQuantizeMatMul},

		// Experiments, before opset 10.
		"ImageScaler":        {since: 1, until: 9, translate: (*call).imageScaler},
		"Affine":             {since: 1, until: 9, translate: (*call).affine},
		"Crop":               {since: 1, until: 9, translate: (*call).crop},
		"ScaledTanh":         {since: 1, until: 9, translate: (*call).scaledTanh},
		"ParametricSoftplus": {since: 1, until: 9, translate: (*call).parametricSoftplus},

		// Shapes and places.
		"Concat":            {since: 4, quantised: moved, translate: (*call).concat, fold: (*call).foldConcat},
		"Split":             {since: 2, quantised: moved, translate: (*call).split, fold: (*call).foldSplit},
		"Slice":             {since: 1, quantised: moved, translate: (*call).slice, fold: (*call).foldSlice},
		"Pad":               {since: 2, quantised: moved, translate: (*call).pad},
		"Reshape":           {since: 5, quantised: moved, translate: translateView((*call).reshaped), fold: foldView((*call).reshaped)},
		"Flatten":           {since: 1, quantised: moved, translate: translateView((*call).flattened), fold: foldView((*call).flattened)},
		"Squeeze":           {since: 1, quantised: moved, translate: translateView((*call).squeezedItems), fold: foldView((*call).squeezed)},
		"Unsqueeze":         {since: 1, quantised: moved, translate: translateView((*call).unsqueezed), fold: foldView((*call).unsqueezed)},
		"Transpose":         {since: 1, quantised: moved, translate: (*call).transposed, fold: (*call).foldTranspose},
		"DepthToSpace":      {since: 1, quantised: moved, translate: (*call).depthToSpace},
		"SpaceToDepth":      {since: 1, quantised: moved, translate: (*call).spaceToDepth},
		"Resize":            {since: 10, quantised: moved, translate: (*call).resize},
		"GridSample":        {since: 16, translate: (*call).gridSample},
		"Upsample":          {since: 7, quantised: moved, until: 9, translate: (*call).upsample},
		"Col2Im":            {since: 18, translate: (*call).col2im},
		"AffineGrid":        {since: 20, translate: (*call).affineGrid},
		"CenterCropPad":     {since: 18, translate: (*call).centerCropPad},
		"Det":               {since: 11, translate: (*call).det},
		"HannWindow":        window(hann),
		"HammingWindow":     window(hamming),
		"BlackmanWindow":    window(blackman),
		"MelWeightMatrix":   {since: 17, fold: (*call).melWeights},
		"Shape":             {since: 1, fold: (*call).shapeOf, ofShape: true},
		"Constant":          {since: 1, fold: (*call).constantValue},
		"If":                {since: 1, translate: (*call).branch, fold: (*call).branch},
		"ConstantOfShape":   {since: 9, fold: (*call).foldConstantOfShape},
		"Size":              {since: 1, fold: (*call).sizeOf, ofShape: true},
		"NonZero":           {since: 9, fold: (*call).foldNonZero},
		"Gather":            {since: 1, quantised: moved, translate: (*call).gather, fold: (*call).foldGather},
		"Expand":            {since: 8, quantised: moved, translate: (*call).expand, fold: (*call).foldExpand},
		"Tile":              {since: 6, quantised: moved, translate: (*call).tile, fold: (*call).foldTile},
		"ArgMax":            {since: 1, translate: arg(false)},
		"ArgMin":            {since: 1, translate: arg(true)},
		"NonMaxSuppression": {since: 10, translate: (*call).suppress},
		"TopK":              {since: 1, translate: (*call).topK},
		"OneHot":            {since: 9, translate: (*call).oneHot},
		"Trilu":             {since: 14, translate: (*call).trilu, fold: (*call).foldTrilu},
		"GatherElements":    {since: 11, translate: (*call).gatherElements, fold: (*call).gatherElements},
		"GatherND":          {since: 11, translate: (*call).gatherND, fold: (*call).gatherND},
		"ScatterElements":   {since: 11, translate: (*call).scatterElements, fold: (*call).scatterElements},
		"Scatter":           {since: 9, until: 10, translate: (*call).scatterElements, fold: (*call).scatterElements},
		"ScatterND":         {since: 11, translate: (*call).scatterND, fold: (*call).scatterND},
		"ReverseSequence":   {since: 10, translate: (*call).reverseSequence, fold: (*call).reverseSequence},
		"Compress":          {since: 9, translate: (*call).compress, fold: (*call).compress},
		"CumSum":            {since: 11, translate: (*call).cumSum, fold: (*call).cumSum},
		"EyeLike":           {since: 9, fold: (*call).eyeLike, ofShape: true},
		"Unique":            {since: 11, fold: (*call).foldUnique},
		"Range":             {since: 11, fold: (*call).foldRange},
	}
}

// reduction is an operator that makes one number of many.
func reduction(kind kernels.ReduceKind, operandSince int64) operator {
	return operator{since: 1, translate: reduce(kind, operandSince), fold: foldReduce(kind, operandSince)}
}

// relu is max(x, 0).
var relu = kernels.Act{Kind: kernels.Clamp, Lo: 0, Hi: float32(math.Inf(1))}
