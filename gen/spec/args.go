// Package asm holds the generated micro-kernels, their stubs and the blocks of
// arguments that they take. Package kernels calls them; nothing else should.
//
// Strides and offsets are in bytes; lengths and numbers of rows, columns,
// channels and so on are counts. In a formula, X[i] is element i of a row whose
// beginning the comment gives. A panel is K rows of 16 columns. No kernel reads
// or writes a byte that its arguments do not cover.
//
// Minimum and maximum take their operands in the order that preserves NaN: Lo
// and Hi clamp only numbers.
package spec

// GemmArgs is the block of the gemm family: Tiles tiles of MR consecutive
// rows, times one panel.
//
//	C[i,j] = min(max(Bias[j] + Σₖ A[i,k]·B[k,j] + D[i,j], Lo), Hi)   0 ≤ i < MR·Tiles, 0 ≤ j < N
//
// A row of A is Segs segments of SegLen elements: element k of row i is element
// k mod SegLen of the segment that begins at A + i·AStride + Seg[k/SegLen]. One
// segment is a plain matrix product; a convolution has one segment for each row
// of its window, so that the im2col matrix is never stored. Each element is one
// chain of fused multiply-adds in the order of k, whatever MR is.
type GemmArgs struct {
	A       *float32
	Seg     *int
	B       *float32
	Bias    *float32 // 16 elements
	C       *float32
	D       *float32 // residual, or nil
	Ahead   int      // from B to what is prefetched, the next panel
	AStride int
	CStride int
	DStride int
	Segs    int
	SegLen  int
	Tiles   int
	N       int // columns to store, 1…16
	Lo, Hi  float32
}

// ConvPoolArgs is the block of the convpool family: a convolution's output
// row pair, max-pooled by 2×2 windows before it is stored.
//
//	C[w,j] = min(max(max over the window's 4 pixels p of (Bias[j] + Σₖ A[p,k]·B[k,j]), Lo), Hi)   0 ≤ w < Windows
//
// Pixel (y, x) of window w starts at A + y·ARow + (2w+x)·AStride; its segments
// are as in GemmArgs. C's stride is CStride.
type ConvPoolArgs struct {
	A       *float32
	Seg     *int
	B       *float32
	Bias    *float32
	C       *float32
	AStride int
	ARow    int
	CStride int
	Segs    int
	SegLen  int
	Windows int
	N       int
	Lo, Hi  float32
}

// ProductArgs is the block of the product family, the middle of Winograd's
// algorithm: Freqs independent products of one tile of MR rows by one panel,
// without bias.
//
//	C[f,i,j] = Σₖ A[f,i,k]·B[f,k,j]   0 ≤ i < MR, 0 ≤ j < 16
//
// For each row of B, a line is prefetched: the first at B + Ahead, each of the
// others AheadStep after the one before.
type ProductArgs struct {
	A         *float32
	B         *float32
	C         *float32
	AFreq     int // from one f to the next
	AStride   int // from one i to the next
	BFreq     int
	CFreq     int
	CStride   int
	Ahead     int
	AheadStep int
	K         int
	Freqs     int
}

// WinogradArgs is the block of Winograd's transforms, for Tiles tiles in a
// row and Blocks blocks of 8 channels.
//
// The input transforms read patches of T×T pixels (T is 4 for F(2×2), 6 for
// F(4×4)): pixel (y, x) of tile t at X + t·XTile + y·XRow + x·XPixel, and write
// frequency f = T·u+v of tile t at Y + f·YFreq + t·YTile.
//
// The output transforms read frequencies at X + f·XFreq + t·XTile, add Bias,
// clamp to Lo … Hi and write pixel (y, x) at Y + t·YTile + y·YRow + x·YPixel.
// If D is not nil it is a residual laid out as Y is, with strides DTile, DRow
// and DPixel. The pooling transforms store the maximum of each 2×2 window
// instead; they take no residual.
//
// Temp is scratch of 36·8 elements.
type WinogradArgs struct {
	X      *float32
	Y      *float32
	Bias   *float32
	D      *float32
	Temp   *float32
	XTile  int
	XRow   int
	XPixel int
	XFreq  int
	YTile  int
	YRow   int
	YPixel int
	YFreq  int
	DTile  int
	DRow   int
	DPixel int
	Tiles  int
	Blocks int
	Lo, Hi float32
}

