package arm64

import "fmt"

// A plane is how a tier multiplies the windows of a map of one channel.
type plane struct {
	start string // the field that sums start at

	// load loads a window's elements, four of each of four rows, and moves the rows
	// on by step.
	load func(rows []gp, step gp)

	// add adds to the sums of two pixels, of row y of the window, the products of
	// their row r of taps.
	add func(y, r int, sums [2][]vec)
}

// newPlane emits the convolution of a map of one channel by 3×3 taps, pooled. All
// weights stay in registers: tier loads those of 4·vectors columns. The pixels of a
// window's row are computed together.
func newPlane(b *builder, tier func(panel gp, vectors int) plane) {
	b.doc("the convolution of a plane of bytes by 3×3 taps, pooled by 2×2")
	n := b.load("N")
	half, end := b.label("half"), b.label("end")
	b.CMP(8, n)
	b.BLE(half)
	b.scope(func() { b.lines(n, 4, tier) })
	b.B(end)
	b.comment("No more than 8 columns need half of the work.")
	b.place(half)
	b.scope(func() { b.lines(n, 2, tier) })
	b.place(end)
}

// lines emits all lines of windows by 4·vectors columns.
func (b *builder) lines(n gp, vectors int, tier func(panel gp, vectors int) plane) {
	p := tier(b.load("B"), vectors)
	bias, scale := b.load(p.start), b.load("Scale")
	x, y, xr, ys := b.load("X"), b.load("Y"), b.load("XRow"), b.load("YStride")
	step := b.r.take("from window to window")
	b.MOVD(imm(2), step)
	var f finish
	const finishing = 3 // its registers
	kept := len(b.v.free) >= 4+2*vectors+finishing
	if kept {
		f = b.newFinish()
	}
	b.loop("line", b.load("Lines"), func() {
		rows := b.rows(x, xr, 4, "rows of the window")
		out := b.copy(y, "the window of Y")
		b.loop("window", b.load("Windows"), func() {
			p.load(rows, step)
			most := b.v.takeAll(4, "sums, then values") // of which the first are used
			b.scope(func() {
				left, right := b.v.takeAll(vectors, "sums"), b.v.takeAll(vectors, "sums")
				for y, sums := range [][2][]vec{{most[:vectors], left}, {left, right}} {
					for _, s := range sums {
						b.peek(piece(4*vectors), bias, s)
					}
					for r := range 3 {
						p.add(y, r, sums)
					}
					for i := range vectors {
						b.SMAX(sums[1][i], sums[0][i], sums[0][i])
						if y == 1 {
							b.SMAX(left[i], most[i], most[i])
						}
					}
				}
			})
			factors := b.v.takeAll(vectors, "multipliers")
			b.peek(piece(4*vectors), scale, factors)
			for i, f := range factors {
				b.SCVTF(most[i], most[i])
				b.FMUL(f, most[i], most[i])
			}
			if !kept {
				f = b.newFinish()
			}
			f.bytes(most)
			b.storeBytes(n, most[0], out)
			b.ADD(ys, out, out)
		})
		b.ADD(shifted(xr, 1), x, x)
		b.scope(func() { b.ADD(b.load("YLine"), y, y) })
	})
}

// planeWords multiplies words: two rows of a window's elements are a vector, of
// which the multiply-adds take a lane each.
func planeWords(b *builder) {
	newPlane(b, func(panel gp, vectors int) plane {
		elements := b.v.takeAll(2, "two rows of elements")
		weights := make([][]vec, 9) // of each tap
		for i := range weights {
			weights[i] = b.v.takeAll(vectors/2, fmt.Sprintf("weights of tap %d", i))
		}
		b.scope(func() {
			bytes := b.v.takeAll(4, "weights of a row of taps")
			for r := range 3 {
				b.VLD4(panel, bytes)
				for k := range 3 {
					w := weights[3*r+k]
					b.SXTL(bytes[k], w[0])
					if vectors == 4 {
						b.SXTL2(bytes[k], w[1])
					}
				}
			}
		})
		return plane{
			start: "Bias",
			load: func(rows []gp, step gp) {
				for r, row := range rows {
					b.emit("VLD1.P", by(row, step), elements[r/2].lane("S", r%2))
				}
				for _, e := range elements {
					b.VUXTL("B8", e, "H8", e)
				}
			},
			add: func(y, r int, sums [2][]vec) {
				for k := range 3 {
					for x, pixel := range sums {
						for v, s := range pixel {
							b.SMLAL(v%2, elements[(y+r)/2], 4*((y+r)%2)+x+k, weights[3*r+k][v/2], s)
						}
					}
				}
			},
		}
	})
}

// planeDot multiplies with dot products of a row of taps, a row of elements being a
// lane of one vector. Right pixels take the last three of four, moved by a byte.
func planeDot(b *builder) {
	newPlane(b, func(panel gp, vectors int) plane {
		least := b.byteConstant(128, "16 times −128")
		elements := []vec{b.v.take("elements of left pixels"), b.v.take("elements of right pixels")}
		weights := make([][]vec, 3) // of each row of taps
		for r := range weights {
			weights[r] = b.v.takeAll(vectors, "weights of a row of taps")
			b.peek(piece(4*vectors), panel, weights[r])
			b.ADD(imm(64), panel, panel)
		}
		return plane{
			start: "SignedBias",
			load: func(rows []gp, step gp) {
				for r, row := range rows {
					b.emit("VLD1.P", by(row, step), elements[0].lane("S", r))
				}
				b.VEOR(least, elements[0], elements[0])
				b.USHR(8, elements[0], elements[1])
			},
			add: func(y, r int, sums [2][]vec) {
				for x, pixel := range sums {
					for v, s := range pixel {
						b.SDOTElement(elements[x], y+r, weights[r][v], s)
					}
				}
			},
		}
	})
}
