package main

import (
	"slices"
	"testing"
)

func TestShapeFlags(t *testing.T) {
	for _, c := range []struct {
		text, name string
		dims       []int // nil for an error
	}{
		{"input=1x3x480x640", "input", []int{1, 3, 480, 640}},
		{"480x640", "", []int{480, 640}},
		{"a=b:0=7", "a=b:0", []int{7}},
		{"x=480×640", "x", []int{480, 640}},
		{"=480x640", "", nil},
		{"", "", nil},
		{"x=", "", nil},
		{"x=480x", "", nil},
		{"x=4xx6", "", nil},
		{"x=0x6", "", nil},
		{"x=-1x6", "", nil},
		{"x=4.5", "", nil},
		{"x=99999999999", "", nil},
	} {
		var s shapeFlags
		err := s.Set(c.text)
		if c.dims == nil {
			if err == nil {
				t.Errorf("%q is read as %v", c.text, s)
			}
			continue
		}
		if err != nil || s[0].Input != c.name || !slices.Equal(s[0].Dims, c.dims) {
			t.Errorf("%q is read as %v, %v", c.text, s, err)
		}
	}
}