// QuantisedPatchArgs is the block of the input transform of Winograd's
// F(4×4, 3×3) in integers, for Tiles tiles in a row and Blocks blocks of 16
// channels.
//
//	V = Bᵀ (X − Zero) B     for each tile and channel, exactly
//
// Pixel (y, x) of tile t's patch of 6×6 is at X + t·XTile + y·XRow + x·XPixel;
// V[u,v], frequency 6·u+v, is written at Y + (6·u+v)·YFreq + t·YTile. B is the
// matrix of WinogradArgs' in4: the absolute values in a row of Bᵀ add up to at
// most 10, so |V| ≤ 10²·255, which fits an int16.
//
// Temp is scratch of 36·64 bytes.
type QuantisedPatchArgs struct {
	X      *uint8
	Y      *int16
	Temp   *byte
	XTile  int
	XRow   int
	XPixel int
	YTile  int
	YFreq  int
	Tiles  int
	Blocks int
	Zero   int32 // 0…255
}

// QuantisedProductArgs is the block of the product family of int16, the middle of
// Winograd's algorithm in integers: Freqs independent products of one tile of MR
// rows by one panel.
//
//	C[f,i,j] = Σₖ A[f,i,k]·B[f,k,j]   modulo 2³², 0 ≤ i < MR, 0 ≤ j < 16, 0 ≤ k < 2·Pairs
//
// Rows of B are interleaved in pairs: B[f,k,j] is element 32·(k/2) + 2·j + k mod 2
// of those that begin at B + f·BFreq. No sum of a pair is of two products
// (−2¹⁵)·(−2¹⁵).
type QuantisedProductArgs struct {
	A       *int16
	B       *int16
	C       *int32
	AFreq   int // from one f to the next
	AStride int // from one i to the next
	Ahead   int // from B to what is prefetched
	BFreq   int
	CFreq   int
	CStride int
	Pairs   int
	Freqs   int
}

// QuantisedTileArgs is the block of the output transforms of Winograd's
// F(4×4, 3×3) in integers, for Tiles tiles in a row and 16 channels.
//
//	M[u,v] = float32(X[u,v])·Factor[u,v]
//	V[y,x] = (Aᵀ M A)[y,x] + Bias + float32(D[y,x] − DZero)·DScale
//
// Frequency 6·u+v of tile t, X[u,v], is at X + (6·u+v)·XFreq + t·XTile, pixel (y,
// x) of its 4×4 results at Y + t·YTile + y·YRow + x·YPixel. Factor has 16 float32
// for each frequency, Bias has 16. If D is not nil it is a residual laid out as Y
// is, with strides DTile, DRow and DPixel. V is stored as QuantisedGemmArgs says.
// The pooling transforms store the maximum of each 2×2 window of Aᵀ M A instead,
// plus Bias; they take no residual.
//
// Aᵀ is applied to the columns of M, then to the rows of the result. From six
// numbers m it makes, with s = m1+m2, d = m1−m2, p = m3+m4, q = m3−m4,
//
//	(m0+s)+p, d+2·q, s+4·p, (d+m5)+8·q
//
// Each of these operations is rounded separately. All factors are powers of
// two, so a fused multiply-add gives the same bits.
//
// Temp is scratch of 24·64 bytes.
type QuantisedTileArgs struct {
	X      *int32
	Y      *uint8 // or float32, depending on the kernel
	Factor *float32
	Bias   *float32
	D      *uint8 // residual, or nil
	Temp   *byte
	XTile  int
	XFreq  int
	YTile  int
	YRow   int
	YPixel int
	DTile  int
	DRow   int
	DPixel int
	Tiles  int
	Zero   int32
	DZero  int32
	DScale float32
	Lo, Hi float32
}

// LargestArgs is the block of the kernel that finds the largest magnitude of N
// elements, NaN counting as larger than infinity.
//
//	Y[0] = max |X[i]|   0 ≤ i < N
type LargestArgs struct {
	X *float32
	Y *float32
	N int
}

