package onnx

import (
	"errors"
	"fmt"
	"os"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// Options say how a model is frozen. The zero value is useful.
type Options struct {
	// Weights is the element type in which weights are stored: tensor.F32, or
	// tensor.F16 for a file of half the size.
	Weights tensor.Elem

	// Batch freezes a model whose inputs are declared for one item for any
	// number of items. It is not needed for models that leave the batch open.
	Batch bool

	// Shapes are the sizes of inputs whose dimensions the model leaves open.
	Shapes []InputShape

	// Dir is the folder of a model that keeps tensors in separate files;
	// nothing outside of it is read. If Dir is empty, such a model is an error.
	Dir string

	// Meta is what the net's Meta will say. Freeze itself fills in Nodes and
	// Parameters, and sets Answer to Probabilities where it is Scores
	// and the first output is that of a Softmax or a Sigmoid.
	Meta weights.Meta

	// Quantise, if not nil, makes a net that computes in integers. Steps that
	// remain float have weights of the type Weights.
	Quantise *Quantisation

	// Tiers are the names of those that what is chosen at freeze must not make
	// slower; kernels.FreezeTiers if empty. Only quantised convolutions depend on
	// it. The net runs on every tier, and gives the same bits on all.
	Tiers []string

	// Progress, if not nil, is called from time to time with the number of
	// operations written so far, and their total.
	Progress func(done, total int)
}

// Freeze converts an ONNX model, the content of an .onnx file, to a net. Errors
// name the node with its operator and opset, the input, or the tensor. Errors
// about unsupported operators and opsets wrap ErrUnsupported.
func Freeze(model []byte, opts Options) (*weights.Net, *Report, error) {
	net, report, err := freeze(model, opts)
	if err != nil {
		return nil, nil, fmt.Errorf("onnx: %w", err)
	}
	return net, report, nil
}

func freeze(model []byte, opts Options) (*weights.Net, *Report, error) {
	if opts.Weights != tensor.F32 && opts.Weights != tensor.F16 {
		return nil, nil, errors.New("weights of an unknown type are requested")
	}
	if len(opts.Tiers) == 0 {
		opts.Tiers = kernels.FreezeTiers
	}
	if err := kernels.CheckFreezeTiers(opts.Tiers); err != nil {
		return nil, nil, err
	}
	d := decoder{}
	if opts.Dir != "" {
		dir, err := os.OpenRoot(opts.Dir)
		if err != nil {
			return nil, nil, err
		}
		defer dir.Close()
		d.dir = dir
	}
	m, err := d.importModel(model, opts)
	if err != nil {
		return nil, nil, err
	}
	if opts.Quantise != nil {
		if m.report.Quantised, err = m.quantise(opts.Quantise, opts.Meta); err != nil {
			return nil, nil, err
		}
	}
	net, transposes, err := m.result.lower(m.batched, opts.Weights, opts.Progress)
	if err != nil {
		return nil, nil, err
	}
	net.Open, net.Growth, net.Grids = m.open, m.growth, m.grids
	net.Decide(opts.Tiers)
	report := m.report
	report.Transposes = transposes
	report.MACs = macs(net)
	net.Meta = opts.Meta
	net.Meta.Nodes, net.Meta.Parameters = report.Operators, report.Parameters
	if net.Meta.Answer.Kind == weights.Scores && endsInProbabilities(net) {
		net.Meta.Answer.Kind = weights.Probabilities
	}
	return net, report, nil
}

// An importer makes graphs of a model.
type importer struct {
	*modelProto
	linked *linked
	elem   tensor.Elem // of panels
	ask    bool        // for a batch
	budget int         // of folding
	probed int         // nodes that have been translated to compare sizes
	report *Report

	// What comes of it: a graph, for any number of items if batched, at one size
	// of the dimensions that stay open.
	result  *graph
	batched bool
	open    []weights.OpenDim
	growth  []weights.Growth
	grids   []weights.Grid

	// rewrite, if not nil, is done to every graph behind the passes.
	rewrite func(*graph)
}

// importModel makes a model's graph, which passes have been through: all of
// Freeze but lowering.
func (d *decoder) importModel(model []byte, opts Options) (m *importer, err error) {
	defer recovered(&err)
	proto, err := d.decode(model)
	if err != nil {
		return nil, err
	}
	l, err := proto.graph.link(func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	if len(l.inputs) == 0 {
		return nil, errors.New("the model has no inputs: what it returns is always the same")
	}
	if err := l.giveShapes(opts.Shapes); err != nil {
		return nil, err
	}
	if err := proto.checkOperators(l.nodes); err != nil {
		return nil, err
	}
	m = &importer{
		modelProto: proto, linked: l, elem: opts.Weights, ask: opts.Batch, budget: foldBudget(model),
		report: &Report{Producer: proto.producer, Opset: int(proto.opsets[""]), Operators: len(proto.graph.nodes)},
	}
	return m, m.make()
}

// make makes the graph.
func (m *importer) make() (err error) {
	l := m.linked
	if open := l.openDims(1); len(open) > 0 {
		p, err := m.proveSequences(open)
		if err != nil {
			return err
		}
		m.open, m.growth, m.grids = p.dims, p.formulas, p.grids
		l = p.at(p.first)
	}
	m.report.Passes = nil
	m.result, m.batched, err = m.graph(l, m.report)
	return err
}

// graph makes the graph of a model whose shapes are all known.
func (m *importer) graph(l *linked, report *Report) (*graph, bool, error) {
	g, batched, err := m.graphOf(l, m.ask, m.budget, report)
	if err != nil {
		return nil, false, err
	}
	report.Parameters = g.parameters()
	for _, p := range passes {
		report.add(p.name, p.run(g))
	}
	if m.rewrite != nil {
		m.rewrite(g)
	}
	return g, batched, nil
}

// errPanic is wrapped by errors that stand for a panic.
var errPanic = errors.New("a bug in package onnx")

// recovered makes a panic an error: a second line of defence, since a service
// may freeze what strangers send.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errPanic, r)
	}
}

