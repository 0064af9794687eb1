package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// A scanner reads JSON (RFC 8259) in one pass, where it lies: what
// encoding/json makes of 784 numbers takes longer than the net to which they
// are given.
type scanner struct {
	data     []byte
	at       int
	depth    int
	maxDepth int
}

// A syntaxError is a fault in JSON, and where it is.
type syntaxError struct {
	at   int
	what string
	ends bool // too early, there
}

func (e *syntaxError) Error() string {
	if e.ends {
		return fmt.Sprintf("the JSON ends too early, at byte %d: %s", e.at, e.what)
	}
	return fmt.Sprintf("JSON, byte %d: %s", e.at, e.what)
}

func (s *scanner) fail(what string) error { return &syntaxError{s.at, what, s.at == len(s.data)} }

// peek skips white space, and is the byte that comes then; 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// expect skips white space and a byte that must come.
func (s *scanner) expect(c byte) error {
	if s.peek() != c || s.at == len(s.data) {
		return s.fail(fmt.Sprintf("%q is missing", c))
	}
	s.at++
	return nil
}

// end says that nothing but white space may be left.
func (s *scanner) end() error {
	if s.peek(); s.at < len(s.data) {
		return s.fail("something follows the end")
	}
	return nil
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > s.maxDepth {
		return &syntaxError{at: s.at, what: fmt.Sprintf("nested more than %d deep", s.maxDepth)}
	}
	return nil
}

// object calls field for each field of an object, at its value.
func (s *scanner) object(field func(name []byte) error) error {
	return s.list('{', '}', func() error {
		if s.peek() != '"' {
			return s.fail("the name of a field is missing")
		}
		name, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return field(name)
	})
}

// array calls element for each element of an array.
func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

func (s *scanner) list(open, end byte, element func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.peek() == end {
		s.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
		case end:
			s.at++
			return nil
		default:
			return s.fail(fmt.Sprintf("neither ',' nor %q follows", end))
		}
	}
}

// another skips the comma behind an element of an array, and white space, if a
// number follows. It is false, and nothing is skipped, if anything else does.
func (s *scanner) another() bool {
	d, i := s.data, s.at
	if i >= len(d) || d[i] != ',' {
		return false
	}
	for i++; i < len(d) && (d[i] == ' ' || d[i] == '\n'); i++ {
	}
	if i == len(d) || d[i]-'0' >= 10 && d[i] != '-' {
		return false
	}
	s.at = i
	return true
}

// text reads a string: the bytes where they lie, unless it has escapes or bytes
// that are no UTF-8, for which U+FFFD stands.
func (s *scanner) text() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail("a string is missing")
	}
	from := s.at
	plain := true
	for i := from + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			if plain {
				return s.data[from+1 : i], nil
			}
			var text string
			if err := json.Unmarshal(s.data[from:s.at], &text); err != nil {
				s.at = from
				return nil, s.fail("an invalid escape in a string")
			}
			return []byte(text), nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			s.at = i
			return nil, s.fail("a control character in a string")
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.at = len(s.data)
	return nil, s.fail("a string has no end")
}

// literal reads true, false or null.
func (s *scanner) literal(word string) error {
	if s.peek(); !bytes.HasPrefix(s.data[s.at:], []byte(word)) {
		if rest := s.data[s.at:]; bytes.HasPrefix([]byte(word), rest) {
			s.at += len(rest) // it is cut off
		}
		return s.fail("an unknown word")
	}
	s.at += len(word)
	return nil
}

func (s *scanner) boolean() (bool, error) {
	switch s.peek() {
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	}
	return false, s.fail("true or false is missing")
}

// null reads null, if it comes.
func (s *scanner) null() bool { return s.peek() == 'n' && s.literal("null") == nil }