// FullyArgs is the block of the fully connected family: one row times Groups
// groups of Width consecutive panels, for Width 1 or 4.
//
//	C[16·p+j] = min(max(Bias[p,j] + Σₖ A[k]·B[p,k,j], Lo), Hi)   0 ≤ p < Width·Groups
//
// Panel p's rows start BStride after those of p−1, and its bias BiasStride after
// that of p−1. Each element is one chain of fused multiply-adds in the order of
// k, as in the gemm family.
//
// In the variant strided a panel's rows start BRow after one another, as those of
// a matrix do that is not packed; in the others they follow one another. That of
// two rows has Width 2: its second row is AStride after the first, its result
// CStride, and what takes the place of its biases BiasRow.
type FullyArgs struct {
	A          *float32
	B          *byte // float32 or float16, depending on the kernel
	Bias       *float32
	C          *float32
	AStride    int
	BRow       int
	BStride    int
	BiasRow    int
	BiasStride int
	CStride    int
	K          int
	Groups     int
	Lo, Hi     float32
}

// Im2colArgs is the block of the im2col kernel: it gathers the segments of Rows
// rows, as GemmArgs describes them, into rows CStride apart.
type Im2colArgs struct {
	A       *float32
	Seg     *int
	C       *float32
	AStride int
	CStride int
	Segs    int
	SegLen  int
	Rows    int
}

// ActivateArgs is the block of the kernels that compute a function of each
// element, for 0 ≤ i < N. X and Y may be the same.
//
//	clamp            Y[i] = min(max(X[i], Lo), Hi)
//	abs, neg, sqrt   Y[i] = |X[i]|, −X[i], √X[i]
//	sign             Y[i] = −1, 0 or 1
//	floor, ceil      Y[i] = ⌊X[i]⌋, ⌈X[i]⌉
//	round            Y[i] = the whole number nearest to X[i], ties to even
//	leakyrelu        Y[i] = X[i] < 0 ? Lo·X[i] : X[i]
//	hardswish        Y[i] = X[i]·min(max(X[i]/6 + 1/2, 0), 1)
//	hardsigmoid      Y[i] = min(max(Lo·X[i] + Hi, 0), 1)
//	thresholdedrelu  Y[i] = X[i] > Lo ? X[i] : 0
//	shrink           Y[i] = X[i] < −Lo ? X[i] + Hi : X[i] > Lo ? X[i] − Hi : 0
//	exp, log, erf    Y[i] = exp(X[i]), log(X[i]), erf(X[i])
//	sin, cos         Y[i] = sin(X[i]), cos(X[i]), for |X[i]| ≤ 8192 only
//	sigmoid          Y[i] = 1 / (1 + exp(−X[i]))
//	silu             Y[i] = X[i] / (1 + exp(−X[i]))
//	tanh             Y[i] = tanh(X[i])
//	elu              Y[i] = X[i] < 0 ? Lo·(exp(X[i]) − 1) : Hi·X[i]
//	celu             Y[i] = X[i] < 0 ? Lo·(exp(X[i]/Lo) − 1) : X[i], for Lo > 0
//	softplus         Y[i] = log(1 + exp(X[i]))
//	softsign         Y[i] = X[i] / (1 + |X[i]|)
//	mish             Y[i] = X[i]·tanh(log(1 + exp(X[i])))
//	gelu             Y[i] = X[i]/2·(1 + erf(X[i]/√2))
//	gelutanh         Y[i] = X[i]/2·(1 + tanh(√(2/π)·(X[i] + 0.044715·X[i]³)))
//
// NaN stays NaN. From exp on, errors are within 2 units in the last place or 64
// times the least denormal; for mish within 4 units; and for gelu and gelutanh,
// in which a sum can cancel, within 2⁻²³·(|X[i]| + |Y[i]|). In hardswish and
// hardsigmoid, products are rounded before they are added to.
type ActivateArgs struct {
	X      *float32
	Y      *float32
	N      int
	Lo, Hi float32
}

