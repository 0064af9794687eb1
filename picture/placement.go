package picture

import "image"

// A Placement says which part of a picture went to which rectangle of an
// input, and so leads from a place in the one to the same place in the other.
//
// Coordinates are of type float64 and continuous: pixel i reaches from i to
// i+1, and its middle is i+½. Those of the picture are the coordinates that
// the image has which Prepare was given, its Bounds anywhere. If Decode turned
// it upright, they are those of the upright picture, not of the file's.
type Placement struct {
	// X0, Y0, X1 and Y1 bound the part of the picture: what is cut out of a
	// photo, all of one that is stretched or padded, the box around the ink of
	// a digit. A digit is looked for on a picture that is reduced by a whole
	// factor, so that its box may reach past the picture's right or lower edge
	// by less than that.
	X0, Y0, X1, Y1 float64

	// Input is the rectangle of the input: all of it, or less if the picture
	// was padded, or is of a digit.
	Input image.Rectangle
}

// ToPicture leads from the input to the picture. What lies outside of p.Input
// comes to lie where the picture, or the part of it, would go on.
func (p Placement) ToPicture(x, y float64) (float64, float64) {
	return p.X0 + (x-float64(p.Input.Min.X))*(p.X1-p.X0)/float64(p.Input.Dx()),
		p.Y0 + (y-float64(p.Input.Min.Y))*(p.Y1-p.Y0)/float64(p.Input.Dy())
}

// ToInput leads from the picture to the input, the other way.
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
