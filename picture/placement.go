package picture

import "image"

// A Placement says which part of a picture became which rectangle of an input.
// It converts positions from one to the other.
//
// Coordinates are continuous: pixel i extends from i to i+1, and its centre is
// i+½. Those of the picture are in the coordinate system of the image's Bounds,
// which need not begin at 0, 0. If Decode turned the picture upright, they are
// those of the upright picture.
type Placement struct {
	// X0, Y0, X1 and Y1 bound the part of the picture: what was cropped out of
	// a photo, all of a picture that was stretched or padded, or the box around
	// the ink of a digit. A digit is searched for in a picture that is reduced
	// by an integer factor, so that its box may extend beyond the picture's
	// right or lower edge by less than that.
	X0, Y0, X1, Y1 float64

	// Input is the rectangle of the input: all of it, or less if the picture
	// was padded, or is of a digit.
	Input image.Rectangle
}

// ToPicture converts a position in the input to one in the picture. Positions
// outside of p.Input are extrapolated.
func (p Placement) ToPicture(x, y float64) (float64, float64) {
	return p.X0 + (x-float64(p.Input.Min.X))*(p.X1-p.X0)/float64(p.Input.Dx()),
		p.Y0 + (y-float64(p.Input.Min.Y))*(p.Y1-p.Y0)/float64(p.Input.Dy())
}

// ToInput converts a position in the picture to one in the input.
func (p Placement) ToInput(x, y float64) (float64, float64) {
	return float64(p.Input.Min.X) + (x-p.X0)*float64(p.Input.Dx())/(p.X1-p.X0),
		float64(p.Input.Min.Y) + (y-p.Y0)*float64(p.Input.Dy())/(p.Y1-p.Y0)
}

// add moves the part of the picture.
func (p Placement) add(by image.Point) Placement {
	x, y := float64(by.X), float64(by.Y)
	return Placement{p.X0 + x, p.Y0 + y, p.X1 + x, p.Y1 + y, p.Input}
}

// times makes the picture n times as large.
func (p Placement) times(n int) Placement {
	k := float64(n)
	return Placement{k * p.X0, k * p.Y0, k * p.X1, k * p.Y1, p.Input}
}
