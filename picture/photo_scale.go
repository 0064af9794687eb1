package picture

import (
	"image"

	"github.com/infer-go/infer/kernels"
)

// keptRows is how many rows of a photo are kept at most: those that an output row
// is made of, which the next one needs again. Where it is made of more, they are
// read in parts, and twice.
const keptRows = 128

// fewSamples is of how many an output is made at most, in either direction, where
// it matters how chroma lies between pixels: of so many where a picture is made
// four times smaller. In one that was reduced it is soft already.
const fewSamples = 9

// A photoScaler scales a picture in both directions: first down, where whole rows
// are added to one another, then across, where little is left.
type photoScaler struct {
	rows         *kernels.Rows
	across, down scale

	planes   planeReader
	colours  int // planes that differ: 1 or 3
	from     int // the first column that is needed
	width    int // columns that are
	stride   int // of a row in kept: width, rounded up
	kept     []byte
	held     []int // the row that is in each slot of kept
	offsets  []int // of the rows that an output is made of
	line     [3][]float32
	part     []float32
	taps     int // samples of a line that an output is made of
	at       []int
	weights  []float32 // taps for each output
	out      [3][]float32
	lumaLine []float32
}

// begin begins a picture, which is whole or was reduced, for which the weights of
// both axes are set.
func (s *photoScaler) begin(img image.Image, whole bool) {
	if s.rows == nil {
		s.rows = defaultTier().Rows()
	}
	from, to := s.across.span()
	s.from = s.planes.open(img, s.rows, from, to, whole && max(s.across.longest(), s.down.longest()) <= fewSamples)
	s.colours = s.planes.colours
	s.width = to - s.from
	s.stride = (s.width + 31) &^ 31

	slots := min(s.down.longest(), keptRows)
	s.kept = grow(s.kept, 3*slots*s.stride)
	s.held = grow(s.held, slots)
	for i := range s.held {
		s.held[i] = -1
	}
	s.offsets = grow(s.offsets, slots)

	n := len(s.across.first)
	s.taps = (s.across.longest() + 7) &^ 7
	s.weights = grow(s.weights, n*s.taps)
	clear(s.weights)
	s.at = grow(s.at, n)
	for i, first := range s.across.first {
		s.at[i] = 4 * (first - s.from)
		copy(s.weights[i*s.taps:], s.across.weights[s.across.start[i]:s.across.start[i+1]])
	}
	for c := range s.colours {
		s.line[c] = grow(s.line[c], s.stride+s.taps)
		clear(s.line[c][s.stride:]) // has weight 0
		s.out[c] = grow(s.out[c], n)
	}
	s.lumaLine = grow(s.lumaLine, n)
}

// end lets go of the picture.
func (s *photoScaler) end() { s.planes.close() }

// row is row i of the scaled picture: its red, green and blue, 0…255. It is valid
// until the next call.
func (s *photoScaler) row(i int) (colours [3][]float32) {
	first := s.down.first[i]
	weights := s.down.weights[s.down.start[i]:s.down.start[i+1]]
	slots := len(s.held)
	for begin := 0; begin < len(weights); begin += slots {
		part := weights[begin:min(begin+slots, len(weights))]
		for k := range part {
			y := first + begin + k
			slot := y % slots
			s.offsets[k] = 3 * slot * s.stride
			if s.held[slot] != y {
				s.held[slot] = y
				row := s.kept[s.offsets[k]:]
				s.planes.read(row[:s.width], row[s.stride:][:s.width], row[2*s.stride:][:s.width], y)
			}
		}
		for c := range s.colours {
			line := s.line[c][:s.stride]
			if begin == 0 {
				s.rows.Weigh(line, s.kept[c*s.stride:], s.offsets[:len(part)], part)
				continue
			}
			s.part = grow(s.part, s.stride)
			s.rows.Weigh(s.part, s.kept[c*s.stride:], s.offsets[:len(part)], part)
			for x, v := range s.part {
				line[x] += v
			}
		}
	}
	for c := range s.colours {
		s.rows.Resample(s.out[c], s.line[c], s.at, s.weights, s.taps)
		colours[c] = s.out[c]
	}
	for c := s.colours; c < 3; c++ {
		colours[c] = s.out[0]
	}
	return colours
}

// luma is the brightness of a row's pixels, by BT.601.
func (s *photoScaler) luma(colours [3][]float32) []float32 {
	if s.colours == 1 {
		return colours[0]
	}
	green, blue := colours[1], colours[2]
	for i, r := range colours[0] {
		s.lumaLine[i] = 0.299*r + 0.587*green[i] + 0.114*blue[i]
	}
	return s.lumaLine
}

// defaultTier is the tier of kernels that pictures are prepared by. Whoever opens
// a model is told if another one is asked for that there is not.
func defaultTier() *kernels.Tier {
	tier, err := kernels.Default()
	if err != nil {
		return kernels.Tiers()[0]
	}
	return tier
}
