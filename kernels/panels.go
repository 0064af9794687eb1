package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/infer-go/infer/tensor"
)

// NR is the number of columns of a panel: how many output channels every
// matrix kernel computes at a time, on every tier.
const NR = 16

// Panels are the layout of the right-hand side of a matrix product, K rows by
// N columns, for each of Groups groups, cut into panels of NR columns; the
// panels of the first group come first. A panel is
//
//	header   NR float32 of bias; if Elem is I8, NR int32 of bias, in units of the
//	         operand's scale times the weight's, then NR float32: the weights' scales
//	rows     K rows of NR elements; of I8, 4 rows interleaved: for each column 4 elements
//	padding  zeros up to the next multiple of tensor.Align bytes
//
// Everything in columns past N is zero, and so are elements of rows past K. No
// other code knows the layout, which FORMAT.md describes.
type Panels struct {
	Elem         tensor.Elem // F32, F16 or I8
	Groups, K, N int
}

// A panelLayout is what of a panel's layout depends on its elements.
type panelLayout struct {
	header int // bytes in front of the rows
	depth  int // so many rows lie element by element beside one another
}

// index is the place, among the elements of a panel's rows, of row k's in a
// column.
func (l panelLayout) index(k, column int) int {
	return k/l.depth*NR*l.depth + column*l.depth + k%l.depth
}

// quad is how many products of bytes an instruction adds to a sum, and how many
// rows of int8 lie beside one another: a row of the layout is 64 bytes then.
const quad = 4

// layout returns false for elements of which there are no panels.
func (p Panels) layout() (panelLayout, bool) {
	switch p.Elem {
	case tensor.F32, tensor.F16:
		return panelLayout{header: NR * 4, depth: 1}, true
	case tensor.I8:
		return panelLayout{header: 2 * NR * 4, depth: quad}, true
	}
	return panelLayout{}, false
}

// PerGroup is the number of panels of a group.
func (p Panels) PerGroup() int { return ceilDiv(p.N, NR) }

// Count is the number of panels of all groups.
func (p Panels) Count() int { return p.Groups * p.PerGroup() }

// Columns is the number of columns of panel i that are not padding.
func (p Panels) Columns(i int) int { return min(NR, p.N-i%p.PerGroup()*NR) }

// channel is the first column of panel i, of the columns of all groups.
func (p Panels) channel(i int) int { return i/p.PerGroup()*p.N + i%p.PerGroup()*NR }

// rowBytes is the size of a row: of depth rows, where they lie side by side.
func (p Panels) rowBytes() int {
	l, _ := p.layout()
	return NR * l.depth * p.Elem.Size()
}

// rows is how many times rowBytes the rows take.
func (p Panels) rows() int {
	l, _ := p.layout()
	return ceilDiv(p.K, l.depth)
}

// Size is the number of bytes of a panel, including its padding.
func (p Panels) Size() int {
	l, _ := p.layout()
	return tensor.AlignUp(l.header + p.rows()*p.rowBytes())
}

// Bytes is the number of bytes of all panels. It returns false if there are no
// such panels, or on overflow. Groups, K and N must be from 1 to tensor.MaxDim.
func (p Panels) Bytes() (int, bool) {
	l, ok := p.layout()
	if !ok {
		return 0, false
	}
	if _, ok := tensor.Product(p.rowBytes(), p.rows()+(l.header+tensor.Align)/p.rowBytes()+1); !ok {
		return 0, false // a panel's size itself would overflow
	}
	return tensor.Product(p.Size(), p.Groups, p.PerGroup())
}

// panel is panel i of data.
func (p Panels) panel(data []byte, i int) []byte {
	size := p.Size()
	return data[i*size : (i+1)*size]
}

// bias is the NR biases of a panel of floats.
func (p Panels) bias(panel []byte) []float32 { return tensor.Slice[float32](panel[:NR*4]) }

// header is the NR biases and the NR scales of a panel of int8.
func (p Panels) header(panel []byte) (bias []int32, scale []float32) {
	return tensor.Slice[int32](panel[:NR*4]), tensor.Slice[float32](panel[NR*4 : 2*NR*4])
}

// rowsFrom is the rows of a panel from row k on, a multiple of depth.
func (p Panels) rowsFrom(panel []byte, k int) []byte {
	l, _ := p.layout()
	return panel[l.header+k/l.depth*p.rowBytes() : l.header+p.rows()*p.rowBytes()]
}

// widened is the same panels of float32.
func (p Panels) widened() Panels {
	p.Elem = tensor.F32
	return p
}

// widen returns panels as float32, in place if that is what they are.
func (p Panels) widen(t *Tier, data []byte) []byte {
	if p.Elem == tensor.F32 {
		return data
	}
	wide := p.widened()
	out := tensor.AlignedBytes(p.Count() * wide.Size())
	w := new(Workspace)
	for i := range p.Count() {
		src, dst := p.panel(data, i), wide.panel(out, i)
		copy(wide.bias(dst), p.bias(src))
		p.widenRows(t, w, tensor.Slice[float32](wide.rowsFrom(dst, 0)), src)
	}
	return out
}

// widenRows converts the rows of a panel of float16.
func (p Panels) widenRows(t *Tier, w *Workspace, dst []float32, panel []byte) {
	src := tensor.Slice[uint16](p.rowsFrom(panel, 0))
	const most = callCycles // elements of a call: from afar each takes up to a cycle
	for i := 0; i < len(dst); i += most {
		w.widen.X, w.widen.Y, w.widen.N = &src[i], &dst[i], min(most, len(dst)-i)
		t.widenKernel(&w.widen)
	}
}

