package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// rowFunc is what a Binary does to a row of elements for which there is no
// kernel.
func (b *Binary) rowFunc(e tensor.Elem) rowFunc {
	switch e {
	case tensor.F32:
		if b.Kind == Fmod {
			return fmodRow
		}
		return compareRow[float32](b.Kind)
	case tensor.Bool:
		return logicRow(b.Kind)
	case tensor.U8:
		return integerRow[uint8](b.Kind)
	case tensor.I8:
		return integerRow[int8](b.Kind)
	case tensor.I16:
		return integerRow[int16](b.Kind)
	case tensor.I32:
		return integerRow[int32](b.Kind)
	}
	return integerRow[int64](b.Kind)
}

// fmodRow is Fmod of float32.
func fmodRow(_ *Workspace, z []byte, x *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
	dst, a, b := floats(z), floats(x[0]), floats(x[1])
	for i := range dst[:n] {
		dst[i] = float32(math.Mod(float64(a[i*step[0]]), float64(b[i*step[1]])))
	}
}

// integerRow has a loop for each kind: a call for each element would take
// longer than what it computes.
func integerRow[T integer](k BinaryKind) rowFunc {
	if k.Compares() {
		return compareRow[T](k)
	}
	return func(w *Workspace, z []byte, in *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
		dst, x, y, xs, ys := tensor.Slice[T](z)[:n], tensor.Slice[T](in[0]), tensor.Slice[T](in[1]), step[0], step[1]
		switch k {
		case Add:
			for i := range dst {
				dst[i] = x[i*xs] + y[i*ys]
			}
		case Sub:
			for i := range dst {
				dst[i] = x[i*xs] - y[i*ys]
			}
		case Mul:
			for i := range dst {
				dst[i] = x[i*xs] * y[i*ys]
			}
		case Max:
			for i := range dst {
				dst[i] = max(x[i*xs], y[i*ys])
			}
		case Min:
			for i := range dst {
				dst[i] = min(x[i*xs], y[i*ys])
			}
		default:
			for i := range dst {
				dst[i] = divide(w, k, x[i*xs], y[i*ys])
			}
		}
	}
}

// divide is Div, Mod or Fmod of integers.
func divide[T integer](w *Workspace, k BinaryKind, x, y T) T {
	switch {
	case y == 0:
		w.Fault = ErrDivision
		return 0
	case k == Div:
		return x / y
	}
	r := x % y
	if k == Mod && r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	return r
}

// compareRow is Equal, Less or LessOrEqual. It says what truth says: a call of
// that is not inlined here, and takes longer than all else.
func compareRow[T number](k BinaryKind) rowFunc {
	return func(_ *Workspace, z []byte, in *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
		a, b := newLane(tensor.Slice[T](in[0]), step[0], n), newLane(tensor.Slice[T](in[1]), step[1], n)
		for lo := 0; lo < n; lo += laneSize {
			dst := z[lo:min(lo+laneSize, n)]
			x, y := a.at(lo, len(dst)), b.at(lo, len(dst))
			switch k {
			case Equal:
				for i := range dst {
					var yes byte
					if x[i] == y[i] {
						yes = 1
					}
					dst[i] = yes
				}
			case Less:
				for i := range dst {
					var yes byte
					if x[i] < y[i] {
						yes = 1
					}
					dst[i] = yes
				}
			default:
				for i := range dst {
					var yes byte
					if x[i] <= y[i] {
						yes = 1
					}
					dst[i] = yes
				}
			}
		}
	}
}

// logicRow is a function of Booleans. All bytes but 0 are true.
func logicRow(k BinaryKind) rowFunc {
	return func(_ *Workspace, z []byte, in *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
		dst, x, y, xs, ys := z[:n], in[0], in[1], step[0], step[1]
		switch k {
		case And:
			for i := range dst {
				dst[i] = truth(x[i*xs] != 0 && y[i*ys] != 0)
			}
		case Or:
			for i := range dst {
				dst[i] = truth(x[i*xs]|y[i*ys] != 0)
			}
		default:
			for i := range dst {
				dst[i] = truth(((x[i*xs] != 0) != (y[i*ys] != 0)) == (k == Xor))
			}
		}
	}
}

// truth is a Boolean as an element.
func truth(b bool) byte {
	if b {
		return 1
	}
	return 0
}
