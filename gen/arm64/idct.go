package arm64

import (
	"fmt"
	"slices"
)

// An inverse is the emission of an inverse DCT: of one block of 8×8 samples at a
// time, or of two of 4×4.
type inverse struct {
	*builder
	multipliers []vec // eight to a register
	values      []int16
	half        vec // 2¹⁷, by which samples are rounded
}

// idct emits the inverse DCT. One direction combines vectors, and so eight
// columns at once; they are transposed, and the other direction is the same
// again.
func idct(b *builder) {
	side := map[string]int{"8": 8, "4": 4}[b.kernel.Variant]
	b.doc("the inverse DCT of blocks of " + map[int]string{8: "8×8", 4: "4×4"}[side] + " samples")
	t := &inverse{builder: b, values: []int16{1 << 13, -1 << 13, 10703, 4433, -10703}}
	if side == 8 {
		t.values = append(t.values, 4433-15137, 9633-16069, 9633, 9633-3196, 2446-7373, -7373, 12299-7373, -20995, 25172-20995, 16819-20995)
	}
	t.multipliers = b.v.takeAll((len(t.values)+7)/8, "multipliers")
	b.scope(func() {
		r := b.r.take("constants")
		for i := 0; i < len(t.values); i += 4 {
			var four uint64
			for k, v := range t.values[i:min(i+4, len(t.values))] {
				four |= uint64(uint16(v)) << (16 * k)
			}
			b.MOVD(text(fmt.Sprintf("$%#x", four)), r)
			b.emit("VMOV", r, t.multipliers[i/8].lane("D", i%8/4))
		}
	})
	t.half = b.constantBits(1<<17, "half a step of samples")
	sign := b.constantBits(0x80808080, "the sign bits of bytes")
	sums, peak, zero := b.v.take("the largest sums between the directions"), b.v.take("the largest samples"), b.v.take("zero")
	for _, v := range []vec{sums, peak, zero} {
		b.VEOR(v, v, v)
	}
	in, out, to, n, stride := b.load("X"), b.load("Y"), b.load("At"), b.load("N"), b.load("YStride")
	// Blocks are in the left halves of a group's rows, then in the right ones.
	step, group := b.r.take("to the next blocks"), b.r.take("bytes of a group")
	b.MOVD(imm(16), step)
	b.MOVD(imm(32*side), group)
	p := b.r.take("a row of samples")
	top, done := b.label("block"), b.label("done")

	b.place(top)
	b.scope(func() {
		rows := b.v.takeAll(side, "rows of words")
		for i, v := range rows {
			b.FMOVQ(mem(in, 32*i), v)
		}
		for i := range rows {
			b.emit("FMOVQ", zero, mem(in, 32*i))
		}
		direction, transpose := t.direction8, t.transpose8
		if side == 4 {
			direction, transpose = t.direction4, t.transpose4
		}
		rows = direction(rows, 0)
		t.watch(rows, sums)
		rows = transpose(rows)
		rows = direction(rows, 1)
		t.watch(rows, peak)
		for _, v := range rows {
			b.SQXTN8(v, v)
			b.VEOR(sign, v, v)
		}
		for block := range 8 / side {
			b.loadNext(8, to, p)
			b.ADD(out, p, p)
			for _, v := range rows {
				if side == 8 {
					b.emit("FMOVD", v, mem(p, 0))
				} else {
					b.emit("VST1", v.lane("S", block), mem(p, 0))
				}
				b.ADD(stride, p, p)
			}
			b.SUBS(1, n, n)
			b.BEQ(done)
		}
	})
	b.ADD(step, in, in)
	b.SUB(step, group, step)
	b.B(top)

	b.place(done)
	found, before := b.r.take("the largest magnitude"), b.r.take("Peak")
	within, lower := b.label("within"), b.label("lower")
	b.SMAXV8(peak, peak)
	b.emit("VMOV", peak.lane("H", 0), found)
	b.SMAXV8(sums, sums)
	b.emit("VMOV", sums.lane("H", 0), before)
	b.CMP(1<<14-1, before)
	b.BLE(within)
	b.MOVD(imm(1<<15-1), found)
	b.place(within)
	b.reload("Peak", p)
	b.MOVD(mem(p, 0), before)
	b.emit("CMP", before, found)
	b.BLE(lower)
	b.emit("MOVD", found, mem(p, 0))
	b.place(lower)
}

