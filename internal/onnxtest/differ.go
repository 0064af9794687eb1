package onnxtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Rounding of float32 that is no difference: a part of the largest magnitude of
// an output, and, where large numbers cancel each other, of the largest that any
// value of the graph can have.
const (
	ofOutput = 1e-4
	ofScale  = 2e-6
)

// Differ says in what two programs' outputs of a graph differ by more than
// rounding; nothing if they do not. Elements that are not of float32 do not
// differ at all.
func (g *Graph) Differ(got, want []Tensor) string {
	scale := g.scale()
	for i, w := range want {
		if d := got[i].differs(w, ofScale*scale); d != "" {
			return fmt.Sprintf("output %s: %s", g.Outputs[i], d)
		}
	}
	return ""
}

// scale is the largest magnitude that any value can have.
func (g *Graph) scale() float64 {
	scale := 1.0
	for _, v := range g.Values {
		if v.Type == Float {
			scale = max(scale, v.most())
		}
	}
	return scale
}

func (t Tensor) differs(want Tensor, rounding float64) string {
	if t.Type != want.Type || !slices.Equal(t.Dims, want.Dims) {
		return fmt.Sprintf("%v %v, want %v %v", t.Type, t.Dims, want.Type, want.Dims)
	}
	size := t.Type.Size()
	if len(t.Raw) != len(want.Raw) || len(t.Raw) != size*product(t.Dims) {
		return fmt.Sprintf("%d bytes, want %d", len(t.Raw), len(want.Raw))
	}
	if t.Type != Float {
		for at := 0; at < len(t.Raw); at += size {
			if g, w := t.Raw[at:at+size], want.Raw[at:at+size]; !bytes.Equal(g, w) {
				return fmt.Sprintf("element %d of %d is %d, want %d", at/size, len(t.Raw)/size, integer(g), integer(w))
			}
		}
		return ""
	}
	most := 0.0
	for at := 0; at < len(want.Raw); at += size {
		if m := math.Abs(float(want.Raw[at:])); !math.IsInf(m, 0) && m == m {
			most = max(most, m)
		}
	}
	bound := ofOutput*most + rounding
	for at := 0; at < len(t.Raw); at += size {
		g, w := float(t.Raw[at:]), float(want.Raw[at:])
		if same := g == w || g != g && w != w; !same && !(math.Abs(g-w) <= bound) {
			return fmt.Sprintf("element %d of %d is %v, want %v: more than %.3g apart", at/size, len(t.Raw)/size, g, w, bound)
		}
	}
	return ""
}

func float(raw []byte) float64 {
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(raw)))
}

// integer is an element of 1, 4 or 8 bytes.
func integer(raw []byte) int64 {
	switch len(raw) {
	case 1:
		return int64(raw[0])
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(raw)))
	}
	return int64(binary.LittleEndian.Uint64(raw))
}
