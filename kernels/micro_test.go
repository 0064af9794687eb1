package kernels

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
	"github.com/infer-go/infer/tensor"
)

// microTests say how the kernels of each operation are tested: every tier's
// kernel gets the same cases, and is compared with the formula of its block of
// arguments in float64. Those of quantised operands have tests of their own.
var microTests = map[string]microTest{
	"gemm_u8":         testOf((*micro).testQuantisedGemm),
	"gemm_i16":        testOf((*micro).testQuantisedGemm),
	"convpool_u8":     testOf((*micro).testQuantisedGemm),
	"fully_u8":        testOf((*micro).testQuantisedGemm),
	"convpool3x3_u8":  testOf((*micro).testQuantisedPlane),
	"maxpool_u8":      testOf((*micro).testQuantisedTaps),
	"avgpool_u8":      testOf((*micro).testQuantisedTaps),
	"depthwise_u8":    testOf((*micro).testQuantisedTaps),
	"depthwise3x3_u8": testOf((*micro).testThrees),
	"binary_u8":       testOf((*micro).testQuantisedBinary),
	"widen_u8":        testOf((*micro).testWidenBytes),
	"quantise":        testOf((*micro).testQuantise),
	"quantiseplanes":  testOf((*micro).testQuantisePlanes),
	"dequantise_u8":   testOf((*micro).testDequantise),
	"table_u8":        testOf((*micro).testTable),
	"rescale_u8":      testOf((*micro).testRescale),
	"winograd_u8":     testOf((*micro).testQuantisedPatch),
	"product_i16":     testOf((*micro).testQuantisedProduct),
	"winograd_i32":    testOf((*micro).testQuantisedTile),

	"gemm":       testOf((*micro).testGemm),
	"product":    testOf((*micro).testProduct),
	"convpool":   testOf((*micro).testConvPool),
	"winograd":   testOf((*micro).testWinograd),
	"largest":    testOf((*micro).testLargest),
	"fully":      testOf((*micro).testFully),
	"im2col":     testOf((*micro).testIm2col),
	"interleave": testOf((*micro).testInterleave),
	"transpose":  testOf((*micro).testTranspose),
	"compare":    testOf((*micro).testCompare),
	"select":     testOf((*micro).testSelect),
	"clamp":      testOf((*micro).testClamp),
	"activate":   testOf((*micro).testActivate),
	"binary":     testOf((*micro).testBinary),
	"maxpool":    testOf((*micro).testMaxPool),
	"avgpool":    testOf((*micro).testAveragePool),
	"depthwise":  testOf((*micro).testDepthwise),
	"blend":      testOf((*micro).testBlend),
	"grouped":    testOf((*micro).testGrouped),
	"widen":      testOf((*micro).testWiden),

	"reducerows":       testOf((*micro).testReduceRows),
	"reducecolumns":    testOf((*micro).testReduceColumns),
	"normaliserows":    testOf((*micro).testNormaliseRows),
	"normalisecolumns": testOf((*micro).testNormaliseColumns),
	"softmax":          testOf((*micro).testSoftmax),
	"idct":             testOf((*micro).testIDCT),
	"weigh_u8":         testOf((*micro).testWeigh),
	"resample":         testOf((*micro).testResample),
	"planes_u8":        testOf((*micro).testColours),
	"ycbcr_u8":         testOf((*micro).testColours),
}

// microTestOf is the test of a kernel, nil if there is none.
func microTestOf(k asm.Kernel) microTest {
	if test := microTests[k.Op+"_"+k.Operand.String()]; test != nil {
		return test
	}
	if k.Operand == asm.U8 {
		return nil
	}
	return microTests[k.Op]
}

type microTest func(m *micro, k asm.Kernel, run any)

func testOf[A any](f func(m *micro, k asm.Kernel, run func(*A))) microTest {
	return func(m *micro, k asm.Kernel, run any) { f(m, k, run.(func(*A))) }
}

// TestKernels tests every kernel of every tier, in a subtest by the name of its
// symbol. A kernel that a tier has from another one is tested there.
func TestKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		for _, e := range tier.kernels {
			if test := microTestOf(e.Kernel); test != nil && e.From == tier.Name {
				eachMicro(t, e.Symbol(), func(m *micro) {
					test(m, e.Kernel, e.Run)
					if m.checked == 0 {
						m.Error("no result was looked at")
					}
				})
			}
		}
	})
}

// TestEveryKernelIsTested looks for the tests of all tiers' kernels, whether
// this processor runs them or not.
func TestEveryKernelIsTested(t *testing.T) {
	for _, tier := range Tiers() {
		for _, e := range tier.kernels {
			if microTestOf(e.Kernel) == nil {
				t.Errorf("nothing tests %s", e.Symbol())
			}
		}
	}
}

