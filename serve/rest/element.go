package rest

import "github.com/infer-go/infer/serve/internal/protocol"

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