// BinaryArgs is the block of the kernels that compute a function of two
// elements, for 0 ≤ r < Rows and 0 ≤ i < N. XStep and YStep are the size of an
// element, or 0 for an operand that is constant along a row; not both are 0. Z
// may be X or Y. Rows are computed in their order, so that a row of X can be one
// of Z that was written before.
//
//	Z[r,i] = min(max(f(X[r,i], Y[r,i]), Lo), Hi)
//
// X[r,i] is at X + r·XRow + i·XStep; Z[r,i] is element i of the row that begins
// at Z + r·ZRow. Maximum and minimum are NaN if an operand is; prelu is X < 0 ?
// X·Y : X; pow is X to the power of Y as IEEE 754 defines it, within 3 units in
// the last place or 64 times the least denormal.
type BinaryArgs struct {
	X      *float32
	Y      *float32
	Z      *float32
	XRow   int
	YRow   int
	ZRow   int
	XStep  int
	YStep  int
	Rows   int
	N      int
	Lo, Hi float32
}

// CompareArgs is the block of the kernels that compare two elements, for 0 ≤ i <
// N. What they say is 1 if it is true and else 0; it is false if an element is
// NaN.
//
//	equal      Z[i] = X[i] = Y[i]
//	less       Z[i] = X[i] < Y[i]
//	lessequal  Z[i] = X[i] ≤ Y[i]
type CompareArgs struct {
	X *float32
	Y *float32
	Z *uint8
	N int
}

// SelectArgs is the block of the kernel that takes N four-byte elements from X or
// from Y, as they are. Z may be X or Y.
//
//	Z[i] = C[i] ≠ 0 ? X[i] : Y[i]   0 ≤ i < N
type SelectArgs struct {
	C *uint8
	X *float32
	Y *float32
	Z *float32
	N int
}

// InterleaveArgs is the block of the kernel that makes N pixels of three
// channels from three planes: Y[3·i+c] is element i of the plane that begins at
// X + c·XPlane, 0 ≤ i < N, 0 ≤ c < 3.
type InterleaveArgs struct {
	X      *float32
	Y      *float32
	XPlane int
	N      int
}

// TransposeArgs is the block of the kernel that transposes a matrix of four-byte
// elements: Y[j,i] = X[i,j], 0 ≤ i < Rows, 0 ≤ j < Cols. X[i] is at X + i·XRow,
// Y[j] at Y + j·YRow.
type TransposeArgs struct {
	X    *float32
	Y    *float32
	XRow int
	YRow int
	Rows int
	Cols int
}

// TapsArgs is the block of the kernels that slide a window over a map channel
// by channel: tap (r, k) of pixel p is at X + p·XStride + r·XRow + k·XCol, for
// 0 ≤ r < Rows and 0 ≤ k < Cols, and pixel p's C channels are written to Y +
// p·YStride. A tap's weights are at W + r·WRow + k·WCol.
//
//	maxpool    Y[p,c] = min(max(max over taps of X[p,tap,c], Lo), Hi)
//	avgpool    Y[p,c] = (Σ over taps of X[p,tap,c]) / Count
//	depthwise  Y[p,c] = min(max(Bias[c] + Σ over taps of X[p,tap,c]·W[tap,c], Lo), Hi)
//	grouped    Y[p,c] = min(max(Bias[c] + Σ over taps and i of X[p,tap,g·⌊c/g⌋+i]·W[tap,i,c], Lo), Hi)
//
// In grouped 0 ≤ i < g, the variant says what g is, C is a multiple of it, and
// W[tap,i] is i·WIn after W[tap,0].
//
// Sums are taken in the order of the taps, row by row: those of depthwise and
// grouped are one chain of fused multiply-adds, in grouped by i within a tap, with
// all taps of four i before those of the next four; those of avgpool are in float64
// and rounded once, at the end.
//
// The variant narrow of avgpool, of up to three columns, adds in float32, so that
// neighbouring pixels can share the sums of their columns: a sum begins at 0, each
// column of taps is added up from 0 on, and these are added in their order. Count
// is rounded to float32.
type TapsArgs struct {
	X       *float32
	W       *float32
	Bias    *float32 // C elements
	Y       *float32
	XRow    int
	XCol    int
	XStride int
	WRow    int
	WCol    int
	WIn     int
	YStride int
	Rows    int
	Cols    int
	C       int
	Pixels  int
	Lo, Hi  float32
	Count   float64
}