// foldBudget is how many elements may be computed from constants: more than a
// real model needs, and no more than its size explains.
func foldBudget(model []byte) int { return 1<<22 + 4*len(model) }

// graphOf translates a linked model: for any number of items if its batch is
// open, or if that is asked for; else as it is declared.
func (m *modelProto) graphOf(l *linked, ask bool, budget int, report *Report) (g *graph, batched bool, err error) {
	if ask {
		if err := l.checkBatchPossible(); err != nil {
			return nil, false, fmt.Errorf("a batch is requested, but %w", err)
		}
	}
	var t *translator
	if !ask {
		report.Unbatched = l.partlyOpen()
	}
	if ask || l.batchDeclared() {
		t, err = m.translate(l, 1, budget)
		if err != nil && ask {
			return nil, false, err
		}
		if err == nil {
			err = m.checkItems(l, t.graph, budget)
		}
		if err != nil && ask {
			return nil, false, fmt.Errorf("a batch is requested, but items are not computed one by one: %w: freeze the model without a batch", err)
		}
		if batched = err == nil; !batched {
			report.Unbatched = err.Error() + l.mistaken()
		}
	}
	if !batched {
		// Not the graph that was made for a batch: there dimension 0 of an
		// activation was taken for the batch, whatever the model does with it.
		if t, err = m.translate(l, 0, budget); err != nil {
			return nil, false, fmt.Errorf("%w%s", err, l.mistaken())
		}
	}
	report.add("remove dead", l.dropped)
	report.add("fold constants", t.folded)
	report.add("remove identity", t.passed)
	return t.graph, batched, nil
}

// checkItems checks that a graph of one item computes any number of them, each
// on its own.
func (m *modelProto) checkItems(l *linked, one *graph, budget int) error {
	many, err := m.translate(l, probe, budget)
	if err != nil {
		return err
	}
	return checkBatch(one, many.graph)
}

// endsInProbabilities says whether the first output is that of a softmax or a
// sigmoid, perhaps in another shape, or quantised and dequantised.
func endsInProbabilities(net *weights.Net) bool {
	v := net.Outputs[0]
	for i := len(net.Steps) - 1; i >= 0; i-- {
		s := net.Steps[i]
		if len(s.Out) != 1 || s.Out[0] != v {
			continue
		}
		switch t := s.Spec.Traits(net.Operands(s)); {
		case t.Probabilities:
			return true
		case t.Rearranges || kernels.Converts(s.Spec):
			v = s.In[0]
		default:
			return false
		}
	}
	return false
}

// macs is the number of multiply-adds of a net for one item.
func macs(net *weights.Net) (total int64) {
	for _, s := range net.Steps {
		total += s.Spec.Traits(net.Operands(s)).MACs
	}
	return total
}
