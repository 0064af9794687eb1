package weights

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A Net is a frozen network: a flat list of steps over numbered values, in
// the order in which they run. It holds no graph, and no names that the
// engine has to look up: everything that can be decided before the first
// picture arrives has been decided here.
//
// All shapes are physical. A feature map is [batch, height, width, channels]
// (NHWC), a one-dimensional one [batch, 1, length, channels]. A value that is
// neither an operand nor a result of a convolution, pool or resize may have any
// shape, row-major. Where the model's own order differs (ONNX has NCHW), there
// is a Transpose step at the model's inputs or outputs.
type Net struct {
	Meta Meta

	// Batched says that the Net runs with any number n of items: each value
	// then holds n times what its shape says, one item after the other, and
	// no item depends on another. Dimension 0 of inputs and outputs is the
	// batch, and is 1 in their shapes. A Net that is not batched runs with
	// n = 1 only.
	Batched bool

	// Open lists the dimensions of inputs that may have other sizes than the
	// shapes say, and Growth everything else that depends on these sizes,
	// ordered by step and then by extent. Sized makes a Net for one size of
	// each. Both are empty if every dimension except the batch is fixed.
	Open   []OpenDim
	Growth []Growth

	// Grids lists, ordered by param, the params that depend on the sizes of open
	// dimensions. Params has them for the sizes that the shapes have.
	Grids []Grid

	// Values are the tensors that the net is given or that steps write. Steps
	// refer to them by index.
	Values []Value

	// Inputs and Outputs are indices into Values. Their shapes are the
	// model's own, except that the batch is always dimension 0.
	Inputs, Outputs []int

	// BatchDims says which dimension of each output is the batch in the model
	// that was frozen, where that is not dimension 0 of all, as of sequences
	// [time, batch, channels]; else it is nil. Values have the batch in front all
	// the same: such an output is [1, time, channels].
	BatchDims []int

	// Steps run in order. Each reads only inputs and what earlier steps have
	// written, and writes values that nothing else writes.
	Steps []Step

	// Params are the constant tensors. Steps refer to them by index, and
	// each belongs to exactly one step.
	Params []kernels.Param
}

// A Value is a tensor that the net is given or that a step writes.
type Value struct {
	Name string // the model's own name for it, for messages and inspect
	tensor.Type
}

// A Step computes its Out values from its In values and Params.
type Step struct {
	Name   string       // the node or nodes from which it was made
	Spec   kernels.Spec // what it computes
	In     []int        // indices into Net.Values
	Out    []int        // indices into Net.Values
	Params []int        // indices into Net.Params
}

// Operands returns the Types of the values that a step reads, and its
// Params.
func (n *Net) Operands(s Step) (in []tensor.Type, params []kernels.Param) {
	for _, v := range s.In {
		in = append(in, n.Values[v].Type)
	}
	for _, p := range s.Params {
		params = append(params, n.Params[p])
	}
	return in, params
}

// Integer reports whether a net computes in integers: some value is quantised,
// and every step that reads float32 only moves elements or converts them, as at
// the inputs and outputs of the net. Such a net gives the same bits on every
// processor. A net with a step that computes on float32 values gives the same
// bits only on one tier.
func (n *Net) Integer() bool {
	quantised := slices.ContainsFunc(n.Values, func(v Value) bool { return v.Quantised() })
	return quantised && !slices.ContainsFunc(n.Steps, func(s Step) bool {
		reads := slices.ContainsFunc(s.In, func(v int) bool { return n.Values[v].Elem.Float() })
		return reads && kernels.Computes(s.Spec)
	})
}

// Meta says what a net is, where it came from, and what its inputs and
// outputs mean.
type Meta struct {
	Name     string // short name, "digits"
	Source   string // what it was made from: file name and SHA-256
	Producer string // the program that froze it
	Note     string // free text: training data, accuracy, licence

	// Labels name the classes, in order; empty if unknown.
	Labels []string

	// Preparation says how a picture becomes the first input.
	Preparation Preparation

	// Answer says what the outputs are.
	Answer Answer

	// Nodes is the number of nodes in the model that was frozen, and Parameters
	// the number of its weights and biases.
	Nodes, Parameters int
}

// A Kind is a way to prepare a picture.
type Kind uint8

const (
	// NoPicture: the model's input is not a picture, or nothing is known
	// about how to make it from one. The net takes raw tensors only.
	NoPicture Kind = iota

	// Photo brings the picture to the input's size by the rule Fit, and
	// normalises each channel.
	Photo

	// Digit finds ink on a ground of either polarity, crops the picture to
	// it, scales it to fit into 20×20 pixels and centres it in 28×28 by its
	// centre of mass, as the pictures of MNIST were made: 0 is ground, 255
	// is ink.
	Digit
)

// An Order is the order of a picture's channels.
type Order uint8

const (
	Gray Order = iota // one channel: luma by BT.601
	RGB
	BGR
)

// Channels is the number of channels.
func (o Order) Channels() int {
	if o == Gray {
		return 1
	}
	return 3
}

// A Fit is the rule by which a Photo is brought to the input's size.
type Fit uint8

const (
	Crop    Fit = iota // scale the shorter side to Resize, cut out the middle
	Stretch            // scale both sides, whatever the proportions
	Pad                // scale the longer side, fill the rest with the mean (zero after normalisation)
)

// A Preparation says how a picture becomes an input of [1, channels, height,
// width]. A channel's value v in 0…255 becomes (v·Scale − Mean[c]) / Std[c].
type Preparation struct {
	Kind          Kind
	Order         Order
	Fit           Fit
	Width, Height int // of the input, at most 2¹⁶; 0 where that is open
	Resize        int // shorter side before cropping; 0 means the input's own
	Scale         float32
	Mean, Std     [3]float32
}
