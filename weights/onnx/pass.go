package onnx

// A pass rewrites a graph and leaves what it computes as it is. It returns how
// many nodes are gone.
type pass struct {
	name string
	run  func(*graph) int
}

// passes are run in this order. Patterns come first, while the arithmetic that
// they are made of still stands alone; what is expanded for nothing hides none;
// residuals come before activations, which a convolution applies after it has
// added one; integers come once convolutions are whole, and what has no integer
// form is fused after them; what stays in rows has activations fused too; a pool
// and an activation may follow a convolution in either order.
var passes = []pass{
	{"recognise activations", recogniseActivations},
	{"fold expand", foldExpand},
	{"recognise normalisations", recogniseNormalisations},
	{"fold scale and shift", foldNormalise},
	{"fold scale of products", foldScales},
	{"fold blocks of pixels", foldFocus},
	{"fold padding", foldPadding},
	{"fold batch norm and bias", foldAffine},
	{"fuse residual add", fuseResiduals},
	{"compute integers", computeIntegers},
	{"fold padding", foldPadding},
	{"keep rows", keepRows},
	{"fuse activation", fuseActivations},
	{"fuse max-pool", fusePools},
	{"fuse activation", fuseActivations},
	{"remove dead", removeDead},
}
