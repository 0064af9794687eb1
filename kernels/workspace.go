package kernels

// A Workspace is the memory in which Ops compute: one for each goroutine that
// runs them.
type Workspace struct {
	// Scratch holds at least Op.Scratch float32, of any content.
	Scratch []float32
}
