package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// recogniseNormalisations finds normalisations spelled out as arithmetic, with
// the mean over any axes:
//
//	(x − mean(x)) / √(mean((x − mean(x))²) + ε)  = layer normalisation
//	x / √(mean(x²) + ε)                          = RMS normalisation
//
// where the quotient may be a product with the reciprocal; and normalisations of
// groups of channels as instances of a tensor that was reshaped for it.
func recogniseNormalisations(g *graph) int {
	e := g.edges()
	reshaped := map[*value]*node{} // by whom, if by somebody
	for _, n := range g.nodes {
		if _, ok := n.op.(*kernels.Reshape); ok {
			reshaped[n.in[0]] = n
		}
	}
	for _, n := range g.nodes {
		if x, root, ok := quotient(e, n); ok {
			recogniseQuotient(e, n, x, root)
		}
		recogniseGroups(e, n, reshaped[n.out[0]])
	}
	return removeDead(g)
}

// quotient says whether n is x/root, or x·(1/root).
func quotient(e edges, n *node) (x, root *value, ok bool) {
	op, isBinary := n.op.(*kernels.Binary)
	if !isBinary || len(n.in) != 2 || op.Act != (kernels.Act{}) {
		return nil, nil, false
	}
	switch op.Kind {
	case kernels.Div:
		return n.in[0], n.in[1], true
	case kernels.Mul:
		for i, v := range n.in {
			if p := e.maker[v]; p != nil && isReciprocal(p) {
				return n.in[1-i], p.in[0], true
			}
		}
	}
	return nil, nil, false
}

// isReciprocal says whether n is 1/x.
func isReciprocal(n *node) bool {
	op, ok := n.op.(*kernels.Binary)
	if !ok || op.Kind != kernels.Div || !op.Swap || op.Act != (kernels.Act{}) {
		return false
	}
	c, ok := n.scalar()
	return ok && c == 1
}

// recogniseQuotient rewrites n, which divides d by root, if that normalises.
func recogniseQuotient(e edges, n *node, d, root *value) {
	squares, epsilon, ok := rootOfSum(e, root)
	if !ok {
		return
	}
	squared, axes, ok := meanOf(e, squares)
	if !ok {
		return
	}
	p := e.maker[squared]
	if p == nil || !isSquareOf(e, p, d) || !slices.Equal(n.out[0].shape, d.shape) {
		return
	}
	op := &kernels.Normalise{Kind: kernels.ByRootMeanSquare, Axes: axes, Epsilon: epsilon}
	x := d
	if of, over, ok := centred(e, d); ok && slices.Equal(over, axes) {
		op.Kind, x = kernels.ByDeviation, of
	}
	n.op, n.in, n.weights = op, []*value{x}, nil
}

// rootOfSum says whether v is √(x + ε), of which ε may be missing.
func rootOfSum(e edges, v *value) (x *value, epsilon float32, ok bool) {
	n := e.maker[v]
	if n == nil {
		return nil, 0, false
	}
	if op, ok := n.op.(*kernels.Unary); !ok || op.Kind != kernels.Sqrt || op.Act != (kernels.Act{}) {
		return nil, 0, false
	}
	x = n.in[0]
	sum := e.maker[x]
	if sum == nil {
		return x, 0, true
	}
	op, isBinary := sum.op.(*kernels.Binary)
	if !isBinary || op.Kind != kernels.Add || op.Act != (kernels.Act{}) || len(sum.weights) != 1 ||
		sum.weights[0].data.len() != 1 || !slices.Equal(sum.out[0].shape, sum.in[0].shape) {
		return x, 0, true
	}
	epsilon = sum.weights[0].data.floats[0]
	return sum.in[0], epsilon, epsilon >= 0 && tensor.IsFinite(epsilon)
}

