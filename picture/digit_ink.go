package picture

import "image"

const (
	// Ink is what differs from the ground by more than inkShare of the
	// strongest ink; if that finds only dust, by lowerShare of that, and so on,
	// but never by less than floorNoise standard deviations of the noise, nor
	// than floorInk steps of 0…255.
	inkShare   = 0.35
	lowerShare = 0.6
	floorNoise = 5
	floorInk   = 6

	// Shares of the mass of a digit's largest piece: another of more than
	// strokeMass is a stroke that may be farther away, one of no more than
	// speckMass is no part of the digit.
	strokeMass = 0.15
	speckMass  = 0.015

	// Ink is stretched between the quantile fullQuantile of it, which becomes
	// 1, and lowNoise standard deviations of the noise or lowShare of full, the
	// lesser, which becomes 0. The box is that of what exceeds edgeShare of
	// full.
	fullQuantile = 0.9
	lowNoise     = 2.5
	lowShare     = 0.25
	edgeShare    = 0.15
)

// A part is a connected piece of ink.
type part struct {
	box  image.Rectangle
	area int     // pixels
	mass float64 // sum of the ink in it
	keep bool    // it belongs to the digit
}

// parts finds the connected pieces of a picture. Label 0 is ground; piece i
// has label i+1.
type parts struct {
	list   []part
	labels []int32
	stack  []int32
}

// segment decides which ink is the digit, removes all other from f.ink,
// stretches what is left to 0…1 and returns its box. It reports false if
// there is no digit.
func (f *digitFinder) segment(noise float32) (image.Rectangle, bool) {
	floor := max(floorNoise*noise, floorInk)
	var hist [512]int
	for _, v := range f.smooth[:f.w*f.h] {
		hist[min(511, max(0, int(v)))]++
	}
	peak := float32(robustMax(hist[:], f.w*f.h))

	// Dust may be darker than ink: if all that the threshold finds is tiny,
	// it is lowered.
	tiny := max(2, min(f.w, f.h)/40)
	var main int
	for threshold := inkShare * peak; ; threshold *= lowerShare {
		last := threshold <= floor
		threshold = max(threshold, floor)
		if peak < threshold {
			return image.Rectangle{}, false
		}
		main = f.parts.find(f.smooth, f.w, f.h, threshold)
		if main >= 0 {
			b := f.parts.list[main].box
			if max(b.Dx(), b.Dy()) > tiny && f.parts.list[main].area > 2 {
				break
			}
		}
		if last {
			return image.Rectangle{}, false
		}
	}
	f.parts.choose(main)
	return f.stretch(noise)
}

// find labels the pieces in which x exceeds a threshold, with diagonal
// neighbours connected, and returns the index of the one with the most mass;
// −1 if there is none.
func (p *parts) find(x []float32, w, h int, threshold float32) int {
	p.list = p.list[:0]
	p.labels = grow(p.labels, w*h)
	clear(p.labels)
	for i, v := range x[:w*h] {
		if v > threshold && p.labels[i] == 0 {
			p.list = append(p.list, p.flood(x, w, h, int32(i), threshold))
		}
	}
	best := -1
	for i := range p.list {
		if best < 0 || p.list[i].mass > p.list[best].mass {
			best = i
		}
	}
	return best
}

// flood labels the piece that pixel i belongs to.
func (p *parts) flood(x []float32, w, h int, i int32, threshold float32) part {
	label := int32(len(p.list) + 1)
	q := part{box: image.Rectangle{Min: image.Pt(w, h)}}
	p.labels[i] = label
	p.stack = append(p.stack[:0], i)
	for len(p.stack) > 0 {
		i := int(p.stack[len(p.stack)-1])
		p.stack = p.stack[:len(p.stack)-1]
		cx, cy := i%w, i/w
		q.area++
		q.mass += float64(x[i])
		q.box.Min.X, q.box.Max.X = min(q.box.Min.X, cx), max(q.box.Max.X, cx+1)
		q.box.Min.Y, q.box.Max.Y = min(q.box.Min.Y, cy), max(q.box.Max.Y, cy+1)
		for ny := max(cy-1, 0); ny <= min(cy+1, h-1); ny++ {
			for nx := max(cx-1, 0); nx <= min(cx+1, w-1); nx++ {
				if j := ny*w + nx; p.labels[j] == 0 && x[j] > threshold {
					p.labels[j] = label
					p.stack = append(p.stack, int32(j))
				}
			}
		}
	}
	return q
}