// constantBits sets all words of 32 bits of a new register.
func (b *builder) constantBits(bits uint32, use string) vec {
	v := b.v.take(use)
	b.scope(func() {
		r := b.r.take("constants")
		b.MOVD(text(fmt.Sprintf("$%#x", bits)), r)
		b.VDUP(r, v)
	})
	return v
}

// A sums is eight int32, in two registers.
type sums [2]vec

func (t *inverse) take(use string) sums { return sums(t.v.takeAll(2, use)) }

// weigh makes a sum of products of words, or adds to one.
func (t *inverse) weigh(s sums, add bool, x vec, by int16) {
	i := slices.Index(t.values, by)
	for half, v := range s {
		if m := t.multipliers[i/8]; add {
			t.SMLAL(half, m, i%8, x, v)
		} else {
			t.SMULL(half, m, i%8, x, v)
		}
	}
}

// both makes x·a + y·b.
func (t *inverse) both(x vec, a int16, y vec, b int16, use string) sums {
	s := t.take(use)
	t.weigh(s, false, x, a)
	t.weigh(s, true, y, b)
	return s
}

// even makes the sum and the difference of what two pairs of even frequencies
// give.
func (t *inverse) even(x vec, a int16, y vec, b int16, z vec, c int16, w vec, d int16, direction int) (sum, difference sums) {
	sum = t.take("even frequencies")
	first, second := t.both(x, a, y, b, "even frequencies"), t.both(z, c, w, d, "even frequencies")
	for i := range sum {
		if direction == 1 {
			t.VADD(t.half, first[i], first[i])
		}
		t.VADD(first[i], second[i], sum[i])
		t.VSUB(second[i], first[i], first[i])
	}
	t.v.release(second[:]...)
	return sum, first
}

// results makes words of even + odd and of even − odd, and gives back their
// registers.
func (t *inverse) results(even, odd sums, direction int) (sum, difference vec) {
	s := t.take("a result's sums")
	for i := range s {
		t.VADD(odd[i], even[i], s[i])
		t.VSUB(odd[i], even[i], even[i])
	}
	t.v.release(odd[:]...)
	sum = t.narrow(s, direction)
	return sum, t.narrow(even, direction)
}

// narrow makes words of sums, and gives back their registers.
func (t *inverse) narrow(s sums, direction int) vec {
	w := t.v.take("rows of words")
	for half, v := range s {
		if direction == 0 {
			t.SQRSHRN(half, 11, v, w)
		} else {
			t.SHRN(half, 16, v, w)
		}
	}
	if direction == 1 {
		t.SSHR8(2, w, w)
	}
	t.v.release(s[:]...)
	return w
}