// meanOf says whether v is the mean of x over some axes, which keep a dimension
// of 1. That of a map's pixels is a pool.
func meanOf(e edges, v *value) (x *value, axes []int, ok bool) {
	n := e.maker[v]
	if n == nil {
		return nil, nil, false
	}
	switch op := n.op.(type) {
	case *kernels.Reduce:
		return n.in[0], op.Axes, op.Kind == kernels.ReduceMean && op.Keep
	case *kernels.Pool:
		x = n.in[0]
		whole := len(x.shape) == 4 && op.Kind == kernels.AveragePool && op.Pad == [4]int{} && op.Kernel == mapSize(x.shape)
		return x, []int{2, 3}, whole
	}
	return nil, nil, false
}

// isSquareOf says whether n is v², or that of a difference computed once more.
func isSquareOf(e edges, n *node, v *value) bool {
	op, ok := n.op.(*kernels.Binary)
	if !ok || op.Kind != kernels.Mul || op.Act != (kernels.Act{}) || len(n.in) != 2 || n.in[0] != n.in[1] {
		return false
	}
	if n.in[0] == v {
		return true
	}
	x, axes, ok := centred(e, n.in[0])
	y, over, also := centred(e, v)
	return ok && also && x == y && slices.Equal(axes, over)
}

// centred says whether v is x − mean(x), over which axes.
func centred(e edges, v *value) (x *value, axes []int, ok bool) {
	n := e.maker[v]
	if n == nil {
		return nil, nil, false
	}
	op, isBinary := n.op.(*kernels.Binary)
	if !isBinary || op.Kind != kernels.Sub || op.Act != (kernels.Act{}) || len(n.in) != 2 {
		return nil, nil, false
	}
	x, axes, ok = meanOf(e, n.in[1])
	return x, axes, ok && x == n.in[0]
}

// recogniseGroups rewrites a Normalise n of [N, groups, …] that was reshaped from
// [N, C, …], and is reshaped back, as one of [N, groups, C/groups, …]: so the
// channels stay a dimension of their own, and may lie last.
func recogniseGroups(e edges, n, after *node) {
	op, ok := n.op.(*kernels.Normalise)
	if !ok || after == nil {
		return
	}
	before := e.only(n.in[0])
	if before == nil || e.uses[n.out[0]] != 1 {
		return
	}
	if _, ok := before.op.(*kernels.Reshape); !ok {
		return
	}
	x, y := before.in[0].shape, n.in[0].shape
	if len(x) < 3 || len(x) >= tensor.MaxRank || len(y) < 3 || x[0] != y[0] || x[1] == y[1] || x[1]%y[1] != 0 ||
		!slices.Equal(op.Axes, axesFrom(2, len(y))) || !slices.Equal(after.out[0].shape, x) {
		return
	}
	rank := len(x) + 1
	weights := make([]*value, len(n.weights))
	for i, w := range n.weights {
		if w == nil {
			continue
		}
		of := padded(w.shape, len(y))
		if len(of) != len(y) || w.data.len() != of[1] {
			return
		}
		shape := slices.Repeat([]int{1}, rank)
		shape[1] = of[1]
		weights[i] = &value{name: w.name, shape: shape, data: w.data.reshaped(shape)}
	}
	shape := slices.Concat([]int{x[0], y[1], x[1] / y[1]}, x[2:])
	before.op = &kernels.Reshape{Shape: shape}
	before.out[0].shape, n.out[0].shape = shape, shape
	n.op = &kernels.Normalise{Kind: op.Kind, Axes: axesFrom(2, rank), Epsilon: op.Epsilon}
	n.weights = weights
}