// BlendArgs is the block of the kernel that makes each of Pixels pixels of C
// channels a weighted sum of other pixels, as Samples says; At is their offset
// from X.
//
//	Y[p,c] = Σ over t < Samples[p].Taps of Samples[p].Weight[t]·X[At[t] + c]   0 ≤ p < Pixels, 0 ≤ c < C
//
// Pixel p is written to Y + p·YStride. A sum is one chain of fused
// multiply-adds in the order of the taps, beginning at −0, so that a single tap
// of weight 1 is a copy.
type BlendArgs struct {
	X       *float32
	Y       *float32
	Samples *Sample
	YStride int
	Pixels  int
	C       int
}

// A Sample says of what a pixel is the weighted sum.
type Sample struct {
	Taps   int // 0 … 4
	At     [4]int
	Weight [4]float32
}

// WidenArgs is the block of the kernel that converts N float16 to float32.
type WidenArgs struct {
	X *uint16
	Y *float32
	N int
}

// WidenBytesArgs is the block of the kernel that converts N uint8 to int16.
type WidenBytesArgs struct {
	X *uint8
	Y *int16
	N int
}

// ReduceArgs is the block of the kernels that fold Rows rows of N elements by
// an operation ⊕. They fold a function f of the elements, in float64:
//
//	sum         x, added
//	squares     (x − c)², added; only this kind reads C
//	magnitudes  |x|, added
//	product     x, multiplied
//	max, min    x, keeping the largest or the least; NaN is kept
//
// reducerows folds each row; reducecolumns folds each column into what Y holds:
//
//	reducerows     Y[r] = ⊕ over i of f(X[r,i]) with c = C[r]          0 ≤ r < Rows
//	reducecolumns  Y[i] = Y[i] ⊕ (⊕ over r of f(X[r,i])) with c = C[i]  0 ≤ i < N
//
// The order in which a row is folded depends only on N; a column is folded in
// the order of the rows. A sum's error is at most 2⁻⁵³·n·Σ|f| for n elements.
// For reducecolumns Y and C hold as many elements as N rounded up to 16.
type ReduceArgs struct {
	X    *float32
	C    *float64
	Y    *float64
	XRow int
	Rows int
	N    int
}

// NormaliseArgs is the block of the kernels that shift and scale Rows rows of N
// elements. Mean and Rest are two parts of one number, so that its difference
// from X has float32 accuracy. Y may be X.
//
//	normaliserows     Y[r,i] = (X[r,i] − Mean[r] − Rest[r])·Factor[r]·Scale[i] + Shift[i]
//	normalisecolumns  Y[r,i] = (X[r,i] − Mean[i] − Rest[i])·Factor[i] + Shift[i]
//
// Scale[i] and Shift[i] are ParamStep after one another: the size of an element,
// or 0 if one number is for the whole row, which is then stored 16 times. For
// normalisecolumns Mean, Rest, Factor and Shift hold as many elements as N
// rounded up to 16.
type NormaliseArgs struct {
	X         *float32
	Y         *float32
	Mean      *float32
	Rest      *float32
	Factor    *float32
	Scale     *float32
	Shift     *float32
	XRow      int
	YRow      int
	ParamStep int
	Rows      int
	N         int
}

// SoftmaxArgs is the block of the kernel that normalises Rows rows of N elements
// to probabilities, with m the largest element of the row. Y may be X.
//
//	Y[r,i] = exp(X[r,i] − m) / Σⱼ exp(X[r,j] − m)
//
// Exponentials below e⁻⁸⁷ may be 0. The sum is in float64, except that pairs of
// exponentials may first be added in float32. If a row contains NaN, or its largest element
// is infinite, all of it is NaN, except that −Inf may be 0 beside +Inf.
type SoftmaxArgs struct {
	X    *float32
	Y    *float32
	XRow int
	YRow int
	Rows int
	N    int
}