// direction8 is one direction of 8 samples. It gives back the registers of x.
func (t *inverse) direction8(x []vec, direction int) []vec {
	p, q := t.v.take("sums of odd frequencies"), t.v.take("sums of odd frequencies")
	t.VADD8(x[7], x[3], p)
	t.VADD8(x[5], x[1], q)
	const odd = "odd frequencies"
	o1, o2 := t.both(p, 9633-16069, q, 9633, odd), t.both(p, 9633, q, 9633-3196, odd)
	t.v.release(p, q)
	o3, o0 := t.take(odd), t.take(odd)
	for i := range o1 {
		t.VMOV(o1[i], o3[i])
		t.VMOV(o2[i], o0[i])
	}
	t.weigh(o3, true, x[7], 2446-7373)
	t.weigh(o3, true, x[1], -7373)
	t.weigh(o0, true, x[7], -7373)
	t.weigh(o0, true, x[1], 12299-7373)
	t.weigh(o1, true, x[5], -20995)
	t.weigh(o1, true, x[3], 25172-20995)
	t.weigh(o2, true, x[5], 16819-20995)
	t.weigh(o2, true, x[3], -20995)
	t.v.release(x[1], x[3], x[5], x[7])

	z := make([]vec, 8)
	e0, e3 := t.even(x[0], 1<<13, x[4], 1<<13, x[2], 10703, x[6], 4433, direction)
	z[0], z[7] = t.results(e0, o0, direction)
	z[3], z[4] = t.results(e3, o3, direction)
	e1, e2 := t.even(x[0], 1<<13, x[4], -1<<13, x[2], 4433, x[6], 4433-15137, direction)
	t.v.release(x[0], x[2], x[4], x[6])
	z[1], z[6] = t.results(e1, o1, direction)
	z[2], z[5] = t.results(e2, o2, direction)
	return z
}

// direction4 is one direction of 4 samples.
func (t *inverse) direction4(x []vec, direction int) []vec {
	z := make([]vec, 4)
	o0, o1 := t.both(x[1], 10703, x[3], 4433, "odd frequencies"), t.both(x[1], 4433, x[3], -10703, "odd frequencies")
	e0, e1 := t.both(x[0], 1<<13, x[2], 1<<13, "even frequencies"), t.both(x[0], 1<<13, x[2], -1<<13, "even frequencies")
	if direction == 1 {
		for i := range e0 {
			t.VADD(t.half, e0[i], e0[i])
			t.VADD(t.half, e1[i], e1[i])
		}
	}
	t.v.release(x...)
	z[0], z[3] = t.results(e0, o0, direction)
	z[1], z[2] = t.results(e1, o1, direction)
	return z
}

// watch raises most to the words' max(v, −1−v).
func (t *inverse) watch(words []vec, most vec) {
	t.scope(func() {
		high, low := t.v.take("the largest words"), t.v.take("the least words")
		t.SMAX8(words[1], words[0], high)
		t.SMIN8(words[1], words[0], low)
		for _, v := range words[2:] {
			t.SMAX8(v, high, high)
			t.SMIN8(v, low, low)
		}
		t.MVN(low, low)
		t.SMAX8(low, high, high)
		t.SMAX8(high, most, most)
	})
}

// transpose8 transposes a square of words. It gives back the registers of x.
func (t *inverse) transpose8(x []vec) []vec {
	y := t.v.takeAll(8, "a square, being transposed")
	for i := range 4 {
		t.ZIP1("H8", x[2*i+1], x[2*i], y[2*i])
		t.ZIP2("H8", x[2*i+1], x[2*i], y[2*i+1])
	}
	for half := 0; half < 8; half += 4 {
		for i := range 2 {
			t.ZIP1("S4", y[half+i+2], y[half+i], x[half+2*i])
			t.ZIP2("S4", y[half+i+2], y[half+i], x[half+2*i+1])
		}
	}
	for i := range 4 {
		t.ZIP1("D2", x[4+i], x[i], y[2*i])
		t.ZIP2("D2", x[4+i], x[i], y[2*i+1])
	}
	t.v.release(x...)
	return y
}

// transpose4 transposes the squares of words in either half of x.
func (t *inverse) transpose4(x []vec) []vec {
	y := t.v.takeAll(4, "squares, being transposed")
	for i := range 2 {
		t.TRN1("H8", x[2*i+1], x[2*i], y[2*i])
		t.TRN2("H8", x[2*i+1], x[2*i], y[2*i+1])
	}
	for i := range 2 {
		t.TRN1("S4", y[2+i], y[i], x[i])
		t.TRN2("S4", y[2+i], y[i], x[2+i])
	}
	t.v.release(y...)
	return x
}
