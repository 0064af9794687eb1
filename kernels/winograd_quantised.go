package kernels

// frequencies of F(4×4, 3×3), and the scratch of its transforms in integers.
const (
	frequencies = 36
	patchTemp   = frequencies * 64
	tileTemp    = 4 * 6 * 64
)
