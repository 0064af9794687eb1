package kernels

import "github.com/infer-go/infer/asm"

// The constants of the fast algorithm in units of 2⁻¹³: sums of √2·cos(k·π/16),
// named by what they are.
const (
	dct0_298631336 = 2446
	dct0_390180644 = 3196
	dct0_541196100 = 4433
	dct0_765366865 = 6270
	dct0_899976223 = 7373
	dct1_175875602 = 9633
	dct1_306562965 = 10703
	dct1_501321110 = 12299
	dct1_847759065 = 15137
	dct1_961570560 = 16069
	dct2_053119869 = 16819
	dct2_562915447 = 20995
	dct3_072711026 = 25172
)

// idct8 is one direction of the inverse DCT of 8 samples, with 2¹³ times the
// scale.
func idct8(x *[8]int32) {
	// Even frequencies.
	z := (x[2] + x[6]) * dct0_541196100
	a, b := (x[0]+x[4])<<13, (x[0]-x[4])<<13
	c, d := z+x[2]*dct0_765366865, z-x[6]*dct1_847759065
	e0, e1, e2, e3 := a+c, b+d, b-d, a-c

	// Odd ones.
	p, q := x[7]+x[3], x[5]+x[1]
	r := (p + q) * dct1_175875602
	p, q = r-p*dct1_961570560, r-q*dct0_390180644
	s, t := (x[7]+x[1])*dct0_899976223, (x[5]+x[3])*dct2_562915447
	o3 := x[7]*dct0_298631336 - s + p
	o2 := x[5]*dct2_053119869 - t + q
	o1 := x[3]*dct3_072711026 - t + p
	o0 := x[1]*dct1_501321110 - s + q

	*x = [8]int32{e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0}
}

// idct4 is the same of 4 samples.
func idct4(x *[8]int32) {
	e0, e1 := (x[0]+x[2])<<13, (x[0]-x[2])<<13
	o0 := x[1]*dct1_306562965 + x[3]*dct0_541196100
	o1 := x[1]*dct0_541196100 - x[3]*dct1_306562965
	*x = [8]int32{e0 + o0, e1 + o1, e1 - o1, e0 - o0}
}

func idctPortable(side int, transform func(*[8]int32)) func(*asm.IDCTArgs) {
	return func(d *asm.IDCTArgs) {
		var t [8][8]int32 // by frequency down
		var z [8]int32
		per := 16 / side
		for i, to := range at(d.At, 0, d.N) {
			group := at(d.X, 2*16*side*(i/per), 16*side)
			x := group[i%per*side:]
			for v := range side {
				for u := range side {
					z[u] = int32(x[16*u+v])
				}
				transform(&z)
				for x := range side {
					t[v][x] = (z[x] + 1<<10) >> 11
					if magnitude(t[v][x]) > 1<<14-1 {
						*d.Peak = 1<<15 - 1
					}
				}
			}
			for x := range side {
				for v := range side {
					z[v] = t[v][x]
				}
				transform(&z)
				for y := range side {
					s := (z[y] + 1<<17) >> 18
					*d.Peak = max(*d.Peak, int(magnitude(s)))
					at(d.Y, to+y*d.YStride+x, 1)[0] = byte(min(max(s+128, 0), 255))
				}
			}
			if i%per == per-1 || i == d.N-1 {
				clear(group)
			}
		}
	}
}

// magnitude is the absolute value, less 1 if it is negative.
func magnitude(x int32) int32 { return max(x, -1-x) }
