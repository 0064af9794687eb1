package serve

import (
	"context"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

// A Request is a request to a model. It is used by one goroutine at a time, and
// may be used again after Infer, which reuses the memory of Outputs.
type Request struct {
	Items int // at least 1, and 1 for a model that computes one item at a time

	// Inputs are the tensors in the order of the model's inputs: row-major
	// elements, little-endian, of all items one after the other. Infer does not
	// change them.
	Inputs [][]byte

	// Sizes are the sizes of the model's open dimensions, as Model.Sizes of
	// package engine finds them; nil if it has none.
	Sizes []int

	// Waited is for how long nobody looked at the request after it had arrived,
	// as far as that is known. It counts as waiting, as the queue does; the time
	// that it takes to receive and to read a request does not.
	Waited time.Duration

	// Outputs are the tensors that the model computes, in the form of Inputs.
	// Infer sets them and reuses their memory if it is large enough.
	Outputs [][]byte

	// Times say how the time was spent.
	Times Times

	ctx     context.Context
	use     func(*engine.Session) error // instead of Inputs and Outputs
	outputs []engine.Tensor

	// What follows is the pool's.
	state      state
	prev, next *Request      // in its model's queue
	follower   *Request      // the next one in the batch
	session    *session      // of the one that leads a batch; nil if it is to make one
	ready      chan struct{} // it leads a batch, or is answered
	since      time.Time     // it queues
	led        time.Time     // it got the permit
	first      bool          // nothing waited, and a permit was free, when it came
	chunk      int           // items in the batch
	done       int           // items that are computed
	err        error
}

// A state is where a Request stands.
type state uint8

const (
	queued   state = iota
	leading        // it has a permit, and computes for its batch
	follows        // another one computes it
	answered       // computed, or given up with err
)

// Times say how long the parts of a Request took.
type Times struct {
	Queue  time.Duration // it waited
	Input  time.Duration // inputs were copied into the Session
	Run    time.Duration // the net was computed
	Output time.Duration // outputs were copied out
}

// OutputShape returns the shape of output i, after Infer. Dimension 0 is the
// number of items if it is the batch.
func (r *Request) OutputShape(i int) tensor.Shape {
	shape := append(tensor.Shape(nil), r.outputs[i].Shape...)
	if len(shape) > 0 && shape[0] == -1 {
		shape[0] = r.Items
	}
	return shape
}

// begin prepares the Request for the pool.
func (r *Request) begin(ctx context.Context, outputs int) {
	r.ctx, r.err, r.done, r.Times = ctx, nil, 0, Times{}
	r.prev, r.next, r.follower, r.session, r.first = nil, nil, nil, nil, false
	if r.ready == nil {
		r.ready = make(chan struct{}, 1)
	}
	if len(r.Outputs) != outputs {
		r.Outputs = make([][]byte, outputs)
	}
}

// left is how many items are still to be computed.
func (r *Request) left() int { return r.Items - r.done }