// QuantisedGemmArgs is the block of the gemm family of uint8 rows and int8
// panels: Tiles tiles of MR consecutive rows, times as many panels as the tile
// has, panel q's rows BStride after those of panel q−1.
//
//	S[i,j] = Bias[j] + Σₖ A[i,k]·B[k,j]                         modulo 2³²
//	V[i,j] = float32(S[i,j])·Scale[j] + float32(D[i,j] − DZero)·DScale
//	C[i,j] = rne(min(max(V[i,j], Lo), Hi)) + Zero               uint8, or
//	C[i,j] = min(max(V[i,j], Lo), Hi)                           float32
//
// for 0 ≤ i < MR·Tiles, 0 ≤ j < N. Products, sums and conversions of float32 are
// each rounded; rne rounds to the nearest integer, ties to even. Lo, Hi and the
// values stored fit the type.
//
// The convpool family has Tiles tiles of MR/4 windows of 2×2 pixels, with MR/2
// pixels in one row and MR/2 in the row that begins ARow after it. Row w of S and of
// C is the largest of the four sums of window w; there is no D.
//
// The fully connected family has one row of one segment and multiplies it by all
// panels: Tiles, Seg, Segs and D are not used.
//
// A row of A is segments, as in GemmArgs; SegLen is a multiple of 4. Rows of B
// are interleaved in fours: B[k,j] is byte 64·(k/4) + 4·j + k mod 4 of a panel.
//
// The gemm family of words has rows of int16, whose offsets and strides are in bytes,
// too. In its panels the second and the third of each four rows are exchanged, so that
// even bytes, and odd ones, belong to elements of A that are neighbours.
//
// Instructions that multiply signed bytes alone take A − 128 for A, and sums that
// start at SignedBias[j] = Bias[j] + 128·Σₖ B[k,j], modulo 2³². Kernels of words do
// not use it.
type QuantisedGemmArgs struct {
	A       *uint8 // or int16, depending on the kernel
	Seg     *int
	B       *int8
	Bias    *int32   // 16 for each panel
	Scale   *float32 // 16 for each panel
	C       *uint8   // or float32, depending on the kernel
	D       *uint8   // residual, or nil
	BStride int
	AStride int
	ARow    int
	CStride int
	DStride int
	Segs    int
	SegLen  int
	Tiles   int
	N       int // columns to store: more than all panels but the last have
	Zero    int32
	DZero   int32
	DScale  float32
	Lo, Hi  float32

	SignedBias *int32 // 16 for each panel
}

// QuantisedPlaneArgs is the block of the convpool3x3 family: a map of one channel,
// of uint8, convolved with 3×3 taps and max-pooled by 2×2 windows before it is
// stored, in Lines lines of Windows windows, by one panel.
//
//	S[p,j] = Bias[j] + Σ over taps (r, k) of X[p,r,k]·B[r,k,j]            modulo 2³²
//	V[w,j] = float32(max over the window's 4 pixels p of S[p,j])·Scale[j]
//
// Pixel (y, x) of window w of line l begins at X + (2·l+y)·XRow + 2·w+x, its tap
// (r, k) stands r·XRow + k behind that. Weights are as in QuantisedGemmArgs, of
// rows of taps that are filled up to four: B[r,k,j] is byte 64·r + 4·j + k, and
// that of k = 3 is 0. What becomes of V, at Y + l·YLine + w·YStride, and what
// SignedBias is for, is said there too.
type QuantisedPlaneArgs struct {
	X       *uint8
	B       *int8
	Bias    *int32   // 16 of them
	Scale   *float32 // 16 of them
	Y       *uint8
	XRow    int
	YStride int
	YLine   int
	Lines   int
	Windows int
	N       int // columns to store, 1…16
	Zero    int32
	Lo, Hi  float32

	SignedBias *int32 // 16 of them
}

