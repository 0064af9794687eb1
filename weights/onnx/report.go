package onnx

// A Report says what freezing did.
type Report struct {
	Producer string // the program that wrote the model
	Opset    int

	Operators  int   // nodes of the model
	Parameters int   // its weights and biases
	MACs       int64 // multiply-adds of the net for one item, or one run if not batched

	// Passes are the freeze passes in the order in which they ran.
	Passes []Pass

	// Transposes is the number of steps that move data because a layout
	// requires it.
	Transposes int

	// Quantised says what became of the model if it was quantised.
	Quantised *QuantisationReport

	// Unbatched says why a model was frozen for one item at a time although at
	// least one of its inputs leaves the batch open. It is empty otherwise.
	Unbatched string
}

// A Pass names one of the passes, and says how many nodes it removed.
type Pass struct {
	Name    string
	Removed int
}

// add counts a pass, which may run more than once.
func (r *Report) add(name string, removed int) {
	for i := range r.Passes {
		if r.Passes[i].Name == name {
			r.Passes[i].Removed += removed
			return
		}
	}
	r.Passes = append(r.Passes, Pass{name, removed})
}
