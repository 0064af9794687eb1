package kernels

// Activation is what a step does to each element before it stores it.
// The operand is x, after bias and residual have been added.
type Activation uint8

const (
	NoActivation   Activation = iota
	Clamp                     // min(max(x, Lo), Hi): ReLU is (0, +Inf), ReLU6 (0, 6)
	ActLeakyRelu              // x < 0 ? Lo·x : x
	ActHardSwish              // x·min(max(x/6 + 1/2, 0), 1)
	ActHardSigmoid            // min(max(Lo·x + Hi, 0), 1)
	ActSigmoid                // 1 / (1 + exp(−x))
	ActSiLU                   // x / (1 + exp(−x))
	ActTanh
)

// An Act is an activation with its parameters. NaN stays NaN in all of them.
type Act struct {
	Kind   Activation
	Lo, Hi float32
}

// Algorithm is how a convolution is computed.
type Algorithm uint8

const (
	Direct     Algorithm = iota // implicit im2col and GEMM
	WinogradF2                  // F(2×2, 3×3)
	WinogradF4                  // F(4×4, 3×3)
)

// Window is the geometry of a convolution or a pool: height, then width.
// Pad is top, left, bottom, right. A one-dimensional one has height 1.
type Window struct {
	Kernel, Stride, Dilation [2]int
	Pad                      [4]int
}

// Conv is a two-dimensional convolution of an NHWC map:
//
//	y[n,oy,ox,g·N+c] = act(b + Σ x[n, oy·sy+ky·dy−top, ox·sx+kx·dx−left, g·Cin+ci] · w[(ky,kx,ci), c] + r[n,oy,ox,g·N+c])
//
// In[0] is x, In[1], if present, the residual r (of y's shape, not with Pool).
// Params[0] are Panels [Groups, kh·kw·Cin/Groups, Cout/Groups] with K in the
// order ky, kx, ci; or, if every group has one input and one output channel,
// Taps [kh·kw, C].
//
// With Pool the result is max-pooled by 2×2 windows of stride 2, without
// padding and with the last odd row and column dropped, before it is stored.
type Conv struct {
	Window
	Groups    int
	Channels  int // Cout
	Act       Act
	Pool      bool
	Algorithm Algorithm
}

// ConvTranspose is the gradient of a convolution with respect to its input:
// y is In[0] spread out by Stride and convolved. OutputPad adds rows and
// columns at the bottom and the right. Params[0] is Plain
// [kh, kw, Cin, Cout/Groups], Params[1] Plain [Cout].
type ConvTranspose struct {
	Window
	Groups    int
	Channels  int
	OutputPad [2]int
	Act       Act
}

// FullyConnected is y = act(x·W + b) over the last dimension of x: In[0] is
// [..., K], Out[0] [..., N], Params[0] Panels [1, K, N].
type FullyConnected struct {
	Channels int // N
	Act      Act
}

// MatMul multiplies two activations, [..., M, K] by [..., K, N], with
// numpy's broadcasting of the leading dimensions.
type MatMul struct{}

// PoolKind is what a pool keeps of its window.
type PoolKind uint8

const (
	MaxPool           PoolKind = iota
	AveragePool                // of the elements inside the map
	AveragePoolPadded          // of the whole window, padding counted as zeros
)

// Pool reduces windows of an NHWC map. Ceil rounds the output's size up;
// windows are then cut off at the padded map's edge. A global pool is one
// whose Kernel is the whole map.
type Pool struct {
	Window
	Kind PoolKind
	Ceil bool
}

// UnaryKind is an element-wise function of one operand.
type UnaryKind uint8

const (
	Activate UnaryKind = iota // Act alone
	Abs
	Neg
	Exp
	Sqrt
	Elu             // x < 0 ? Alpha·(exp(x)−1) : x
	Selu            // Beta·(x < 0 ? Alpha·(exp(x)−1) : x)
	Softplus        // log(1 + exp(x))
	Softsign        // x / (1 + |x|)
	ThresholdedRelu // x > Alpha ? x : 0
)

