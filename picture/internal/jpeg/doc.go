// Package jpeg decodes the JPEG pictures that are common (ITU-T T.81: baseline
// and extended sequential, Huffman codes, 8 bits, gray or YCbCr) several times
// as fast as image/jpeg does, whole or at a half, a quarter or an eighth of
// their size.
//
// What is not common, and what is not as it should be, is ErrOdd: package
// image/jpeg has the answer to that, or the error. Of a picture that is decoded
// whole every sample is within 1 of image/jpeg's.
package jpeg
