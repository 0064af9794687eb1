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
package onnx