// Unary applies a function to each element; Alpha and Beta are its parameters.
type Unary struct {
	Kind        UnaryKind
	Act         Act // for Activate
	Alpha, Beta float32
}

// BinaryKind is an element-wise function of two operands.
type BinaryKind uint8

const (
	Add BinaryKind = iota
	Sub
	Mul
	Div
	Max
	Min
	PRelu // x < 0 ? slope·x : x, with the slope as second operand
)

// Binary applies a function to pairs of elements, with numpy's broadcasting.
// The operands are In[0] and In[1]; or, if Params is not empty, In[0] and the
// Plain Params[0], whose shape broadcasts (in the other order if Swap is set).
type Binary struct {
	Kind BinaryKind
	Act  Act
	Swap bool
}

// Concat joins its inputs along Axis.
type Concat struct{ Axis int }

// Slice takes every Step-th index from Start on, dimension by dimension, as
// many as Out[0] has. A step may be negative.
type Slice struct{ Start, Step []int }

// Split cuts In[0] along Axis into the Out values, in order.
type Split struct{ Axis int }

// PadMode is what stands in the padding.
type PadMode uint8

const (
	PadConstant PadMode = iota
	PadReflect
	PadEdge
)

// Padding adds Before and After elements to each dimension.
type Padding struct {
	Mode          PadMode
	Before, After []int
	Value         float32
}

// Transpose permutes dimensions: Out's dimension i is In's dimension Perm[i].
type Transpose struct{ Perm []int }

// Reshape gives the same elements another shape. It moves nothing.
type Reshape struct{}

// Softmax normalises over one axis; Log takes the logarithm.
type Softmax struct {
	Axis int
	Log  bool
}

// ReduceMean averages over Axes, which keep a dimension of 1 or, without
// Keep, vanish.
type ReduceMean struct {
	Axes []int
	Keep bool
}

// InstanceNorm normalises each channel of each item of an NHWC map over its
// pixels: Params[0] is Plain [2, C], scale and shift.
type InstanceNorm struct{ Epsilon float32 }

// LRN is local response normalisation over channels of an NHWC map.
type LRN struct {
	Size              int
	Alpha, Beta, Bias float32
}

// ResizeMode is how a resized map is sampled.
type ResizeMode uint8

const (
	Nearest ResizeMode = iota
	Linear
)

// Coordinates maps an output coordinate to an input coordinate, as ONNX's
// Resize names them.
type Coordinates uint8

const (
	HalfPixel Coordinates = iota
	PytorchHalfPixel
	AlignCorners
	Asymmetric
)

// Rounding is how Nearest rounds a coordinate.
type Rounding uint8

const (
	RoundPreferFloor Rounding = iota
	RoundPreferCeil
	RoundFloor
	RoundCeil
)

// Resize samples an NHWC map anew. Scale is output size over input size, as
// the model gives it, for height and width.
type Resize struct {
	Mode        ResizeMode
	Coordinates Coordinates
	Rounding    Rounding
	Scale       [2]float32
}

func (*Conv) Op() string           { return "Conv" }
func (*ConvTranspose) Op() string  { return "ConvTranspose" }
func (*FullyConnected) Op() string { return "FullyConnected" }
func (*MatMul) Op() string         { return "MatMul" }
func (*Pool) Op() string           { return "Pool" }
func (*Unary) Op() string          { return "Unary" }
func (*Binary) Op() string         { return "Binary" }
func (*Concat) Op() string         { return "Concat" }
func (*Slice) Op() string          { return "Slice" }
func (*Split) Op() string          { return "Split" }
func (*Padding) Op() string        { return "Pad" }
func (*Transpose) Op() string      { return "Transpose" }
func (*Reshape) Op() string        { return "Reshape" }
func (*Softmax) Op() string        { return "Softmax" }
func (*ReduceMean) Op() string     { return "ReduceMean" }
func (*InstanceNorm) Op() string   { return "InstanceNorm" }
func (*LRN) Op() string            { return "LRN" }
func (*Resize) Op() string         { return "Resize" }