// choose marks the pieces that belong to the digit whose largest piece is
// main: the bar of a 5 or of a 4 may not touch the rest of it. They are near
// it, and not too small: specks are left out.
func (p *parts) choose(main int) {
	m := &p.list[main]
	m.keep = true
	long := max(m.box.Dx(), m.box.Dy())
	for i := range p.list {
		q := &p.list[i]
		if q.keep {
			continue
		}
		near := long / 5
		if q.mass > strokeMass*m.mass {
			near = long / 3
		}
		q.keep = q.mass > speckMass*m.mass && gap(q.box, m.box) <= near
	}
}

// gap is the distance between two boxes: 0 if they meet.
func gap(a, b image.Rectangle) int {
	x := max(a.Min.X-b.Max.X, b.Min.X-a.Max.X, 0)
	y := max(a.Min.Y-b.Max.Y, b.Min.Y-a.Max.Y, 0)
	return max(x, y)
}

// stretch brings the ink of the kept pieces to 0…1, their soft edges
// included, clears everything else and returns the box around it.
func (f *digitFinder) stretch(noise float32) (image.Rectangle, bool) {
	p := &f.parts
	var hist [1024]int
	count := 0
	var area image.Rectangle
	for _, q := range p.list {
		if q.keep {
			area = area.Union(q.box)
		}
	}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			i := y*f.w + x
			if l := p.labels[i]; l > 0 && p.list[l-1].keep {
				hist[min(1023, max(0, int(f.ink[i])))]++
				count++
			}
		}
	}
	full := float32(quantile(hist[:], count, fullQuantile)) + 1
	low := min(lowNoise*noise, lowShare*full)
	edge := max(edgeShare*full, low)

	// Edges reach a little farther than the threshold: one pixel, or more
	// where the strokes are wide and soft.
	reach := 1 + max(area.Dx(), area.Dy())/64
	outer := area.Inset(-reach - 1).Intersect(image.Rect(0, 0, f.w, f.h))
	p.widen(f.w, reach, outer)

	box := image.Rectangle{}
	for y := outer.Min.Y; y < outer.Max.Y; y++ {
		for x := outer.Min.X; x < outer.Max.X; x++ {
			i := y*f.w + x
			v := f.ink[i]
			if l := p.labels[i]; l == 0 || !p.list[l-1].keep || v < low {
				f.ink[i] = 0
				continue
			}
			if v >= edge {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
			f.ink[i] = min(1, (v-low)/(full-low))
		}
	}
	// outer is a pixel wider than what was kept: a filter that reaches over the
	// box's edge finds zeros.
	return box, !box.Empty()
}

// widen gives ground pixels that are at most reach steps away from a kept
// piece that piece's label.
func (p *parts) widen(w, reach int, area image.Rectangle) {
	edge := p.stack[:0] // what was reached in the last step
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x, l := range p.labels[y*w+area.Min.X : y*w+area.Max.X] {
			if l > 0 && p.list[l-1].keep {
				edge = append(edge, int32(y*w+area.Min.X+x))
			}
		}
	}
	from := 0
	for range reach {
		to := len(edge)
		for _, i := range edge[from:to] {
			l, cx, cy := p.labels[i], int(i)%w, int(i)/w
			for ny := max(cy-1, area.Min.Y); ny <= min(cy+1, area.Max.Y-1); ny++ {
				for nx := max(cx-1, area.Min.X); nx <= min(cx+1, area.Max.X-1); nx++ {
					if j := ny*w + nx; p.labels[j] == 0 {
						p.labels[j] = l
						edge = append(edge, int32(j))
					}
				}
			}
		}
		from = to
	}
	p.stack = edge
}