// QuantisedTapsArgs is the block of the kernels that slide a window over a map
// of uint8. Taps, pixels, strides and weights are as in TapsArgs.
//
//	maxpool    Y[p,c] = max over taps of X[p,tap,c]
//	avgpool    V[p,c] = float32(Offset + Σ over taps of X[p,tap,c])·Factor
//	depthwise  V[p,c] = float32(Bias[c] + Σ over taps of X[p,tap,c]·W[tap,c])·Scale[c]
//	                  + float32(D[p,c] − DZero)·DScale
//
// Sums are int32, modulo 2³². V is rounded and stored as QuantisedGemmArgs says. The
// elements of D are laid out as those of Y, whatever the size of these.
//
// The depthwise3x3 family computes depthwise of 3×3 taps in Lines lines of pixels, of
// which line l begins at X + l·XLine and Y + l·YLine; the variant says how many XCol
// pixels of a line are apart, and Scale is below 1. Bias, Scale and weights are in
// blocks of 64 channels, the last block filled up, and within a block in the order
// that interleaving bytes makes: channel c is number i = 64·⌊c/64⌋ + 16·(⌊c/4⌋ mod 4)
// + 4·(⌊c/16⌋ mod 4) + c mod 4. Bias[c] and Scale[c] are element i, and the weight of
// tap (r, k) is byte 768·⌊i/64⌋ + 256·k + 4·(i mod 64) + r of W; that of r = 3 is 0.
type QuantisedTapsArgs struct {
	X       *uint8
	W       *int8
	Bias    *int32   // C of them
	Scale   *float32 // C of them
	Y       *uint8   // or float32, depending on the kernel
	D       *uint8   // residual, or nil
	XRow    int
	XCol    int
	XStride int
	WRow    int
	WCol    int
	YStride int
	Rows    int
	Cols    int
	C       int
	Pixels  int
	Lines   int
	XLine   int
	YLine   int
	Offset  int32
	Factor  float32
	Zero    int32
	DZero   int32
	DScale  float32
	Lo, Hi  float32
}

// QuantisedBinaryArgs is the block of the kernels that compute a function of two
// uint8, for 0 ≤ i < N, with x = X[i] − XZero and y = Y[i] − YZero.
//
//	add  V[i] = float32(x)·XScale + float32(y)·YScale
//	sub  V[i] = float32(x)·XScale − float32(y)·YScale
//	mul  V[i] = float32(x·y)·XScale
//
// XStep and YStep are 1, or 0 for a constant operand; not both are 0. Z may be X
// or Y. V is stored as QuantisedGemmArgs says. If Z is uint8, XScale and YScale
// are at most 2¹⁵.
type QuantisedBinaryArgs struct {
	X      *uint8
	Y      *uint8
	Z      *uint8 // or float32, depending on the kernel
	XStep  int
	YStep  int
	N      int
	XZero  int32
	YZero  int32
	XScale float32
	YScale float32
	Zero   int32
	Lo, Hi float32
}

// QuantiseArgs is the block of the kernel that quantises float32 to uint8, for 0
// ≤ i < N.
//
//	Y[i] = rne(min(max(X[i]/Scale, Lo), Hi)) + Zero
//
// The quotient is rounded to float32, then to the nearest integer, ties to even.
// If X[i] is NaN, Y[i] is Zero, and NaN is set to a number other than 0.
type QuantiseArgs struct {
	X      *float32
	Y      *uint8
	N      int
	NaN    int
	Scale  float32
	Zero   int32
	Lo, Hi float32
}

// QuantisePlanesArgs is the block of the kernels that quantise float32 to uint8 and
// make pixels of planes, of which the variant is the number C: for 0 ≤ i < N, 0 ≤ c
// < C, Y[C·i+c] is what QuantiseArgs says of element i of the plane that begins at
// X + c·XPlane.
type QuantisePlanesArgs struct {
	X      *float32
	Y      *uint8
	XPlane int
	N      int
	NaN    int
	Scale  float32
	Zero   int32
	Lo, Hi float32
}

// DequantiseArgs is the block of the kernel that makes float32 of uint8, for 0 ≤ i
// < N.
//
//	Y[i] = f32((X[i] xor Flip) − Zero) · Scale
//
// Of int8, Flip is 128, which makes uint8 of them, and Zero 128 more than theirs;
// else Flip is 0.
type DequantiseArgs struct {
	X          *uint8
	Y          *float32
	N          int
	Flip, Zero int32
	Scale      float32
}

// TableArgs is the block of the kernel that looks uint8 up in a table of 256, for
// 0 ≤ i < N. Y may be X, but must not overlap it otherwise.
//
//	Y[i] = Table[X[i]]
type TableArgs struct {
	X     *uint8
	Y     *uint8
	Table *uint8
	N     int
}

