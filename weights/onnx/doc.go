// Package onnx freezes ONNX models. It reads a model as PyTorch, TensorFlow
// and the model zoos write it, decides everything that can be decided before
// the first picture arrives, and returns a weights.Net.
//
// Freezing has five stages, each in its own files:
//
//   - decode reads the protocol buffer into small structs;
//   - link resolves names and orders the nodes;
//   - translate turns every node into operations of package kernels with
//     shapes, and computes what depends only on constants;
//   - passes fold and fuse;
//   - lower assigns layouts and packs weights.
//
// Before lowering, shapes and axes are the model's own, and feature maps are
// [batch, channels, height, width]. Lowering makes them channels-last.
//
// # Quantised models
//
// QuantizeLinear gives a value of quantised uint8, with the scale and zero
// point that the model specifies. An int8 value is represented as uint8,
// with 128 added to each element. An operator on quantised elements, such as
// QLinearConv, means the operator on the real numbers, with its operands
// dequantised before it and its result quantised after it. Models may
// contain either form. From both, a pass makes operations that compute in
// integers: convolutions, fully connected layers, scales and shifts of
// channels, means, sums and products of two values, and functions of one
// element, which become tables. Operators that move elements move the
// quantised ones. Everything else is computed with the real numbers.
//
// Weights have one scale, or one for each output channel, and any zero
// point. If weights do not fit into int8 once the zero point is subtracted,
// each is stored as the sum of two, which takes twice the multiply-adds. A
// bias is rounded to a multiple of the product of the scales.
//
// A sum that falls between two elements may be rounded to one of them here
// and to the other by another program. In a deep net this difference
// spreads, as any noise does: results stay as close to the original as those
// of other roundings of the same model. Convolutions of 3×3 for which Freeze
// chooses Winograd's algorithm in int16 round their transformed weights as
// well, and with them a few elements in a hundred to a neighbour.
// bench/quantised_reference.py counts both.
//
// DynamicQuantizeLinear, and what follows it, is computed for each item of a
// batch separately: the scale of an item does not depend on its neighbours.
// The sums of products that follow it are float32, and exact up to 2²⁴.
//
// # Quantising
//
// Options.Quantise makes such a net from a float model. The passes run
// first. Then the float net computes the calibration items, and the ranges
// of its values are collected. A plan says which nodes compute in integers,
// and what the elements of their operands and results are. To carry it out,
// nodes that quantise and dequantise are inserted after values, and the pass
// described above does the rest. The result is compared with the float net,
// item by item. The files quantise*.go contain this in the order of their
// names: the procedure, noise, the plan, and how it is carried out.
package onnx
