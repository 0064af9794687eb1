// Package inference contains the messages, the client and the handler of the
// Open Inference Protocol over gRPC, generated from inference.proto. They
// register the protocol's own names with package protobuf, so that a program
// cannot also contain another package generated for the same protocol.
package inference