// RescaleArgs is the block of the kernel that computes a linear function of uint8 in
// 16 bits: for 0 ≤ i < Rows, 0 ≤ j < N,
//
//	Y[i,j] = min(max(((257·X[i,j]·Factor >> 16) + Add − Sub) >> Shift, Lo), Hi)
//
// where the sum is 2¹⁶−1 if it is more, and the difference 0 if it is less.
// Parameters are not negative; Factor, Add and Sub are below 2¹⁶, Shift is 1 … 15,
// Lo ≤ Hi below 256. X[i] is at X + i·XRow, Y[i] at Y + i·YRow. Y may be X, with the
// same distance of rows, but must not overlap it otherwise.
type RescaleArgs struct {
	X                *uint8
	Y                *uint8
	XRow             int
	YRow             int
	Rows             int
	N                int
	Factor, Add, Sub int32
	Shift            int32
	Lo, Hi           int32
}

// IDCTArgs is the block of the inverse discrete cosine transforms of JPEG, T.81
// A.3.3, for N blocks of S×S samples, where S is 8, or 4 for a picture at half
// its size, of which only the lowest 4×4 coefficients are read. Sample x of row y
// of block i is at Y + At[i] + y·YStride + x. Shifts round down:
//
//	T[x,v] = (Σᵤ c(x,u)·X[u,v] + 2¹⁰) >> 11        0 ≤ x, y, u, v < S
//	Z[x,y] = (Σᵥ c(y,v)·T[x,v] + 2¹⁷) >> 18
//	Y[x,y] = min(max(Z[x,y] + 128, 0), 255)
//	c(x,0) = 2¹³, c(x,u) ≈ 2¹³·√2·cos((2x+1)·u·π/(2S))
//
// The c are sums and differences of the constants of the fast algorithm of
// Loeffler, Ligtenberg and Moschytz (ICASSP 1989), each rounded to an integer.
//
// X[u,v] is the coefficient of frequency u across and v down. Blocks are 16/S to
// a group of S rows of 16 elements: of block i, X[u,v] is element S·(i mod 16/S)
// + v of row u. The kernels clear them; those that belong to no block must be 0.
//
// Peak is raised to the largest max(Z, −1−Z), and to 32767 if max(T, −1−T)
// exceeds 16383 for any T: Z and Y are then undefined. |X| is at most 8192.
type IDCTArgs struct {
	X       *int16
	Y       *byte
	At      *int // N elements
	Peak    *int
	YStride int
	N       int // at least 1
}

// WeighArgs is the block of the kernel that computes the weighted sum of K rows
// of bytes; row k begins at X + Row[k].
//
//	Y[i] = Σₖ W[k]·X[k,i]   0 ≤ i < N
//
// Each element is one chain of fused multiply-adds in the order of k.
type WeighArgs struct {
	X   *byte
	Row *int
	W   *float32
	Y   *float32
	K   int // at least 1
	N   int // a multiple of 32
}

// ResampleArgs is the block of the kernel that computes each element of a row as
// the weighted sum of K neighbours in another row, which begin at X + At[i].
//
//	Y[i] = Σₖ W[i,k]·X[i,k]   0 ≤ i < N, 0 ≤ k < K
type ResampleArgs struct {
	X  *float32
	At *int
	W  *float32 // N·K elements
	Y  *float32
	K  int // a multiple of 8
	N  int // at least 1
}

// ColourArgs is the block of the kernels that convert N pixels of a picture's
// row to a row each of R, G and B.
//
//	planes   R[i] = X[4i] + 255 − X[4i+3], G and B of X[4i+1] and X[4i+2]
//	ycbcr    R[i] = limit(16·X[i] + half(5743·Cr[i/S]))
//	         G[i] = limit(16·X[i] − half(1410·Cb[i/S]) − half(2925·Cr[i/S]))
//	         B[i] = limit(16·X[i] + half(7258·Cb[i/S]))
//
// planes takes premultiplied red, green, blue and opacity, and lays them on
// white. ycbcr takes JFIF's luma, and chroma of S = 1 or 2 pixels to a sample:
// half(c·v) is ⌊(c·(v − 128) + 128)/256⌋, and limit(v) is ⌊(v + 8)/16⌋ between 0
// and 255.
type ColourArgs struct {
	X      *byte // luma, or four bytes a pixel
	Cb, Cr *byte // N/S elements
	R      *byte
	G      *byte
	B      *byte
	N      int // a multiple of 16
}
