// Package digits is the net that reads handwritten and printed digits: two
// convolutions of 3×3 with 32 channels, each max-pooled, and two fully
// connected layers, 211,690 parameters in half precision.
//
// It answers 99.63 % of MNIST's test pictures. It was trained by the programs
// in train/ on MNIST, on digits drawn by a simulated pen and on printed ones,
// shifted, turned, scaled, thickened and thinned. digits.onnx is what training
// exported, digits.frz what this makes of it, to the byte:
//
//	go run ../../cmd/infer convert digits.onnx digits.frz --weights half --digits \
//	    --note "Trained on MNIST (CC BY-SA 3.0), drawn and printed digits by weights/digits/train; Apache-2.0; 99.63 % of MNIST's test pictures"
//
// An infer that was built as a release writes its version into the file instead
// of "devel". seed.onnx and seed.frz are the smaller net that the project
// began with, one convolution and two fully connected layers.
package digits

import _ "embed"

// Data is the frozen net, for engine.Parse. It must not be written to.
//
//go:embed digits.frz
var Data []byte
