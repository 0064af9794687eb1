package kernels

// layRuns decides whether taps outside of the map are left out, and cuts the
// windows into runs where they are. Dilated windows on a small map have most
// of their taps there: a 3×3 kernel of dilation 12 on 14×14 pixels, 82 %. But
// runs of few pixels make tiles of few rows, which take as long as larger ones.
func (d *direct) layRuns() {
	if d.Pool || d.Pad == [4]int{} {
		return
	}
	var runs [2][]run
	var rows, columns float64 // of taps, by how long they take
	for i, size := range [2]int{d.height, d.width} {
		runs[i] = d.Window.runs(i, size, d.out[i])
	}
	for _, r := range runs[0] {
		rows += float64(r.taps) * float64(r.to-r.from)
	}
	for _, r := range runs[1] {
		columns += float64(r.taps) * d.tileTime(r.to-r.from)
	}
	whole := float64(d.Kernel[0]) * float64(d.out[0]) * float64(d.Kernel[1]) * d.tileTime(d.out[1])
	if rows*columns < 0.75*whole {
		d.runs = runs
	}
}

// tileTime is about how many rows of full tiles take as long as those of so
// many pixels: a tile of few rows waits for its own sums.
func (d *direct) tileTime(pixels int) float64 {
	const least = 4
	tiles := ceilDiv(pixels, d.MR)
	return float64(max(pixels, tiles*min(least, d.MR)))
}

// sumRuns computes a panel of rows rows of the result, from row first on. Row
// top of the map begins a; s has what the panel's stretches share.
func (d *direct) sumRuns(w *Workspace, a, y []float32, s stretch, top, first, rows int) {
	start := s.at
	for i := range d.runs[0] {
		down := d.runs[0][i].cut(first, first+rows, d.Stride[0])
		for r := down.from; r < down.to; r++ {
			for j := range d.runs[1] {
				right := &d.runs[1][j]
				s.at = start + (r-first)*d.line() + right.from*d.pixel
				s.pixels = right.to - right.from
				if down.taps == 0 || right.taps == 0 {
					d.storeBias(y, s)
					continue
				}
				at := (down.first+(r-down.from)*d.Stride[0]-top)*d.pitchLine() + right.first*d.pitch
				d.sumTaps(w, a[at:], y, s, down.span, right.span)
			}
		}
	}
}

// sumTaps computes a stretch by the taps of a window that down and right leave.
// The weights of whole rows of taps follow one another; of others each row is
// added to what the ones before it have left in the result.
func (d *direct) sumTaps(w *Workspace, a, y []float32, s stretch, down, right span) {
	kw := d.Kernel[1]
	s.k = (down.skipped*kw + right.skipped) * d.segLen
	if right.taps == kw || down.taps == 1 {
		s.segs = down.taps * right.taps
		d.gemmRows(w, a, y, s)
		return
	}
	s.segs = right.taps
	lo, hi := s.lo, s.hi
	s.lo, s.hi = Act{}.limits()
	for i := range down.taps {
		if i == down.taps-1 {
			s.lo, s.hi = lo, hi
		}
		d.gemmRows(w, a[i*d.Dilation[0]*d.pitchLine():], y, s)
		s.k += kw * d.segLen
		s.add, s.bias = y, &noBias[0]
	}
}

// storeBias computes a stretch without taps.
func (d *direct) storeBias(y []float32, s stretch) {
	bias := s.panel.bias
	for p := range s.pixels {
		at := s.at + p*d.pixel
		for i := range s.n {
			v := bias[i]
			if s.add != nil {
				v += s.add[at+i]
			}
			y[at+i] = clamp(v, s.lo, s.hi)
		}
	}
}
