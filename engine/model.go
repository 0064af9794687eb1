package engine

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A Model is a frozen net, ready to run. It is immutable: any number of
// goroutines may use it, each with its own Session.
type Model struct {
	net     *weights.Net // the program's, or one with open dimensions and Params
	tier    *kernels.Tier
	own     *sized // for the sizes that the net's shapes have
	others  sizedCache
	varies  [][]string // of each value, names of those dimensions that follow open ones
	backing *backing
	pool    pool
}

// Options say how a model is opened. The zero value is what most programs
// want.
type Options struct {
	// Kernels names the tier to compute with: "portable", "avx2", "avx512", "neon"
	// or "neondot". It overrides the environment variable INFER_KERNELS. If both
	// are empty, the fastest tier that the processor supports is used.
	Kernels string
}

// Open opens a model file. The file is mapped into memory if the system
// supports that, and weights are used in place, with two exceptions, for which
// the Model keeps a copy in another form: weights of convolutions by Winograd's
// algorithm, transformed, and most other half-precision weights of
// convolutions, as float32. The file must not be written to while the Model is
// in use. Replacing it with a new file, as infer convert does, is safe.
//
// Errors of the file name its path. They wrap an error of package os;
// weights.ErrVersion if the file needs a newer infer; or weights.ErrFormat if it
// is damaged, is not a model, or is too large to run. On a big-endian processor
// the error is errors.ErrUnsupported. An unknown tier, or one that the processor
// does not support, gives an error that lists the supported ones.
func Open(path string) (*Model, error) { return Options{}.Open(path) }

// Parse makes a Model from the bytes of a model file, for instance an embedded
// one. They must not change while the Model is in use. The weights are used in
// place if data begins at an address that is a multiple of 32, and are copied
// once otherwise. Errors are those of Open, without a path.
func Parse(data []byte) (*Model, error) { return Options{}.Parse(data) }

