package picture

import "image"

// A view is a picture as it lies in its file, and what is to be made of it.
type view struct {
	img         image.Image
	orientation int         // Exif's
	shift       int         // its sides are the whole picture's, divided by 2^shift and rounded up
	size        image.Point // of the whole picture, upright
}

// viewOf is the view of a picture, which may be that of a file.
func viewOf(img image.Image) view {
	if t, ok := img.(*turned); ok {
		return t.view
	}
	return view{img: img, size: img.Bounds().Size()}
}

// mirrored says whether rows of the file go from right to left, or upwards where
// they are columns, and whether its columns go the other way.
func (v view) mirrored() (rows, columns bool) {
	switch v.orientation {
	case 2, 3, 7, 8:
		rows = true
	}
	switch v.orientation {
	case 3, 4, 6, 7:
		columns = true
	}
	return rows, columns
}

// upright is the size of the picture upright, if that is its size in the file.
func (v view) upright(width, height int) image.Point {
	if v.orientation >= 5 {
		return image.Pt(height, width)
	}
	return image.Pt(width, height)
}
