package arm64

import "github.com/infer-go/infer/gen/spec"

// loadBytePiece loads a piece of bytes from from, which stays. Lanes past its end
// hold whatever comes.
func (b *builder) loadBytePiece(p piece, from gp, to vec) {
	switch p {
	case 2:
		b.emit("VLD1", mem(from, 0), to.lane("H", 0))
	case 1:
		b.emit("VLD1", mem(from, 0), to.lane("B", 0))
	default:
		b.emit(moves(int(p))[0].load, mem(from, 0), to)
	}
}

// storeBytePiece stores a piece of bytes to to, which stays.
func (b *builder) storeBytePiece(p piece, from vec, to gp) {
	switch p {
	case 2:
		b.emit("VST1", from.lane("H", 0), mem(to, 0))
	case 1:
		b.emit("VST1", from.lane("B", 0), mem(to, 0))
	default:
		b.emit(moves(int(p))[0].store, from, mem(to, 0))
	}
}

// A finish makes results of values and stores them.
type finish struct {
	*builder
	limits
	zero vec // Zero, where results are bytes
}

func (b *builder) newFinish() finish {
	f := finish{builder: b, limits: b.loadLimits()}
	if b.kernel.Result == spec.U8 {
		f.zero = b.broadcast("Zero")
	}
	return f
}

// store makes a piece of results of values, in four vectors, and stores them; to
// moves on.
func (f finish) store(p piece, values []vec, to gp) {
	if f.kernel.Result != spec.U8 {
		f.clamp(f.limits, values)
		f.storePiece(p, values, to)
		return
	}
	f.bytes(values)
	f.storeBytePiece(p, values[0], to)
	f.ADD(imm(int(p)), to, to)
}

// bytes makes bytes of values, in four vectors, and leaves them in the first.
func (f finish) bytes(values []vec) {
	f.clamp(f.limits, values)
	for _, v := range values {
		f.FCVTNS(v, v)
		f.VADD(f.zero, v, v)
	}
	f.narrow(values)
}

// A residual is what elements of D are multiplied with.
type residual struct {
	*builder
	dZero, dScale vec
}

func (b *builder) newResidual() residual {
	return residual{b, b.broadcast("DZero"), b.broadcast("DScale")}
}

// add adds elements, widened to 32 bits, to values. It destroys the elements.
func (r residual) add(elements, values vec) {
	r.VSUB(r.dZero, elements, elements)
	r.SCVTF(elements, elements)
	r.FMUL(r.dScale, elements, elements)
	r.FADD(elements, values, values)
}