// PanelsParam makes a Param of panels from weight(group, row, column) and
// bias(group, column).
func PanelsParam(p Panels, weight func(g, k, n int) float32, bias func(g, n int) float32) Param {
	size, ok := p.Bytes()
	if !ok {
		panic("kernels: no panels " + fmt.Sprintf("%+v", p))
	}
	data := tensor.AlignedBytes(size)
	for i := range p.Count() {
		panel, g, first := p.panel(data, i), i/p.PerGroup(), i%p.PerGroup()*NR
		for column := range p.Columns(i) {
			putFloat(panel[4*column:], bias(g, first+column))
		}
		// So many rows stay in the cache while one column after the other is
		// written.
		const rows = 256
		for k := 0; k < p.K; k += rows {
			for column := range p.Columns(i) {
				p.putColumn(panel, column, k, min(k+rows, p.K), func(k int) float32 { return weight(g, k, first+column) })
			}
		}
	}
	return Param{Form: FormPanels, Elem: p.Elem, Shape: tensor.Shape{p.Groups, p.K, p.N}, Data: data}
}

// putColumn sets the rows from, …, to−1 of a panel's column.
func (p Panels) putColumn(panel []byte, column, from, to int, weight func(k int) float32) {
	l, _ := p.layout()
	rows := p.rowsFrom(panel, 0)
	for k := from; k < to; k++ {
		if i := l.index(k, column); p.Elem == tensor.F16 {
			binary.LittleEndian.PutUint16(rows[2*i:], tensor.Float16(weight(k)))
		} else {
			putFloat(rows[4*i:], weight(k))
		}
	}
}

// QuantisedPanelsParam makes a Param of panels of int8 from weight(group, row,
// column), scale(group, column), which is positive and finite, and bias(group,
// column), in units of the operand's scale times that one.
func QuantisedPanelsParam(p Panels, weight func(g, k, n int) int8, scale func(g, n int) float32, bias func(g, n int) int32) Param {
	p.Elem = tensor.I8
	size, ok := p.Bytes()
	if !ok {
		panic("kernels: no panels " + fmt.Sprintf("%+v", p))
	}
	data := tensor.AlignedBytes(size)
	l, _ := p.layout()
	for g := range p.Groups {
		for j := range p.N {
			panel, column := p.panel(data, g*p.PerGroup()+j/NR), j%NR
			binary.LittleEndian.PutUint32(panel[4*column:], uint32(bias(g, j)))
			putFloat(panel[4*(NR+column):], scale(g, j))
			for k := range p.K {
				panel[l.header+l.index(k, column)] = byte(weight(g, k, j))
			}
		}
	}
	return Param{Form: FormPanels, Elem: p.Elem, Shape: tensor.Shape{p.Groups, p.K, p.N}, Data: data}
}

// check checks some whole panels, the first of which begins off bytes into all
// of them: biases and weights are finite, scales positive, and padding is zero.
func (p Panels) check(off int, data []byte) error {
	size := p.Size()
	for ; len(data) > 0; off, data = off+size, data[size:] {
		if err := p.checkPanel(off, data[:size], p.Columns(off/size)); err != nil {
			return err
		}
	}
	return nil
}

// checkPanel checks one panel, of which so many columns are not padding.
func (p Panels) checkPanel(off int, panel []byte, columns int) error {
	l, _ := p.layout()
	row := p.rowBytes()
	end := l.header + p.rows()*row
	if p.Elem == tensor.I8 {
		if err := checkScales(off+4*NR, panel[4*NR:4*(NR+columns)]); err != nil {
			return err
		}
	} else if err := checkFinite(tensor.F32, off, panel[:l.header]); err != nil {
		return err
	}
	if err := checkFinite(p.Elem, off+l.header, panel[l.header:end]); err != nil {
		return err
	}
	if !tensor.IsZero(panel[end:]) {
		return fmt.Errorf("byte %d: the padding after a panel's rows is not zero", off+end)
	}
	if used := p.K % l.depth; used > 0 {
		for i := end - row; i < end; i += row / NR {
			if pad := i + used*p.Elem.Size(); !tensor.IsZero(panel[pad : i+row/NR]) {
				return fmt.Errorf("byte %d: the padding after a column's rows is not zero", off+pad)
			}
		}
	}
	if columns == NR {
		return nil
	}
	for i := 0; i < l.header; i += 4 * NR {
		if pad := i + 4*columns; !tensor.IsZero(panel[pad : i+4*NR]) {
			return fmt.Errorf("byte %d: the padding after a panel's %s is not zero", off+pad, [...]string{"biases", "scales"}[i/(4*NR)])
		}
	}
	for i := l.header; i < end; i += row {
		if pad := i + columns*row/NR; !tensor.IsZero(panel[pad : i+row]) {
			return fmt.Errorf("byte %d: the padding after a panel's columns is not zero", off+pad)
		}
	}
	return nil
}

// checkScales checks that scales, the first of which stands off bytes into a
// Param's data, are positive and finite.
func checkScales(off int, data []byte) error {
	for i := 0; i < len(data); i += 4 {
		if x := math.Float32frombits(binary.LittleEndian.Uint32(data[i:])); !(x > 0 && tensor.IsFinite(x)) {
			return fmt.Errorf("byte %d: a scale of %v, which is not positive and finite", off+i, x)
		}
	}
	return nil
}

// checkFinite checks that elements, the first of which stands off bytes into a
// Param's data, are neither infinite nor NaN.
func checkFinite(e tensor.Elem, off int, data []byte) error {
	if i := tensor.NotFinite(e, data); i >= 0 {
		return fmt.Errorf("byte %d: an element is not finite", off+i)
	}
	return nil
}
