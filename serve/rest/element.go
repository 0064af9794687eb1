package rest

import (
	"encoding/binary"

	"github.com/infer-go/infer/serve/internal/protocol"
)

// element reads an element of a datatype.
func (s *scanner) element(d *protocol.Datatype) (protocol.Value, error) {
	if d.Kind == protocol.Bools {
		b, err := s.boolean()
		if b {
			return protocol.Whole(1), err
		}
		return protocol.Whole(0), err
	}
	if d.Kind == protocol.Floats && d.Size == 4 {
		f, err := s.float32()
		return protocol.Real(float64(f)), err
	}
	s.peek()
	at := s.at
	n, err := s.number()
	if err != nil {
		return protocol.Value{}, err
	}
	if d.Kind == protocol.Floats {
		f, err := n.float64()
		if err != nil {
			s.at = at
			err = s.fail("a number is too large")
		}
		return protocol.Real(f), err
	}
	i, ok := n.int64()
	if !ok || !d.Holds(i) {
		s.at = at
		return protocol.Value{}, s.fail("a number is not one of " + d.Name)
	}
	return protocol.Whole(i), nil
}

// float32 reads a number as the nearest float32.
func (s *scanner) float32() (float32, error) {
	if x, ok := s.plain(); ok {
		return x, nil
	}
	s.peek()
	at := s.at
	n, err := s.number()
	if err != nil {
		return 0, err
	}
	x, err := n.float32()
	if err != nil {
		s.at = at
		err = s.fail("a number is too large")
	}
	return x, err
}

// plain is float32 for what nearly all numbers are: at most 19 digits, perhaps with
// a point among them, that make a float32 with one division, and no exponent. It is
// false, and nothing is read, where there is anything else.
func (s *scanner) plain() (float32, bool) {
	d, i := s.data, s.at
	negative := i < len(d) && d[i] == '-'
	if negative {
		i++
	}
	first, mantissa := i, uint64(0)
	for i < len(d) && d[i]-'0' < 10 {
		mantissa = 10*mantissa + uint64(d[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 || digits > 1 && d[first] == '0' {
		return 0, false
	}
	decimals := 0
	if i < len(d) && d[i] == '.' {
		point := i
		for i++; i+8 <= len(d); i += 8 {
			eight, ok := eightDigits(binary.LittleEndian.Uint64(d[i:]))
			if !ok {
				break
			}
			mantissa = 100_000_000*mantissa + eight
		}
		for i < len(d) && d[i]-'0' < 10 {
			mantissa = 10*mantissa + uint64(d[i]-'0')
			i++
		}
		if decimals = i - point - 1; decimals == 0 {
			return 0, false
		}
	}
	if digits+decimals > 19 || i < len(d) && d[i]|0x20 == 'e' {
		return 0, false
	}
	n := number{mantissa: mantissa, exp: -decimals, negative: negative, exact: true}
	x, ok := n.quick32()
	if ok {
		s.at = i
	}
	return x, ok
}

// eightDigits is the number that eight characters are, the first one in the lowest
// byte, if all are digits. Neighbours are joined, then pairs, then fours.
func eightDigits(v uint64) (uint64, bool) {
	const zeros, high = 0x3030303030303030, 0xf0f0f0f0f0f0f0f0
	if v&high != zeros || (v+0x0606060606060606)&high != zeros {
		return 0, false
	}
	v -= zeros
	v = v*10 + v>>8
	v = (v&0x00ff00ff00ff00ff)*100 + v>>16&0x00ff00ff00ff00ff
	v = (v&0x0000ffff0000ffff)*10000 + v>>32&0x0000ffff0000ffff
	return v & 0xffffffff, true
}
