package onnx

import (
	"slices"
	"strings"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// einsum translates Einsum of one operand, a transposition and sums, and of two,
// a product of matrices between transpositions and sums. Letters stand for
// dimensions, an ellipsis for those that broadcast.
//
// A letter twice in one term would be a diagonal, which is refused.
func (c *call) einsum() []*value {
	terms, result, ok := c.equation()
	if !ok {
		return nil
	}
	size := map[byte]int{}
	var in []labelled
	for i, term := range terms {
		v := c.operand(i)
		if !c.ready() {
			return nil
		}
		if len(term) != len(v.shape) {
			return c.fail("term %d, %q, is of %d dimensions, and operand %q of shape %s", i, term, len(term), v.name, tensor.Dims(v.shape...))
		}
		if v.data != nil {
			if c.checkFloats(v, "a term"); !c.ready() {
				return nil
			}
		}
		for j, label := range []byte(term) {
			d := v.shape[j]
			if have, ok := size[label]; ok && have != d && have != 1 && d != 1 {
				return c.fail("%q is %d and %d", label, have, d)
			}
			size[label] = max(size[label], d)
		}
		in = append(in, labelled{v, term})
	}
	for i := range in {
		// What stands in no other term is summed first.
		others := result
		for j := range in {
			if j != i {
				others += in[j].labels
			}
		}
		in[i] = c.sumLabels(in[i], others)
	}
	y := in[0]
	if len(in) == 2 {
		y = c.contract(in[0], in[1], result)
	}
	if !c.ready() {
		return nil
	}
	return []*value{c.arranged(y, result)}
}

// A labelled is a tensor with a letter for each of its dimensions.
type labelled struct {
	*value
	labels string
}

// The labels of an ellipsis's dimensions, the last one the last.
const ellipsisLabels = "\x01\x02\x03\x04\x05\x06\x07\x08"

// equation reads the equation: a label for each dimension of each operand, and
// of the result.
func (c *call) equation() (terms []string, result string, ok bool) {
	equation := strings.ReplaceAll(c.stringAttr("equation", ""), " ", "")
	if len(equation) > 200 {
		c.fail("an equation of %d characters", len(equation))
		return nil, "", false
	}
	left, result, explicit := strings.Cut(equation, "->")
	terms = strings.Split(left, ",")
	if len(terms) != len(c.in) || len(terms) > 2 {
		c.fail("equation %q for %d operands: it is supported for one and for two", equation, len(c.in))
		return nil, "", false
	}
	most := 0 // dimensions of an ellipsis
	for i, term := range terms {
		v := c.operand(i)
		dots := 0
		if strings.Contains(term, "...") {
			dots = len(v.shape) - (len(term) - len("..."))
			if dots < 0 || dots > len(ellipsisLabels) {
				c.fail("term %q for a tensor of shape %s", term, tensor.Dims(v.shape...))
				return nil, "", false
			}
			term = strings.Replace(term, "...", ellipsisLabels[len(ellipsisLabels)-dots:], 1)
		}
		most = max(most, dots)
		if !c.checkLabels(term, dots) {
			return nil, "", false
		}
		terms[i] = term
	}
	dots := ellipsisLabels[len(ellipsisLabels)-most:]
	if explicit {
		has := strings.Contains(result, "...")
		result = strings.Replace(result, "...", dots, 1)
		if !has {
			dots = ""
		}
		if !c.checkLabels(result, len(dots)) {
			return nil, "", false
		}
		if i := strings.IndexFunc(result, func(r rune) bool { return !strings.ContainsRune(strings.Join(terms, ""), r) }); i >= 0 {
			c.fail("%q of the result occurs in no term", result[i])
			return nil, "", false
		}
		return terms, result, true
	}
	// The result has the ellipsis, then what stands once, by the alphabet.
	all := strings.Join(terms, "")
	var once []byte
	for _, label := range []byte(all) {
		if label > ' ' && strings.Count(all, string(label)) == 1 {
			once = append(once, label)
		}
	}
	slices.Sort(once)
	return terms, dots + string(once), true
}

// checkLabels checks that a term's labels are letters, each once, but for those
// of the ellipsis.
func (c *call) checkLabels(term string, dots int) bool {
	for i, label := range []byte(term) {
		switch {
		case strings.IndexByte(term[:i], label) >= 0:
			c.fail("%q occurs twice in a term: diagonals are not supported", label)
			return false
		case label > ' ' && (label|0x20 < 'a' || label|0x20 > 'z'), label <= ' ' && dots == 0:
			c.fail("%q is not a letter", label)
			return false
		}
	}
	return true
}

// sumLabels sums over the dimensions whose labels are not among keep.
func (c *call) sumLabels(x labelled, keep string) labelled {
	var axes []int
	var labels []byte
	for i, label := range []byte(x.labels) {
		if strings.IndexByte(keep, label) < 0 {
			axes = append(axes, i)
		} else {
			labels = append(labels, label)
		}
	}
	if len(axes) == 0 || !c.ready() {
		return x
	}
	if x.data != nil {
		return labelled{c.sumConstant(x.value, axes), string(labels)}
	}
	return labelled{c.apply(&kernels.Reduce{Kind: kernels.ReduceSum, Axes: axes}, x.value)[0], string(labels)}
}

// sumConstant sums a constant over some of its dimensions.
func (c *call) sumConstant(v *value, axes []int) *value {
	y := c.reducedConstant(kernels.ReduceSum, v, axes, false)
	if y == nil {
		return &value{}
	}
	return &value{name: v.name, shape: y.dims, data: y}
}

// contract multiplies two tensors and sums over the labels that the result does
// not have: as matrices [batch, M, K] and [batch, K, N].
func (c *call) contract(a, b labelled, result string) labelled {
	var batch, k, m, n []byte
	for _, label := range []byte(a.labels) {
		switch {
		case strings.IndexByte(b.labels, label) < 0:
			m = append(m, label)
		case strings.IndexByte(result, label) < 0:
			k = append(k, label)
		default:
			batch = append(batch, label)
		}
	}
	for _, label := range []byte(b.labels) {
		if strings.IndexByte(a.labels, label) < 0 {
			n = append(n, label)
		}
	}
	labels := slices.Concat(batch, m, n)
	if len(labels)+len(k) > 2*tensor.MaxRank || len(batch)+2 > tensor.MaxRank {
		c.fail("%d dimensions are too many", len(labels)+len(k))
	}
	if !c.ready() {
		return labelled{&value{}, ""}
	}
	// A dimension of 1 broadcasts to what the other operand has. Where it is
	// summed over, the other one is summed by itself.
	for _, label := range k {
		for _, x := range []*labelled{&a, &b} {
			if i := strings.IndexByte(x.labels, label); x.shape[i] == 1 {
				continue
			} else if other := map[*labelled]*labelled{&a: &b, &b: &a}[x]; other.shape[strings.IndexByte(other.labels, label)] == 1 {
				*x = c.keepSum(*x, i)
			}
		}
	}
	if !c.ready() {
		return labelled{&value{}, ""}
	}
	left := c.arranged(a, string(slices.Concat(batch, m, k)))
	right := c.arranged(b, string(slices.Concat(batch, k, n)))
	if !c.ready() {
		return labelled{&value{}, ""}
	}
	volume := func(shape []int) int { return tensor.Shape(shape).Volume() }
	lead, ok := tensor.Broadcast(left.shape[:len(batch)], right.shape[:len(batch)])
	if !ok {
		c.fail("shapes %s and %s do not broadcast", tensor.Dims(left.shape...), tensor.Dims(right.shape...))
		return labelled{&value{}, ""}
	}
	rows, columns := left.shape[len(batch):][:len(m)], right.shape[len(batch)+len(k):]
	depth := volume(right.shape[len(batch):][:len(k)])
	shape := slices.Concat(lead, rows, columns)
	x := c.withShape(left, append(slices.Clone(left.shape[:len(batch)]), volume(rows), depth))
	y := c.withShape(right, append(slices.Clone(right.shape[:len(batch)]), depth, volume(columns)))
	if !c.ready() {
		return labelled{&value{}, ""}
	}
	product := c.product(x, y)
	if !c.ready() {
		return labelled{&value{}, ""}
	}
	return labelled{c.reshape(product, shape), string(labels)}
}

// keepSum sums over dimension i, which stays as one of 1.
func (c *call) keepSum(x labelled, i int) labelled {
	if x.data != nil {
		y := c.reducedConstant(kernels.ReduceSum, x.value, []int{i}, true)
		if y == nil {
			return x
		}
		return labelled{&value{name: x.name, shape: y.dims, data: y}, x.labels}
	}
	return labelled{c.apply(&kernels.Reduce{Kind: kernels.ReduceSum, Axes: []int{i}, Keep: true}, x.value)[0], x.labels}
}

// arranged brings a tensor's dimensions into the order of labels.
func (c *call) arranged(x labelled, labels string) *value {
	perm := make([]int, len(labels))
	for i, label := range []byte(labels) {
		perm[i] = strings.IndexByte(x.labels, label)
	}
	if slices.IsSorted(perm) || !c.ready() {
		return x.value
	}
	if x.data == nil {
		return c.transpose(x.value, perm...)
	}
	shape := permuted(x.shape, perm)
	y := make([]float32, x.data.len())
	at, from := make([]int, len(shape)), make([]int, len(shape))
	for i := range y {
		for j, d := range perm {
			from[d] = at[j]
		}
		y[i] = x.data.floats[flatIndex(from, x.shape)]
		next(at, shape)
	}
	return &value{name: x.name, shape: shape, data: floatTensor(shape, y)}
}
