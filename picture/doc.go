// Package picture turns the bytes of a picture into an upright image and an
// image into the input of a net, and maps positions in the input back to the
// picture.
//
//	img, err := picture.Decode(data)  // an image.Image, upright
//	p := &model.Meta().Preparation    // what the file of an engine.Model asks for
//	placed, err := picture.Prepare(dst, img, p, picture.Planar)
//	placed, err = picture.PrepareBytes(dst, data, p, picture.Planar) // both, in less time
//	x, y := placed.ToPicture(90, 120) // from a position in the input
//
// If you only need classes, you need not prepare pictures yourself: Classify
// of package engine does it.
//
// # Formats
//
// Decode reads the formats that the program has registered with package image.
// This package registers none, so that a service links only the decoders that
// it asks for:
//
//	import (
//		_ "image/jpeg"
//		_ "image/png"
//
//		_ "golang.org/x/image/webp"
//	)
//
// If image/jpeg is registered, this package nevertheless decodes sequential
// JPEG pictures of 8 bits, gray or YCbCr, itself, several times as fast;
// each sample is within 1 of image/jpeg's. Progressive pictures, those in
// CMYK or RGB, and all damaged ones are left to image/jpeg.
//
// The orientation is read from the Exif data of JPEG, PNG and WebP files,
// and from TIFF's own tag, which has the same meaning.
//
// # Preparing
//
// Photos are scaled, cropped or padded, and normalised. When a photo is
// reduced, the linear filter is widened so that every pixel counts, as in
// Pillow, and in torchvision with antialiasing. A crop is that of
// torchvision's Resize and CenterCrop. Transparent parts of pictures are
// shown on white.
//
// A digit is located anywhere in the picture, in either polarity, in any colour
// or transparency, and converted to the form of MNIST's: its ink is scaled to
// fit into 20×20 pixels and placed in 28×28 by its centre of mass.
//
// The same picture gives the same bits, in either Layout, on the same tier: the
// one that INFER_KERNELS names, or the fastest. Other tiers add in another
// order, and their results differ in the last bits.
//
// # Limits
//
// Prepare accepts pictures with up to 2¹⁶ pixels on a side and 2²⁸ in total. It
// takes time for every pixel, and memory for some rows or, for digits, for a
// reduced copy of the picture. This memory is kept for the next picture. Decode
// rejects pictures that have more than MaxDecoded pixels according to their
// header. It does not limit the time that decoders take, which also grows with
// the length of the data: limit that length, too.
package picture