// TestTables compares what each tier has with the list of what it should
// have, and the names of assembly functions with the kernels that they are
// entered for.
func TestTables(t *testing.T) {
	for _, tier := range Tiers() {
		var got, want []string
		for _, k := range asm.Kernels(tier.MR, 1) {
			want = append(want, k.Name())
		}
		for _, k := range asm.QuantisedKernels(tier.quantisedRows, tier.quantisedPanels) {
			// Of these a tier may lack any but tiles of its gemm.
			if k.Op == "gemm" && k.Operand == asm.U8 || tier == portable || hasKernel(tier, k) {
				want = append(want, k.Name())
			}
		}
		for _, e := range tier.kernels {
			got = append(got, e.Name())
			name := runtime.FuncForPC(reflect.ValueOf(e.Run).Pointer()).Name()
			if tier != portable && !strings.HasSuffix(strings.TrimSuffix(name, ".abi0"), "/asm."+e.Symbol()) {
				t.Errorf("%s: %s is %s", tier.Name, e.Symbol(), name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", tier.Name, got, want)
		}
	}
	if first := Tiers()[0]; first != portable || !first.Supported {
		t.Errorf("the first tier is %s", first.Name)
	}
}

func hasKernel(tier *Tier, k asm.Kernel) bool {
	return slices.ContainsFunc(tier.kernels, func(e asm.Entry) bool { return e.Kernel == k })
}

// eachTier runs f as a subtest for every tier that this processor supports.
func eachTier(t *testing.T, f func(t *testing.T, tier *Tier)) {
	for _, tier := range Tiers() {
		t.Run(tier.Name, func(t *testing.T) {
			if !tier.Supported {
				t.Skipf("this processor lacks %v", tier.Features)
			}
			f(t, tier)
		})
	}
}

// A micro tests one micro-kernel: it makes operands in guarded memory and says
// what is wrong with a result.
type micro struct {
	*testing.T
	generator
	memory   *guard.Memory
	side     guard.Side
	special  bool // some operands hold NaN, infinities, −0 and denormals
	operands []operand
	checked  int // results
}

// An operand is what a kernel may only read.
type operand struct{ now, before []byte }

// eachMicro runs f as a subtest for one kernel: with buffers flush with their
// end and with their start, with numbers alone and with special values too.
// What is to be quick has only the last of the four.
func eachMicro(t *testing.T, name string, f func(m *micro)) {
	t.Run(name, func(t *testing.T) {
		for _, side := range guard.Sides {
			for _, special := range []bool{false, true} {
				if brief() && (side == guard.Start || !special) {
					continue
				}
				f(&micro{T: t, generator: newGenerator(uint64(side)), memory: guard.New(t), side: side, special: special})
			}
		}
	})
}

// brief says that tests should be quick rather than thorough.
func brief() bool { return raced || testing.Short() }

// floats are n random operands from −1 to 1.
func (m *micro) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*m.Float32() - 1
		if m.special && m.IntN(32) == 0 {
			x[i] = microSpecials[m.IntN(len(microSpecials))]
		}
	}
	return place(m, x)
}

// microSpecials are those whose sums are the same in float32 and in float64,
// in any order.
var microSpecials = []float32{
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Copysign(0, -1)), 0,
	math.SmallestNonzeroFloat32, -1e-39, 1e-39,
}

// finite are n random operands without special values: weights and biases.
func (m *micro) finite(n int) []float32 {
	defer func(special bool) { m.special = special }(m.special)
	m.special = false
	return m.floats(n)
}

// halves are n random float16 from −1 to 1.
func (m *micro) halves(n int) []uint16 {
	x := make([]uint16, n)
	for i := range x {
		x[i] = tensor.Float16(2*m.Float32() - 1)
	}
	return place(m, x)
}

// offsets are n offsets of parts of size elements, with odd gaps between them
// and in any order; the least is 0.
func (m *micro) offsets(n, size int) []int {
	x := make([]int, n)
	for i := 1; i < n; i++ {
		x[i] = x[i-1] + size + 2*m.IntN(3) + 1
	}
	m.Shuffle(n, func(i, j int) { x[i], x[j] = x[j], x[i] })
	return place(m, x)
}

// segments are offsets as a kernel takes them, in bytes.
func (m *micro) segments(offsets []int) *int {
	x := make([]int, len(offsets))
	for i, off := range offsets {
		x[i] = 4 * off
	}
	return &place(m, x)[0]
}

// stride matches the fields of blocks of arguments that count float32 elements in
// tests and bytes in kernels. BStride, of elements that may be halves, is bytes
// in both.
var stride = regexp.MustCompile(`(Stride|Row|Col|Freq|Tile|Pixel|Step|Plane|Ahead|WIn)$`)

