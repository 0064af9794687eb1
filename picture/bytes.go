package picture

import (
	"image"

	"github.com/infer-go/infer/picture/internal/jpeg"
	"github.com/infer-go/infer/weights"
)

// leastStep is how many pixels of a reduced picture one of the input is made of
// at least, in either direction. A picture that is reduced so far that the scaler
// has less to do is softer than the whole one, scaled. At 1.4, the input differs
// from that of torchvision's transform by less than 0.02 of its range at the 99.9th
// percentile.
const leastStep = 1.4

// keptPlanes is how many bytes of a decoded picture's memory are kept for the
// next one.
const keptPlanes = 64 << 20

// DecodeFor is Decode for a picture that Prepare will prepare by p: a JPEG
// picture is decoded no larger than the input needs. Photos are decoded at the
// smallest of 1/1, 1/2, 1/4 and 1/8 that leaves at least 1.4 times the size
// that they have in the input; pictures of a digit at the smallest that leaves
// as many pixels as the search for the digit uses.
//
// The result has the bounds of the whole picture and repeats each of its
// pixels. Prepare takes this into account.
func DecodeFor(data []byte, p *weights.Preparation) (image.Image, error) {
	v, err := decodeFor(data, p, nil)
	if err != nil {
		return nil, err
	}
	return v.image(), nil
}

func decodeFor(data []byte, p *weights.Preparation, planes *[]byte) (view, error) {
	return decode(data, MaxDecoded, planes, func(size image.Point) int { return shiftFor(size, p) })
}

// PrepareBytes is DecodeFor followed by Prepare, with memory that is reused.
// The Placement is on the whole upright picture, whose bounds begin at 0, 0.
//
// Errors are those of Decode and of Prepare.
func PrepareBytes(dst []float32, data []byte, p *weights.Preparation, layout Layout) (Placement, error) {
	if err := check(dst, p, layout); err != nil {
		return Placement{}, err
	}
	w := preparers.Get().(*preparer)
	defer preparers.Put(w)
	v, err := decodeFor(data, p, &w.planes)
	if err != nil {
		return Placement{}, err
	}
	if cap(w.planes) > keptPlanes {
		w.planes = nil
	}
	return w.prepare(dst, v, p, layout)
}

// shiftFor is the greatest shift by which a picture may be reduced.
func shiftFor(size image.Point, p *weights.Preparation) (shift int) {
	if p.Kind == weights.NoPicture {
		return 0
	}
	enough := func(reduction int) bool { return size.X*size.Y/(reduction*reduction) >= manyPixels }
	if p.Kind == weights.Photo {
		at := place(size, p)
		step := min((at.X1-at.X0)/float64(at.Input.Dx()), (at.Y1-at.Y0)/float64(at.Input.Dy()))
		enough = func(reduction int) bool { return step/float64(reduction) >= leastStep }
	}
	for shift < jpeg.MaxShift && enough(2<<shift) {
		shift++
	}
	return shift
}
