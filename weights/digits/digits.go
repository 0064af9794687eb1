// Package digits contains a net that reads handwritten and printed digits. It
// consists of two convolutions of 3×3 with 32 channels, each followed by a
// max-pool, and two fully connected layers: 211,690 parameters in half
// precision.
//
// It classifies 99.63 % of MNIST's test pictures correctly. It was trained by
// the programs in train/ on MNIST, on digits drawn by a simulated pen and on
// printed ones, shifted, rotated, scaled, thickened and thinned. digits.onnx is
// the model that training exported, and digits.frz is what this command makes
// of it, byte for byte:
//
//	go run ../../cmd/infer convert digits.onnx digits.frz --weights half --digits \
//	    --note "Trained on MNIST (CC BY-SA 3.0), drawn and printed digits by weights/digits/train; Apache-2.0; 99.63 % of MNIST's test pictures"
//
// An infer that was built as a release writes its version into the file
// instead of "devel". seed.onnx and seed.frz are the smaller net that the
// project began with: one convolution and two fully connected layers.
package digits

import _ "embed"

// Data is the frozen net, for engine.Parse. It must not be written to.
//
//go:embed digits.frz
var Data []byte
