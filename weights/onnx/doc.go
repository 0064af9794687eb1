// Package onnx freezes ONNX models: it reads a model as PyTorch, TensorFlow
// and the model zoos write it, decides everything that can be decided before
// the first picture arrives, and returns a weights.Net.
//
// Freezing has five stages, each in files of its own:
//
//   - decode reads the protocol buffer into small structs;
//   - link resolves names and orders the nodes;
//   - translate turns every node into operations of package kernels with
//     shapes, and computes what depends on constants alone;
//   - passes fold and fuse;
//   - lower assigns layouts and packs weights.
//
// Up to lowering, shapes and axes are the model's own, feature maps are
// [batch, channels, height, width]; lowering makes them channels-last.
//
// # Quantised models
//
// What QuantizeLinear makes is a value of quantised uint8, with the scale and the
// zero point that it was given; int8 is uint8 here, each element 128 more. Operators
// on quantised elements, QLinearConv and its like, are what they mean: the operator
// on the real numbers, between what dequantises and what quantises. Of either form
// a pass makes operations that compute in integers: convolutions, fully connected
// layers, what scales and shifts channels, means, sums and products of two values,
// and, as tables, functions of one element. What moves elements moves quantised ones.
// All else is computed of the real numbers.
//
// Weights have one scale or one for each output channel, and any zero point: those
// that int8 cannot hold without it are each the sum of two, which takes twice the
// multiply-adds. A bias is rounded to units of the scales' product.
//
// Sums that fall between two elements may be rounded to the other one than by
// another program. In a deep net that spreads, as any noise does: it stays as far
// from the original as other roundings of the same model do.
//
// DynamicQuantizeLinear, and what follows it, is computed for each item of a batch
// by itself: an item's scale does not depend on its neighbours. Its sums of products
// are float32, and exact up to 2²⁴.
//
// # Quantising
//
// Options.Quantise makes such a net of a float model. The passes run first; then the
// float net computes the items that it is calibrated with, and ranges of its values
// are collected. A plan says which nodes compute in integers, and what the elements
// of their operands and results are. It is carried out by nodes that quantise and
// dequantise, put behind values, and the same pass as above. What has been made is
// compared with the float net, item by item. Files quantise*.go hold this in the
// order of their names: the way of it, noise, the plan, and how it is carried out.
package onnx