// inBytes is a block of arguments with its strides in bytes.
func inBytes[A any](args *A) *A {
	b := *args
	v := reflect.ValueOf(&b).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "BStride" && stride.MatchString(name) {
			v.Field(i).SetInt(4 * v.Field(i).Int())
		}
	}
	return &b
}

// place copies an operand, in which there are no pointers, to guarded memory.
func place[T any](m *micro, x []T) []T {
	y := guard.Make[T](m.memory, len(x), m.side)
	copy(y, x)
	m.operands = append(m.operands, operand{bytesOf(y), slices.Clone(bytesOf(y))})
	return y
}

func bytesOf[T any](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(*new(T))))
}

// prime is a random prime of at least n: no kernel may rely on a stride's
// factors.
func (m *micro) prime(n int) int {
	for n += m.IntN(24); ; n++ {
		if n > 1 && !slices.ContainsFunc(smallPrimes, func(p int) bool { return n != p && n%p == 0 }) {
			return n
		}
	}
}

var smallPrimes = []int{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97}

// limits are random bounds to clamp to: none, those of ReLU, or narrow ones.
func (m *micro) limits() (lo, hi float32) {
	switch inf := float32(math.Inf(1)); m.IntN(3) {
	case 0:
		return -inf, inf
	case 1:
		return 0, inf
	}
	return -m.Float32(), m.Float32()
}

// A target is a buffer that a kernel writes, and what should be in it.
type target struct {
	got  []float32
	want []sum
}

// unset is what a target holds before it is written: a signalling NaN, which
// no computation yields.
const unset = 0xffa5a5a5

// target is a target of n elements of which none should be written yet.
func (m *micro) target(n int) *target {
	c := &target{guard.Make[float32](m.memory, n, m.side), make([]sum, n)}
	for i := range c.got {
		c.got[i] = math.Float32frombits(unset)
	}
	return c
}

// check compares, and ends the case: operands and targets are not valid any
// more.
func (m *micro) check(r *target, format string, args ...any) {
	m.Helper()
	m.checked++
	what := func() string { return fmt.Sprintf(format, args...) + ", " + m.side.String() }
	for i, want := range r.want {
		if err := want.check(r.got[i]); err != nil {
			m.Fatalf("%s: element %d %v", what(), i, err)
		}
	}
	for _, o := range m.operands {
		if !slices.Equal(o.now, o.before) {
			m.Fatalf("%s: an operand was written", what())
		}
	}
	m.operands = m.operands[:0]
	m.memory.Release()
	if m.Failed() {
		m.Fatal(what())
	}
}

// A sum is what an element should be: a value and how far from it a float32
// computation may end. A sum that was never set says that the element must not
// be written.
type sum struct {
	value float64
	size  float64 // Σ|aᵢ·bᵢ|, |bias| and |residual|
	bound float64 // |result − value|
	loose bool    // an infinity or NaN went into it: a number may be anything, infinity may be NaN
	set   bool
}

// add adds a product.
func (s *sum) add(a, b float32) {
	p := float64(a) * float64(b)
	s.value += p
	s.size += math.Abs(p)
}

// round sets the bound for k products in any order of addition:
// (k+16)·2⁻²⁴·Σ|aᵢ·bᵢ|, and half the least denormal for each step.
func (s *sum) round(k int) { s.within(float64(k+16) * 0x1p-24) }

// within sets the bound relative to the size.
func (s *sum) within(relative float64) {
	s.bound = relative*s.size + 64*math.SmallestNonzeroFloat32
	s.set = true
}

// clamp limits the value; NaN stays.
func (s *sum) clamp(lo, hi float32) { s.value = min(max(s.value, float64(lo)), float64(hi)) }

// larger is the maximum of two sums; NaN stays.
func (s sum) larger(t sum) sum {
	s.value, s.bound, s.loose = max(s.value, t.value), max(s.bound, t.bound), s.loose || t.loose
	return s
}

// exactly is a sum without any error.
func exactly(x float32) sum { return sum{value: float64(x), set: true} }

func (s *sum) check(got float32) error {
	x := float64(got)
	switch {
	case !s.set:
		if math.Float32bits(got) != unset {
			return fmt.Errorf("was written: %v", got)
		}
	case math.Float32bits(got) == unset:
		return fmt.Errorf("was not written")
	case s.loose && !math.IsNaN(s.value):
	case math.IsNaN(s.value) || math.IsInf(s.value, 0):
		if x != s.value && !(math.IsNaN(x) && math.IsNaN(s.value)) {
			return fmt.Errorf("is %v, want %v", got, s.value)
		}
	case math.IsInf(x, 0) && math.Signbit(x) == math.Signbit(s.value) && math.Abs(s.value)+s.bound > math.MaxFloat32:
		// An activation that is steeper than 1 may leave the range.
	case !(math.Abs(x-s.value) <= s.bound):
		return fmt.Errorf("is %v, want %v ± %v", got, s.value, s.bound)
	}
	return nil
}
