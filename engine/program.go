package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/detect"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A program is a frozen net made ready to run: its steps bound to the kernels
// of one tier, its values given buffers. It is the same for every batch; where
// the buffers lie is a plan's. Of a net with open dimensions it is for one size
// of each.
type program struct {
	net             *weights.Net // without its Params, and without open dimensions
	steps           []step
	buffers         []buffer
	inputs, outputs []edge

	// interleaved: what reads the input only interleaves its channels, or can do
	// without that, so that a picture can be prepared into the memory of the input
	// interleaved. The run then begins with step first.
	interleaved bool
	first       int

	boxes *detect.Decoder // of a net that answers with boxes

	scratch  int // most bytes of scratch that a step asks for
	operands int // most operands, or most results, of a step
}

// An edge is an input or an output of the net: its buffer, and what its elements
// are.
type edge struct {
	buffer int
	elem   tensor.Elem

	// counted: it has more rows than count, and row is the bytes of one.
	counted bool
	row     int
}

// A step is one bound operation.
type step struct {
	op      kernels.Op
	in, out []int // buffers

	// planes: op reads planes, of which interleaved would read pixels.
	planes      int
	interleaved kernels.Op

	// fromPicture are the operands, and opFromPicture is the Op, where pictures
	// are prepared interleaved.
	fromPicture   []int
	opFromPicture kernels.Op

	index   int // in Net.Steps
	weights int // bytes of its Params
	traits  kernels.Traits
	work    int64 // for one item, in the time of a multiply-add
}

// A buffer is the memory of one value, or of several that follow one another
// in the same place.
type buffer struct {
	size int // bytes of one item

	// pinned: it belongs to inputs or outputs, and keeps its memory for the
	// whole run.
	pinned bool
}

// moveWork is the number of multiply-adds that take about as long as loading
// or storing one byte.
const moveWork = 1

// limit is the largest number of steps and of values of a net: far above any
// ConvNet, and low enough that no file keeps a plan, whose time grows with its
// square, from being made within a second or so.
const limit = 1 << 13

// operandLimit is the largest number of operands and results of all steps
// together, a value counted as often as it occurs: eight for each step. Without
// it a step could list one value by the million, in a few bytes each time.
const operandLimit = 8 * limit

// entryLimit is the most entries of Traits.TableEntries that all steps may have
// together: far above any ConvNet, and a few hundred megabytes at most, whatever
// the file.
const entryLimit = 1 << 22

// scratchBytes is what a thread takes beside its local values: the scratch of
// steps, and a table of the operands and of the results of one.
func (p *program) scratchBytes() int64 {
	const slice = 24 // bytes, on a 64-bit processor
	return int64(p.scratch) + 2*slice*int64(p.operands)
}

// A binder makes a program of a net.
type binder struct {
	net  *weights.Net
	tier *kernels.Tier
	*program

	entries  int   // of tables, so far
	lastRead []int // of each value: the last step that reads it, see lastReads
	buffer   []int // of each value
	until    []int // of each buffer: the last step that reads one of its values
}

// bind makes a program of a net that weights has checked.
func bind(net *weights.Net, tier *kernels.Tier) (*program, error) {
	if n := max(len(net.Steps), len(net.Values)); n > limit {
		return nil, fmt.Errorf("a net of %d steps and %d values is too large: at most %d of each can be run", len(net.Steps), len(net.Values), limit)
	}
	operands := 0
	for _, s := range net.Steps {
		operands += len(s.In) + len(s.Out)
	}
	if operands > operandLimit {
		return nil, fmt.Errorf("a net of steps with %d operands and results is too large: at most %d can be run", operands, operandLimit)
	}
	bare := *net
	bare.Params = nil
	b := &binder{
		net:      net,
		tier:     tier,
		program:  &program{net: &bare},
		lastRead: lastReads(net),
		buffer:   make([]int, len(net.Values)),
	}
	for _, v := range net.Inputs {
		b.fresh(v, true)
		b.inputs = append(b.inputs, edge{buffer: b.buffer[v], elem: net.Values[v].Elem})
	}
	counted := map[int]bool{} // values with more rows than count
	for i, s := range net.Steps {
		if err := b.step(i); err != nil {
			return nil, fmt.Errorf("step %d, %s %q: %w", i, s.Spec.Op(), s.Name, err)
		}
		traits := s.Spec.Traits(net.Operands(s))
		if traits.Counted || traits.View && counted[s.In[0]] {
			counted[s.Out[0]] = true
		}
	}
	for _, v := range net.Outputs {
		e := edge{buffer: b.buffer[v], elem: net.Values[v].Elem}
		if t := net.Values[v].Type; counted[v] && len(t.Shape) > 0 {
			e.counted, e.row = true, t.Bytes()/t.Shape[0]
		}
		b.outputs = append(b.outputs, e)
	}
	b.placeConcats()
	b.readPlanes()
	b.skipInterleaving()
	if err := b.bindAnswer(); err != nil {
		return nil, err
	}
	return b.program, nil
}