// foldNormalise lets a Normalise scale and shift as the products and sums with
// constants do that follow it, behind a reshape too if they are those of
// channels.
func foldNormalise(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		op, ok := n.op.(*kernels.Binary)
		if !ok || len(n.in) != 1 || len(n.weights) != 1 || op.Act != (kernels.Act{}) || !slices.Equal(n.out[0].shape, n.in[0].shape) {
			continue
		}
		p := e.only(n.in[0])
		if p == nil {
			continue
		}
		last, shape := p, n.weights[0].shape
		if _, ok := p.op.(*kernels.Reshape); ok {
			if p = e.only(last.in[0]); p == nil {
				continue
			}
			if shape, ok = groupedChannels(p.out[0].shape, n.in[0].shape, shape); !ok {
				continue
			}
		}
		if _, ok := p.op.(*kernels.Normalise); !ok {
			continue
		}
		w := &value{shape: shape, data: n.weights[0].data.reshaped(shape)}
		if foldAffineOf(p, op, w) {
			e.absorb(last, n)
			dead[n] = true
		}
	}
	g.remove(dead)
	return len(dead)
}

// groupedChannels is the shape of a constant of one number for each channel of
// [N, C, …], or of one for all, where the channels are dimensions 1 and 2.
func groupedChannels(grouped, shape, of []int) ([]int, bool) {
	if len(grouped) != len(shape)+1 || len(of) > len(shape) || len(shape) < 2 || grouped[0] != shape[0] ||
		!slices.Equal(grouped[3:], shape[2:]) {
		return nil, false
	}
	of = padded(of, len(shape))
	for i, d := range of {
		if i != 1 && d != 1 {
			return nil, false
		}
	}
	to := slices.Repeat([]int{1}, len(grouped))
	if of[1] != 1 {
		to[1], to[2] = grouped[1], grouped[2]
	}
	return to, true
}

// foldAffineOf makes the result of a Normalise what op makes of it with the
// constant w.
func foldAffineOf(n *node, op *kernels.Binary, w *value) bool {
	scale, shift := constantOf(1), constantOf(0)
	if len(n.weights) > 0 {
		for i, v := range []**value{&scale, &shift} {
			if n.weights[i] != nil {
				*v = n.weights[i]
			}
		}
	}
	var ok bool
	switch {
	case op.Kind == kernels.Mul || op.Kind == kernels.Div && !op.Swap:
		f := func(x, y float64) float64 { return x * y }
		if op.Kind == kernels.Div {
			f = func(x, y float64) float64 { return x / y }
		}
		var ok2 bool
		scale, ok = combined(scale, w, f)
		shift, ok2 = combined(shift, w, f)
		ok = ok && ok2
	case op.Kind == kernels.Add:
		shift, ok = combined(shift, w, func(x, y float64) float64 { return x + y })
	case op.Kind == kernels.Sub && !op.Swap:
		shift, ok = combined(shift, w, func(x, y float64) float64 { return x - y })
	}
	if !ok {
		return false
	}
	old := n.weights
	n.weights = []*value{scale, shift}
	params, err := normaliseParams(n, identity(len(n.in[0].shape)))
	if err == nil {
		_, err = n.op.(kernels.Spec).Infer([]tensor.Type{tensor.Floats(n.in[0].shape...)}, params)
	}
	if err != nil {
		n.weights = old
	}
	return err == nil
}

// constantOf is a constant of one number.
func constantOf(x float32) *value {
	return &value{shape: []int{1}, data: floatTensor([]int{1}, []float32{x})}
}

// combined is a function of two constants, of which one broadcasts to the
// other, so that nothing grows.
func combined(a, b *value, f func(x, y float64) float64) (*value, bool) {
	shape, ok := tensor.Broadcast(a.shape, b.shape)
	if !ok {
		return nil, false
	}
	n := shape.Volume()
	if n > max(a.data.len(), b.data.len()) {
		return nil, false
	}
	rank := len(shape)
	x := make([]float32, n)
	at := make([]int, rank)
	element := func(v *value) float64 {
		of := padded(v.shape, rank)
		from := make([]int, rank)
		for i, d := range of {
			from[i] = min(at[i], d-1)
		}
		return float64(v.data.floats[flatIndex(from, of)])
	}
	for i := range x {
		x[i] = float32(f(element(a), element(b)))
		if !tensor.IsFinite(x[i]) {
			return nil, false
		}
		next(at, shape)
	}
	return &value{shape: shape, data: floatTensor(shape, x)}, true
}
