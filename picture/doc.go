// Package picture turns pictures into the inputs of nets, in the way that a
// model file asks for: photos are scaled, cut out and normalised; a digit is
// looked for, and brought to the form of MNIST's.
package picture