// lastReads returns for each value the last step that reads it: −1 if none
// does, and after the last step if it is an output.
func lastReads(net *weights.Net) []int {
	last := make([]int, len(net.Values))
	for v := range last {
		last[v] = -1
	}
	for i, s := range net.Steps {
		for _, v := range s.In {
			last[v] = i
		}
	}
	for _, v := range net.Outputs {
		last[v] = len(net.Steps)
	}
	return last
}

// step binds step i, unless its result is a mere view of its operand.
func (b *binder) step(i int) error {
	s := b.net.Steps[i]
	in, params := b.net.Operands(s)
	st := step{index: i, traits: s.Spec.Traits(in, params)}
	if st.traits.View && b.share(s.Out[0], b.buffer[s.In[0]]) {
		return nil
	}
	for _, p := range params {
		st.weights += len(p.Data)
	}
	if b.entries += st.traits.TableEntries; b.entries > entryLimit {
		return fmt.Errorf("the tables of windows, resized maps and paddings are too large: %d entries so far, of at most %d", b.entries, entryLimit)
	}
	op, err := s.Spec.Bind(b.tier, in, params)
	if err != nil {
		return err
	}
	st.op = op
	for _, v := range s.In {
		st.in = append(st.in, b.buffer[v])
	}
	if c, ok := b.overwritable(i, st.traits); !ok || !b.share(s.Out[0], c) {
		for _, v := range s.Out {
			b.fresh(v, b.lastRead[v] == len(b.net.Steps))
		}
	}
	for _, v := range s.Out {
		st.out = append(st.out, b.buffer[v])
	}

	st.work = st.traits.Work()
	for _, c := range slices.Concat(st.in, st.out) {
		st.work = add(st.work, moveWork*int64(b.buffers[c].size))
	}
	b.scratch = max(b.scratch, op.Scratch())
	b.operands = max(b.operands, len(st.in), len(st.out))
	b.steps = append(b.steps, st)
	return nil
}

// fresh gives a value a buffer of its own.
func (b *binder) fresh(v int, pinned bool) {
	b.buffer[v] = len(b.buffers)
	b.buffers = append(b.buffers, buffer{size: b.net.Values[v].Bytes(), pinned: pinned})
	b.until = append(b.until, b.lastRead[v])
}

// share puts a value into a buffer that exists, unless both are for the user's
// eyes: an output is never the memory of an input or of another output.
func (b *binder) share(v, c int) bool {
	if b.lastRead[v] == len(b.net.Steps) {
		if b.buffers[c].pinned {
			return false
		}
		b.buffers[c].pinned = true
	}
	b.buffer[v] = c
	b.until[c] = max(b.until[c], b.lastRead[v])
	return true
}

// overwritable returns the buffer of an operand that step i may overwrite with
// its result, if the step can work in place: nothing reads the operand
// afterwards. An operand with as many elements as the result has its shape, so
// that no element is read twice.
func (b *binder) overwritable(i int, traits kernels.Traits) (int, bool) {
	if !traits.InPlace {
		return 0, false
	}
	s := b.net.Steps[i]
	for _, v := range s.In {
		c := b.buffer[v]
		if b.sameMemory(v, s.Out[0]) && !b.buffers[c].pinned && b.until[c] <= i {
			return c, true
		}
	}
	return 0, false
}

// sameMemory says that two values have equally many elements of one kind.
func (b *binder) sameMemory(v, w int) bool {
	x, y := b.net.Values[v].Type, b.net.Values[w].Type
	return x.SameElements(y) && x.Bytes() == y.Bytes()
}

// plus adds numbers that are not negative; false says that the sum overflows
// an int.
func plus(a, b int) (int, bool) { return a + b, a <= math.MaxInt-b }

// add adds amounts of work or of memory; the sum stays at the largest int64.
func add(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }
