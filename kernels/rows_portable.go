package kernels

import "github.com/infer-go/infer/asm"

func weighPortable(p *asm.WeighArgs) {
	y := at(p.Y, 0, p.N)
	clear(y)
	rows, weights := at(p.Row, 0, p.K), at(p.W, 0, p.K)
	for k, w := range weights {
		for i, v := range at(p.X, rows[k], p.N) {
			y[i] += float32(w * float32(v))
		}
	}
}

func resamplePortable(p *asm.ResampleArgs) {
	offsets := at(p.At, 0, p.N)
	for i := range at(p.Y, 0, p.N) {
		var sum float32
		x := at(p.X, offsets[i], p.K)
		for k, w := range at(p.W, 4*i*p.K, p.K) {
			sum += float32(w * x[k])
		}
		at(p.Y, 4*i, 1)[0] = sum
	}
}

func planesPortable(p *asm.ColourArgs) {
	x := at(p.X, 0, 4*p.N)
	r, g, b := at(p.R, 0, p.N), at(p.G, 0, p.N), at(p.B, 0, p.N)
	for i := range r {
		c := x[4*i : 4*i+4 : 4*i+4]
		white := 255 - c[3]
		r[i], g[i], b[i] = c[0]+white, c[1]+white, c[2]+white
	}
}

// The coefficients of JFIF's colours in steps of 2⁻¹².
const (
	redOfCr   = 5743
	greenOfCb = 1410
	greenOfCr = 2925
	blueOfCb  = 7258
)

func ycbcrPortable(columns int) func(*asm.ColourArgs) {
	return func(p *asm.ColourArgs) {
		half := func(c int32, v byte) int32 { return (c*(int32(v)-128) + 128) >> 8 }
		limit := func(v int32) byte { return byte(min(max((v+8)>>4, 0), 255)) }
		y := at(p.X, 0, p.N)
		cb, cr := at(p.Cb, 0, (p.N+columns-1)/columns), at(p.Cr, 0, (p.N+columns-1)/columns)
		r, g, b := at(p.R, 0, p.N), at(p.G, 0, p.N), at(p.B, 0, p.N)
		for i, l := range y {
			l := 16 * int32(l)
			u, v := cb[i/columns], cr[i/columns]
			r[i] = limit(l + half(redOfCr, v))
			g[i] = limit(l - half(greenOfCb, u) - half(greenOfCr, v))
			b[i] = limit(l + half(blueOfCb, u))
		}
	}
}
