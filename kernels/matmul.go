package kernels

import (
	"slices"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// MatMul multiplies matrices, [..., M, K] by [..., K, N], with numpy's
// broadcasting of the leading dimensions, and the result by Scale, which is
// applied to the second operand: each of its elements is rounded once more.
//
// The second operand may be constant: then Params[0] is panels [G, K, N] of the
// G matrices of a stack, whose leading dimensions are Stack.
//
// Operands and result may be stored in orders other than row-major: stored
// dimension i is dimension Left[i] of the first operand, Right[i] of the
// second, Result[i] of the result; nil is row-major. The last stored dimension
// must be K in the first operand, K or N in the second, N in the result, not
// counting dimensions of 1.
type MatMul struct {
	Left, Right, Result []int
	Stack               []int
	Scale               float32 // 0 is 1
}

func (*MatMul) Op() string { return "MatMul" }

func (*MatMul) Order() Order { return RowMajor }

// Traits sets MixesItems unless dimension 0 is a leading dimension, neither M,
// K nor N.
func (m *MatMul) Traits(in []tensor.Type, params []Param) Traits {
	var t Traits
	if len(in) == 2 {
		params = nil
	}
	if g, err := m.geometry(in, params); err == nil {
		t.MACs = macs(g.out, g.k)
	}
	first := func(order []int) bool { return len(order) == 0 || order[0] == 0 }
	rank := len(in[0].Shape)
	t.MixesItems = rank < 3 || !first(m.Left) || !first(m.Right) || !first(m.Result)
	if len(in) == 2 {
		t.MixesItems = t.MixesItems || len(in[1].Shape) != rank
	} else {
		reach := len(m.Stack) + 2
		t.MixesItems = t.MixesItems || reach > rank || reach == rank && m.Stack[0] != 1
	}
	return t
}

func (m *MatMul) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	g, err := m.geometry(in, params)
	if err != nil {
		return nil, err
	}
	return []tensor.Type{g.out}, nil
}

// A product is a MatMul's geometry: sizes, and strides of the operands' and the
// result's own dimensions, in elements.
type product struct {
	out             tensor.Type
	lead            tensor.Shape // of the result
	m, k, n         int
	left, right, to matrices
}

// matrices are how the matrices of a stack lie.
type matrices struct {
	item     int   // elements of an item
	lead     []int // strides of the result's leading dimensions
	row, col int   // strides of rows and columns
}

// lies is how a tensor of a shape lies that is stored in an order, and its own
// shape.
func lies(s Spec, stored tensor.Shape, order []int) (shape tensor.Shape, stride []int, err error) {
	if len(order) == 0 {
		return stored, stored.Strides(), nil
	}
	shape, stride = make(tensor.Shape, len(stored)), make([]int, len(stored))
	if len(order) != len(stored) {
		return nil, nil, errorf(s, "an order %v of the dimensions of shape %s", order, stored)
	}
	for i, d := range order {
		if d < 0 || d >= len(order) || shape[d] != 0 {
			return nil, nil, errorf(s, "an order %v of the dimensions of shape %s", order, stored)
		}
		shape[d], stride[d] = stored[i], stored.Strides()[i]
	}
	return shape, stride, nil
}

