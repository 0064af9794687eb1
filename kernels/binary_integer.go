package kernels

import (
	"math"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// rowFunc is what a Binary does to a row of elements for which there is no
// kernel of the binary family.
func (b *Binary) rowFunc(t *Tier, e tensor.Elem) rowFunc {
	switch e {
	case tensor.F32:
		if b.Kind == Fmod {
			return fmodRow
		}
		return laneRow(t.compareFloats(b.Kind))
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
		return laneRow(func(_ *Workspace, z []byte, x, y []T) { compareElements(k, z, x, y) })
	}
	return laneRow(func(w *Workspace, z, x, y []T) {
		x, y = x[:len(z)], y[:len(z)]
		switch k {
		case Add:
			for i := range z {
				z[i] = x[i] + y[i]
			}
		case Sub:
			for i := range z {
				z[i] = x[i] - y[i]
			}
		case Mul:
			for i := range z {
				z[i] = x[i] * y[i]
			}
		case Max:
			for i := range z {
				z[i] = max(x[i], y[i])
			}
		case Min:
			for i := range z {
				z[i] = min(x[i], y[i])
			}
		case BitAnd:
			for i := range z {
				z[i] = x[i] & y[i]
			}
		case BitOr:
			for i := range z {
				z[i] = x[i] | y[i]
			}
		case BitXor:
			for i := range z {
				z[i] = x[i] ^ y[i]
			}
		case ShiftLeft:
			for i := range z {
				z[i] = x[i] << uint64(y[i])
			}
		case ShiftRight:
			for i := range z {
				z[i] = x[i] >> uint64(y[i])
			}
		default:
			for i := range z {
				z[i] = divide(w, k, x[i], y[i])
			}
		}
	})
}

// laneRow is a function of rows that computes them by lanes, all of one length.
func laneRow[T, Z tensor.Number](compute func(w *Workspace, z []Z, x, y []T)) rowFunc {
	return func(w *Workspace, z []byte, in *[maxBroadcast][]byte, step *[maxBroadcast]int, n int) {
		dst := tensor.Slice[Z](z)
		x, y := newLane(tensor.Slice[T](in[0]), step[0], n), newLane(tensor.Slice[T](in[1]), step[1], n)
		size := laneOf(n, step[0], step[1])
		for lo := 0; lo < n; lo += size {
			count := min(size, n-lo)
			compute(w, dst[lo:][:count], x.at(lo, count), y.at(lo, count))
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

// compareElements is Equal, Less or LessOrEqual. It says what truth says: a call
// of that is not inlined here, and takes longer than all else.
func compareElements[T number](k BinaryKind, z []byte, x, y []T) {
	x, y = x[:len(z)], y[:len(z)]
	switch k {
	case Equal:
		for i := range z {
			var yes byte
			if x[i] == y[i] {
				yes = 1
			}
			z[i] = yes
		}
	case Less:
		for i := range z {
			var yes byte
			if x[i] < y[i] {
				yes = 1
			}
			z[i] = yes
		}
	default:
		for i := range z {
			var yes byte
			if x[i] <= y[i] {
				yes = 1
			}
			z[i] = yes
		}
	}
}

// compareKernel is the kernel of a comparison of float32.
func compareKernel(k BinaryKind) asm.Kernel {
	name := [...]string{Equal: "equal", Less: "less", LessOrEqual: "lessequal"}[k]
	return asm.Kernel{Op: "compare", Result: asm.U8, Variant: name}
}

// compareFloats compares float32.
func (t *Tier) compareFloats(k BinaryKind) func(w *Workspace, z []byte, x, y []float32) {
	kernel := find[asm.CompareArgs](t, compareKernel(k))
	return func(w *Workspace, z []byte, x, y []float32) {
		a := &w.compare
		a.X, a.Y, a.Z, a.N = &x[0], &y[0], &z[0], len(z)
		kernel(a)
	}
}

// logicRow is a function of Booleans. All bytes but 0 are true.
func logicRow(k BinaryKind) rowFunc {
	return laneRow(func(_ *Workspace, z, x, y []byte) {
		done := logicWords(k, words(z), words(x), words(y))
		z, x, y = z[done:], x[done:], y[done:]
		x, y = x[:len(z)], y[:len(z)]
		for i := range z {
			a, b := x[i] != 0, y[i] != 0
			switch k {
			case And:
				z[i] = truth(a && b)
			case Or:
				z[i] = truth(a || b)
			default:
				z[i] = truth((a != b) == (k == Xor))
			}
		}
	})
}

// logicWords is logicRow of eight Booleans at a time, if there are as many words
// of all three. It returns how many elements that are.
func logicWords(k BinaryKind, z, x, y []uint64) int {
	if len(x) != len(z) || len(y) != len(z) {
		return 0
	}
	switch k {
	case And:
		for i := range z {
			z[i] = truths(x[i]) & truths(y[i])
		}
	case Or:
		for i := range z {
			z[i] = truths(x[i] | y[i])
		}
	case Xor:
		for i := range z {
			z[i] = truths(x[i]) ^ truths(y[i])
		}
	default:
		for i := range z {
			z[i] = truths(x[i]) ^ truths(y[i]) ^ allTrue
		}
	}
	return 8 * len(z)
}

// words are the whole words of x, none if they do not lie as words should.
func words(x []byte) []uint64 {
	p := unsafe.Pointer(unsafe.SliceData(x))
	if uintptr(p)%8 != 0 {
		return nil
	}
	return unsafe.Slice((*uint64)(p), len(x)/8)
}

// allTrue is a word of bytes that are 1.
const allTrue = 0x0101010101010101

// truths makes each byte of a word 1 unless it is 0: the sum of its lower bits
// and 127 says by its upper bit whether one of them is set.
func truths(x uint64) uint64 {
	const low = 0x7f * allTrue
	return (x | (x&low + low)) >> 7 & allTrue
}

// negate makes 0 of 1, and 1 of 0.
func negate(z []byte) {
	whole := words(z)
	for i := range whole {
		whole[i] ^= allTrue
	}
	for i := 8 * len(whole); i < len(z); i++ {
		z[i] ^= 1
	}
}

// truth is a Boolean as an element.
func truth(b bool) byte {
	if b {
		return 1
	}
	return 0
}
