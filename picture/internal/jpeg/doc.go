// Package jpeg decodes the common kinds of JPEG pictures (ITU-T T.81:
// baseline and extended sequential, Huffman codes, 8 bits, gray or YCbCr)
// several times as fast as image/jpeg does, at full size or at a half, a
// quarter or an eighth of it.
//
// For uncommon and malformed pictures it returns ErrOdd; package image/jpeg
// then has the picture, or the error. When a picture is decoded at full
// size, every sample is within 1 of image/jpeg's.
package jpeg