func (m *MatMul) geometry(in []tensor.Type, params []Param) (g product, err error) {
	wantIn := 2 - min(len(params), 1)
	if err := floatOperands(m, in, params, wantIn, 2-wantIn); err != nil {
		return g, err
	}
	if !tensor.IsFinite(m.Scale) {
		return g, errorf(m, "scale %v is not finite", m.Scale)
	}
	a, strideA, err := lies(m, in[0].Shape, m.Left)
	if err != nil {
		return g, err
	}
	var b tensor.Shape
	var strideB []int
	if len(params) == 0 {
		if len(m.Stack) > 0 {
			return g, errorf(m, "a stack %v without its matrices", m.Stack)
		}
		b, strideB, err = lies(m, in[1].Shape, m.Right)
	} else {
		b, strideB, err = m.stack(params[0])
	}
	if err != nil {
		return g, err
	}
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return g, errorf(m, "%s cannot be multiplied by %s", a, b)
	}
	lead, ok := tensor.Broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok {
		return g, errorf(m, "%s cannot be multiplied by %s", a, b)
	}
	g.lead, g.m, g.k, g.n = lead, a[len(a)-2], a[len(a)-1], b[len(b)-1]
	shape := append(slices.Clone(lead), g.m, g.n)
	if _, err := result(m, in[0], shape...); err != nil {
		return g, err
	}
	stored := shape
	if len(m.Result) > 0 {
		if len(m.Result) != len(shape) {
			return g, errorf(m, "an order %v of the dimensions of shape %s", m.Result, tensor.Shape(shape))
		}
		stored = slices.Clone(shape)
		for i, d := range m.Result {
			if d < 0 || d >= len(shape) {
				return g, errorf(m, "an order %v of the dimensions of shape %s", m.Result, tensor.Shape(shape))
			}
			stored[i] = shape[d]
		}
	}
	_, strideC, err := lies(m, stored, m.Result)
	if err != nil {
		return g, err
	}
	g.out = in[0].Of(stored...)
	g.left = stackOf(a, strideA, len(lead))
	g.right = stackOf(b, strideB, len(lead))
	g.to = stackOf(shape, strideC, len(lead))
	switch {
	case g.k > 1 && g.left.col != 1:
		return g, errorf(m, "K is not the last dimension of the first operand")
	case len(params) == 0 && g.n > 1 && g.right.col != 1 && g.k > 1 && g.right.row != 1:
		return g, errorf(m, "neither K nor N is the last dimension of the second operand")
	case g.n > 1 && g.to.col != 1:
		return g, errorf(m, "N is not the last dimension of the result")
	}
	return g, nil
}

// stack is the shape of the constant matrices; a stride of their leading
// dimensions is a number of matrices.
func (m *MatMul) stack(p Param) (shape tensor.Shape, stride []int, err error) {
	if len(m.Right) > 0 {
		return nil, nil, errorf(m, "constant matrices cannot have an order")
	}
	if p.Form != FormPanels || len(p.Shape) != 3 {
		return nil, nil, errorf(m, "the matrices are %v %s where there should be panels", p.Form, p.Shape)
	}
	if len(m.Stack) > tensor.MaxRank-2 {
		return nil, nil, errorf(m, "a stack of %d dimensions", len(m.Stack))
	}
	lead := tensor.Shape(slices.Clone(m.Stack))
	if err := lead.Check(); err != nil {
		return nil, nil, errorf(m, "the stack %w", err)
	}
	if lead.Volume() != p.Shape[0] {
		return nil, nil, errorf(m, "a stack of %s matrices, but there are %d", lead, p.Shape[0])
	}
	if err := checkParam(m, p, "the matrices", FormPanels, p.Shape...); err != nil {
		return nil, nil, err
	}
	return append(lead, p.Shape[1:]...), append(lead.Strides(), 0, 0), nil
}

// stackOf is how a stack of matrices lies whose leading dimensions broadcast to
// rank ones.
func stackOf(shape tensor.Shape, stride []int, rank int) matrices {
	lead := len(shape) - 2
	s := matrices{item: shape.Volume(), lead: make([]int, rank), row: stride[lead], col: stride[lead+1]}
	for i := range lead {
		if shape[i] > 1 {
			s.lead[rank-lead+i] = stride[i]
		}
	}
	return s
}

const (
	// rowsOfProduct is how many rows of a product are a task: enough for the
	// packing of its right-hand side, which each task does by itself, to be a
	// small part of it.
	rowsOfProduct = 4 * rowBlock

	// depthOfProduct is how many rows of the right-hand side are packed at a time,
	// so that a tile's sums do not take too long.
	depthOfProduct = 512

	// packedBytes bounds the panels that are packed at a time: they stay in the
	// second-level cache.
	packedBytes = 256 << 10
)

func (m *MatMul) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	g, err := m.geometry(in, params)
	if err != nil {
		return nil, err
	}
	op := &matMulOp{
		Tier: t, product: g, scale: m.Scale,
		operands:  newNest(g.lead, g.left.lead, g.right.lead),
		results:   newNest(g.lead, g.to.lead, g.to.lead),
		panels:    ceilDiv(g.n, NR),
		depth:     min(g.k, depthOfProduct),
		pack:      find[asm.Im2colArgs](t, asm.Kernel{Op: "im2col"}),
		transpose: find[asm.TransposeArgs](t, asm.Kernel{Op: "transpose"}),
		row:       find[asm.FullyArgs](t, stridedKernel(1)),
		pair:      find[asm.FullyArgs](t, stridedKernel(2)),
	}
	if m.Scale == 0 {
		op.scale = 1
	}
	op.count = op.results.count()
	op.packed = min(op.panels, max(1, packedBytes/(4*NR*op.depth)))
	op.blocks = ceilDiv(g.m, rowsOfProduct)
	if len(params) == 1 {
		p := params[0].Panels()
		op.stack, op.matrices = p.widened(), p.widen(t, params[0].Data)
	}
	return op, nil
}