// skip reads any value, and checks it.
func (s *scanner) skip() error {
	switch s.peek() {
	case '{':
		return s.object(func([]byte) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	_, err := s.number()
	return err
}

// A number is one as it is written: ±mantissa·10^exp, unless its digits do not
// fit.
type number struct {
	text     []byte
	mantissa uint64
	exp      int
	negative bool
	exact    bool // mantissa and exp hold all of it
	integer  bool // there is neither a point nor an exponent
}

func (s *scanner) number() (n number, err error) {
	s.peek()
	d, i := s.data, s.at
	digits := func(kept bool) int { // how many there are
		from := i
		for i < len(d) && d[i]-'0' < 10 {
			if kept {
				hi, lo := bits.Mul64(n.mantissa, 10)
				if hi != 0 || lo > math.MaxUint64-9 {
					n.exact = false
				}
				n.mantissa = lo + uint64(d[i]-'0')
			}
			i++
		}
		return i - from
	}
	fail := func(what string) error {
		if i == len(d) {
			s.at = i // it may be cut off
		}
		return s.fail(what)
	}
	n.exact, n.integer = true, true
	if i < len(d) && d[i] == '-' {
		n.negative = true
		i++
	}
	first := i
	if digits(true) == 0 || d[first] == '0' && i-first > 1 {
		return n, fail("a value is missing or wrong")
	}
	if i < len(d) && d[i] == '.' {
		i++
		n.integer = false
		k := digits(true)
		if n.exp -= k; k == 0 {
			return n, fail("a number ends with its point")
		}
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		i++
		n.integer = false
		negative := false
		if i < len(d) && (d[i] == '+' || d[i] == '-') {
			negative = d[i] == '-'
			i++
		}
		from := i
		if digits(false) == 0 {
			return n, fail("an exponent has no digits")
		}
		if e, err := strconv.Atoi(string(d[from:i])); err != nil || e > 1000 {
			n.exact = false
		} else if negative {
			n.exp -= e
		} else {
			n.exp += e
		}
	}
	n.text = d[s.at:i]
	s.at = i
	return n, nil
}

// float64s are powers of ten that have no error.
var float64s = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float64 is the nearest float64. The error is strconv's, for what is too large.
func (n *number) float64() (float64, error) {
	if x, ok := n.quick(); ok {
		return x, nil
	}
	return strconv.ParseFloat(n.string(), 64)
}

// quick is the nearest float64 where one operation with two exact operands gives
// it (Clinger, 1990).
func (n *number) quick() (float64, bool) {
	if !n.exact || n.mantissa >= 1<<53 || n.exp > 22 || n.exp < -22 {
		return 0, false
	}
	x := float64(n.mantissa)
	if n.exp < 0 {
		x /= float64s[-n.exp]
	} else {
		x *= float64s[n.exp]
	}
	if n.negative {
		x = -x
	}
	return x, true
}

// float32 is the nearest float32.
func (n *number) float32() (float32, error) {
	if x, ok := n.quick32(); ok {
		return x, nil
	}
	x, err := strconv.ParseFloat(n.string(), 32)
	return float32(x), err
}

// quick32 is the nearest float32 where quick's float64 can be rounded to it.
func (n *number) quick32() (float32, bool) {
	// Rounding twice is wrong only where the first result is just between two
	// float32, of which the number itself may be on either side.
	const half, rest = 1 << 28, 1<<29 - 1
	if x, ok := n.quick(); ok && math.Float64bits(x)&rest != half {
		if a := math.Abs(x); a >= 0x1p-126 && a < 0x1p127 || a == 0 {
			return float32(x), true
		}
	}
	return 0, false
}

// int64 is the number, if it is a whole one.
func (n *number) int64() (int64, bool) {
	switch {
	case !n.integer || !n.exact:
		return 0, false
	case n.negative && n.mantissa <= 1<<63:
		return int64(-n.mantissa), true
	case !n.negative && n.mantissa <= math.MaxInt64:
		return int64(n.mantissa), true
	}
	return 0, false
}

// string is the text, where it lies.
func (n *number) string() string { return unsafe.String(unsafe.SliceData(n.text), len(n.text)) }