// Open opens a model file as the function Open does.
func (o Options) Open(path string) (*Model, error) {
	tier, err := o.tier()
	if err != nil {
		return nil, err
	}
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := newModel(f.Net, tier, f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Parse makes a Model as the function Parse does.
func (o Options) Parse(data []byte) (*Model, error) {
	tier, err := o.tier()
	if err != nil {
		return nil, err
	}
	net, err := weights.Parse(data)
	if err != nil {
		return nil, err
	}
	return newModel(net, tier, nil)
}

func (o Options) tier() (*kernels.Tier, error) {
	if o.Kernels == "" {
		return kernels.Default()
	}
	return kernels.ByName(o.Kernels)
}

// newModel makes a Model of a net that weights has checked. The closer, if not
// nil, gives back the memory of the net's weights.
func newModel(net *weights.Net, tier *kernels.Tier, closer io.Closer) (*Model, error) {
	own := &sized{sizes: ownSizes(net)}
	at := net
	if len(net.Open) > 0 {
		tier = tier.WithMemo()
		var err error
		if at, err = net.Sized(own.sizes); err != nil {
			return nil, fmt.Errorf("%w: %w", weights.ErrFormat, err)
		}
	}
	if err := own.bind(at, tier); err != nil {
		return nil, fmt.Errorf("%w: %w", weights.ErrFormat, err)
	}
	m := &Model{
		net:     net,
		tier:    tier,
		own:     own,
		varies:  varying(net),
		backing: &backing{closer: closer, users: 1},
	}
	if len(net.Open) == 0 {
		m.net = own.program.net
	}
	// A Model that nobody closed is closed when nobody can use it any more.
	runtime.AddCleanup(m, func(b *backing) { b.close() }, m.backing)
	return m, nil
}

// Close releases the memory of the weights, at once or when the last Session is
// closed. Sessions that exist continue to work; NewSession returns ErrClosed. A
// second Close returns ErrClosed too.
func (m *Model) Close() error {
	err := m.backing.close()
	m.pool.close()
	return err
}

// Meta returns what the model is, where it came from, and what its inputs and
// outputs mean. It must not be changed.
func (m *Model) Meta() *weights.Meta { return &m.net.Meta }

// Kernels returns the name of the tier in use: "portable", "avx2", "avx512",
// "neon", "neondot".
func (m *Model) Kernels() string { return m.tier.Name }

// Integer reports whether the Model computes in integers: some values are
// quantised, and every step that reads float32 only moves elements or converts
// them, as at inputs and outputs. Its outputs then have the same bits on every
// processor; otherwise, only on one tier: see Kernels.
func (m *Model) Integer() bool { return m.net.Integer() }

// A Tensor is an input or an output of a Model. Its shape is in the order of
// the model that was frozen, except that the batch is always first, with −1 for
// the batch, and for dimensions that are open or depend on open ones.
type Tensor struct {
	Name string
	tensor.Type

	// BatchDim is the dimension that is the batch in the model that was frozen,
	// if there is one. A Session holds items one after the other, and so the
	// batch is dimension 0 of Shape in any case: an output [time, batch,
	// channels] has the Shape [−1, time, channels], and BatchDim 1.
	BatchDim int

	varies []string
}

// Batched says that dimension 0 of the Shape is the batch, which is −1, and not
// an open dimension.
func (t Tensor) Batched() bool {
	return len(t.Shape) > 0 && t.Shape[0] == -1 && (t.varies == nil || t.varies[0] == "")
}

// InModelOrder returns the shape that the model gives to n items of the Tensor,
// and their elements in its order. data holds the items one after the other, as
// OutputBytes does; if that is the model's own order, it is returned as it is.
// Only a Session's Tensors, whose Shapes are known but for the batch, can be
// asked.
func (t Tensor) InModelOrder(data []byte, n int) (tensor.Shape, []byte) {
	shape := slices.Clone(t.Shape)
	if !t.Batched() {
		return shape, data
	}
	shape[0] = n
	if t.BatchDim == 0 {
		return shape, data
	}
	outer := shape[1 : 1+t.BatchDim].Volume()
	row := shape[1+t.BatchDim:].Volume() * t.Elem.Size()
	moved := make([]byte, 0, len(data))
	for i := range outer {
		for item := range n {
			moved = append(moved, data[(item*outer+i)*row:][:row]...)
		}
	}
	copy(shape, shape[1:1+t.BatchDim])
	shape[t.BatchDim] = n
	return shape, moved
}

// Dims returns the shape as text: N×3×height×width, where N is the batch, the
// other names are those of open dimensions, and ? is a dimension that depends
// on them.
func (t Tensor) Dims() string {
	if len(t.Shape) == 0 {
		return t.Shape.String()
	}
	parts := make([]string, len(t.Shape))
	for i := range parts {
		if parts[i] = tensor.Dims(t.Shape[i]); t.varies != nil && t.varies[i] != "" {
			parts[i] = t.varies[i]
		}
	}
	return strings.Join(parts, "×")
}

// Inputs lists what the Model reads, in the order of the model that was frozen.
func (m *Model) Inputs() []Tensor { return m.tensors(m.net.Inputs) }

// Outputs lists what the Model computes, in the order of the model that was
// frozen.
func (m *Model) Outputs() []Tensor { return withBatchDims(m.net, m.tensors(m.net.Outputs)) }

// withBatchDims enters the BatchDims of a net's outputs.
func withBatchDims(net *weights.Net, outputs []Tensor) []Tensor {
	for i, d := range net.BatchDims {
		outputs[i].BatchDim = d
	}
	return outputs
}

func (m *Model) tensors(values []int) []Tensor {
	ts := m.own.program.tensors(values)
	if m.varies == nil {
		return ts
	}
	for i, v := range values {
		ts[i].varies = m.varies[v]
		for d, name := range ts[i].varies {
			if name != "" {
				ts[i].Shape[d] = -1
			}
		}
	}
	return ts
}

// Inputs lists what the Session reads: the Model's inputs at the Session's
// sizes, with −1 only for the batch. It is nil after Close.
func (s *Session) Inputs() []Tensor {
	if s.executor == nil {
		return nil
	}
	return s.executor.program.tensors(s.executor.program.net.Inputs)
}

// Outputs lists what the Session computes, as Inputs does.
func (s *Session) Outputs() []Tensor {
	if s.executor == nil {
		return nil
	}
	net := s.executor.program.net
	return withBatchDims(net, s.executor.program.tensors(net.Outputs))
}

func (p *program) tensors(values []int) []Tensor {
	ts := make([]Tensor, len(values))
	for i, v := range values {
		ts[i] = Tensor{Name: p.net.Values[v].Name, Type: typeOf(p.net, v)}
	}
	return ts
}

// typeOf is a copy of the Type of a value, with −1 for the batch.
func typeOf(net *weights.Net, v int) tensor.Type {
	t := net.Values[v].Type
	t.Shape = slices.Clone(t.Shape)
	if net.Batched {
		t.Shape[0] = -1
	}
	return t
}