// matMulOp is a MatMul. A task is a block of rows of a product: it packs the
// right-hand side into panels, some at a time. A few rows, for which packing is
// the larger part of the work, read it as it lies where they can.
type matMulOp struct {
	*Tier
	product
	scale             float32
	operands, results nest // over the leading dimensions
	count             int  // matrices of an item
	panels            int
	depth, packed     int // rows and number of the panels that are packed at a time
	blocks            int // tasks of a matrix
	pack              func(*asm.Im2colArgs)
	transpose         func(*asm.TransposeArgs)
	row, pair         func(*asm.FullyArgs) // of the left-hand side, one and two

	stack    Panels // of the constant matrices
	matrices []byte
}

// Scratch is the packed panels, and a block of rows without aliasing strides.
func (op *matMulOp) Scratch() int { return 4 * (op.packedPanels() + op.copied()) }

func (op *matMulOp) packedPanels() int {
	if op.matrices != nil && op.scale == 1 {
		return 0
	}
	return op.packed * op.depth * NR
}

// copied is the elements of a block of rows, if they are copied.
func (op *matMulOp) copied() int {
	if op.m > fewRows && op.panels > 1 && aliases(op.left.row) {
		return rowBlock * unaliased(op.depth)
	}
	return 0
}

func (op *matMulOp) Tasks(n int) int { return n * op.count * op.blocks }

func (op *matMulOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	for task, end := lo, 0; task < hi; task = end {
		matrix, row := task/op.blocks, task%op.blocks*rowsOfProduct
		end = min(hi, (matrix+1)*op.blocks)
		item, matrix := matrix/op.count, matrix%op.count
		c := op.operands.seek(matrix)
		a := x[item*op.left.item+c.offset[0]+row*op.left.row:]
		to := y[item*op.to.item+op.results.seek(matrix).offset[0]+row*op.to.row:]
		rows := min((end-task)*rowsOfProduct, op.m-row)
		var b []byte
		if op.matrices == nil {
			b = in[1][4*(item*op.right.item+c.offset[1]):]
		}
		unpacked := op.unpacked()
		for k := 0; k < op.k && unpacked > 0; k += op.nearDepth() {
			depth := min(op.nearDepth(), op.k-k)
			op.fewRows(w, a[k:], to, floats(b)[k*op.right.row:], op.right.row, NR, rows, unpacked/wide, k, depth)
		}
		for p := unpacked; p < op.panels; p += op.packed {
			for k := 0; k < op.k; k += op.depth {
				op.part(w, a, to, b, c.offset[1], rows, p, k)
			}
		}
	}
}

// unpacked is how many panels are read where they lie, in whole groups.
func (op *matMulOp) unpacked() int {
	if op.m > fewRows || op.matrices != nil || op.scale != 1 || op.right.col != 1 {
		return 0
	}
	return op.n / (wide * NR) * wide
}

// nearDepth is how many rows of the right-hand side are read for all rows before
// the next ones: few, where a kernel does not take all rows at once.
func (op *matMulOp) nearDepth() int {
	if op.m > 2 {
		return nearChunk / (4 * NR * wide)
	}
	return op.depth
}

// fewRows adds products from k on to groups of panels of each of a few rows. The
// rows of a panel are row elements apart, and panels stride.
func (op *matMulOp) fewRows(w *Workspace, a, to, b []float32, row, stride, rows, groups, k, depth int) {
	f := &w.fully
	f.K, f.BRow, f.BStride = depth, 4*row, 4*stride
	f.AStride, f.CStride = 4*op.left.row, 4*op.to.row
	f.Lo, f.Hi = Act{}.limits()
	most := max(1, callCycles/(2*wide*depth))
	for r := 0; r < rows; {
		count, kernel := 1, op.row
		if r+2 <= rows {
			count, kernel = 2, op.pair
		}
		f.A = &a[r*op.left.row]
		for done := 0; done < groups; done += most {
			f.Groups = min(most, groups-done) * count
			f.B, f.C = (*byte)(unsafe.Pointer(&b[done*wide*stride])), &to[r*op.to.row+done*wide*NR]
			f.Bias, f.BiasStride, f.BiasRow = &zeros[0], 0, 0
			if k > 0 {
				f.Bias, f.BiasStride, f.BiasRow = f.C, 4*NR, f.CStride
			}
			kernel(f)
		}
		r += count
	}
}

