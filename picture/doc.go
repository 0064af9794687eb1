// Package picture turns the bytes of a picture into an upright image, an image
// into the input of a net, and places in the input back into places on the
// picture.
//
//	img, err := picture.Decode(data)  // an image.Image, upright
//	p := &model.Meta().Preparation    // what the file of an engine.Model asks for
//	placed, err := picture.Prepare(dst, img, p, picture.Planar)
//	placed, err = picture.PrepareBytes(dst, data, p, picture.Planar) // both, in less time
//	x, y := placed.ToPicture(90, 120) // from a place in the input
//
// Whoever only wants classes need not prepare: that is part of Classify, of
// package engine.
//
// # Formats
//
// Decode reads the formats that the program has registered with package image,
// and this package registers none, so that a service links no decoder that it
// does not ask for:
//
//	import (
//		_ "image/jpeg"
//		_ "image/png"
//
//		_ "golang.org/x/image/webp"
//	)
//
// If image/jpeg is registered, sequential JPEG pictures of 8 bits, gray or YCbCr,
// are decoded by this package nevertheless, several times as fast: each sample is
// within 1 of image/jpeg's. Progressive pictures, those in CMYK or RGB, and all that
// are damaged, are image/jpeg's.
//
// Exif's orientation is read from JPEG, PNG and WebP files, and TIFF's own tag,
// which means the same.
//
// # Preparing
//
// Photos are scaled, cut out or padded, and normalised. Where they shrink, the
// linear filter is widened so that every pixel counts, as Pillow has it, and
// torchvision with antialiasing; a crop is torchvision's Resize and CenterCrop.
// Pictures lie on white where they are transparent.
//
// A digit is looked for wherever on the picture it is, in either polarity, in
// any colour or in transparency, and brought to the form of MNIST's: its ink is
// fitted into 20×20 and laid into 28×28 by the centre of its mass.
//
// The same picture gives the same bits, in either Layout, on the same tier of
// kernels: that which INFER_KERNELS names, or the fastest. Another one adds in
// another order, and differs in the last bits.
//
// # Limits
//
// Prepare takes pictures with up to 2¹⁶ pixels a side and 2²⁸ in all, time for
// every pixel, and memory for some rows, for digits for a reduced copy; that
// memory is kept for the next picture. Decode refuses more than [MaxDecoded]
// pixels by what the header claims. It does not bound the time that decoders
// take, which grows with the length of the data as well: bound that, too.
package picture