// part adds the products of rows k, … of the panels p, … to rows rows of the
// result.
func (op *matMulOp) part(w *Workspace, a, to []float32, b []byte, matrix, rows, p, k int) {
	depth, count := min(op.depth, op.k-k), min(op.packed, op.panels-p)
	size := depth * NR // of a panel
	panels := w.floats()
	switch {
	case op.matrices == nil:
		op.packPanels(w, panels, b, p, count, k, depth)
	case op.scale != 1:
		for i := range count {
			copy(panels[i*size:][:size], op.constantRows(matrix, p+i, k))
		}
	}
	if op.scale != 1 {
		op.times(w, panels[:count*size], &op.scale)
	}
	for from := 0; from < rows; from += rowBlock {
		block := min(rowBlock, rows-from)
		left, stride := a[from*op.left.row+k:], op.left.row
		if op.copied() > 0 {
			own := w.floats()[op.packedPanels():]
			stride = unaliased(op.depth)
			for i := range block {
				copy(own[i*stride:][:depth], left[i*op.left.row:])
			}
			left = own
		}
		for i := 0; i < count; {
			var rows []float32
			if op.packedPanels() == 0 {
				rows = op.constantRows(matrix, p+i, k)
			} else {
				rows = panels[i*size:]
			}
			if op.m <= fewRows && i+wide <= count && (p+i+wide)*NR <= op.n {
				stride := size
				if op.packedPanels() == 0 {
					stride = op.stack.Size() / 4
				}
				op.fewRows(w, left, to[from*op.to.row+(p+i)*NR:], rows, NR, stride, block, 1, k, depth)
				i += wide
				continue
			}
			dst := &to[from*op.to.row+(p+i)*NR]
			w.gemm = asm.GemmArgs{
				A: &left[0], AStride: 4 * stride,
				Seg: &zeroOffset[0], Segs: 1, SegLen: depth,
				B: &rows[0], Bias: &zeros[0],
				C: dst, CStride: 4 * op.to.row, N: min(NR, op.n-(p+i)*NR),
			}
			w.gemm.Lo, w.gemm.Hi = Act{}.limits()
			if k > 0 {
				w.gemm.D, w.gemm.DStride = dst, 4*op.to.row
			}
			op.gemm(w, block)
			i++
		}
	}
}

// constantRows are the rows of a panel of a constant matrix, from row k on.
func (op *matMulOp) constantRows(matrix, panel, k int) []float32 {
	return floats(op.stack.rowsFrom(op.stack.panel(op.matrices, matrix*op.stack.PerGroup()+panel), k))
}

// packPanels packs the rows k, …, k+depth−1 of count panels from panel p on.
func (op *matMulOp) packPanels(w *Workspace, dst []float32, b []byte, p, count, k, depth int) {
	size := depth * NR
	for i := range count {
		panel := dst[i*size:][:size]
		first := (p + i) * NR
		columns := min(NR, op.n-first)
		if columns < NR {
			clear(panel) // so that no old number slows the products of what is padding
		}
		at := first*op.right.col + k*op.right.row
		if op.right.col == 1 || op.n == 1 {
			src := floats(b)[at:]
			a := &w.im2col
			a.Seg, a.Segs, a.SegLen = &zeroOffset[0], 1, columns
			a.AStride, a.CStride = 4*op.right.row, 4*NR
			for from := 0; from < depth; from += a.Rows {
				a.Rows = min(depth-from, callElements/NR)
				a.A, a.C = &src[from*op.right.row], &panel[from*NR]
				op.pack(a)
			}
			continue
		}
		// The elements of a column lie side by side.
		a := &w.transpose
		a.X, a.Y = &floats(b)[at], &panel[0]
		a.XRow, a.YRow, a.Rows, a.Cols = 4*op.right.col, 4*NR, columns, depth
		op.transpose(a)
	}
}

// times multiplies elements by a number.
func (t *Tier) times(w *Workspace, x []float32, by *float32) {
	a := &w.binary
	a.XStep, a.YStep, a.Rows, a.Y = 4, 0, 1, by
	a.Lo, a.Hi = Act{}.limits()
	for from := 0; from < len(x); from += taskSize {
		a.X, a.Z, a.N = &x[from], &x[from], min(taskSize, len(x)-from)
		t.binaryKernels[Mul](a)
	}
}
