package rest

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// check compares what the scanner makes of text with encoding/json.
func check(t *testing.T, text []byte) {
	s := &scanner{data: text, maxDepth: 1000}
	err := s.skip()
	if err == nil {
		err = s.end()
	}
	if valid := json.Valid(text); valid != (err == nil) {
		t.Fatalf("%q: encoding/json finds it valid: %v, the scanner: %v", text, valid, err)
	}
	if err != nil {
		return
	}
	var text1 string
	if json.Unmarshal(text, &text1) == nil && text1 != "" {
		s := &scanner{data: text, maxDepth: 1}
		if got, err := s.text(); err != nil || string(got) != text1 {
			t.Fatalf("%q is %q, not %q: %v", text, got, text1, err)
		}
	}
	var f32 float32
	var f64 float64
	if json.Unmarshal(text, new(json.Number)) != nil || text1 != "" {
		return
	}
	s = &scanner{data: text, maxDepth: 1}
	if s.peek() == 'n' || s.peek() == '"' {
		return
	}
	n, err := s.number()
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	g64, err := n.float64()
	if want := json.Unmarshal(text, &f64); (want == nil) != (err == nil) || err == nil && math.Float64bits(g64) != math.Float64bits(f64) {
		t.Fatalf("%q is %v and %v, not %v and %v", text, g64, err, f64, want)
	}
	g32, err := n.float32()
	if want := json.Unmarshal(text, &f32); (want == nil) != (err == nil) || err == nil && math.Float32bits(g32) != math.Float32bits(f32) {
		t.Fatalf("%q is %v and %v, not %v and %v", text, g32, err, f32, want)
	}
	for _, behind := range []string{"", ",", "]"} { // by the short way, where it is
		s := &scanner{data: []byte(string(text) + behind)}
		x, err := s.float32()
		if want := json.Unmarshal(text, &f32); (want == nil) != (err == nil) || err == nil && math.Float32bits(x) != math.Float32bits(f32) {
			t.Fatalf("%q is %v and %v, not %v and %v", s.data, x, err, f32, want)
		}
		if end := s.at; err == nil && (s.skip() == nil || end > len(text) || len(bytes.TrimSpace(text[end:])) > 0) {
			t.Fatalf("%q is read up to %d", s.data, end)
		}
	}
	var i int64
	gi, ok := n.int64()
	if want := json.Unmarshal(text, &i); (want == nil) != ok || ok && gi != i {
		t.Fatalf("%q is %d and %v, not %d and %v", text, gi, ok, i, want)
	}
}

var texts = []string{
	`null`, `true`, `[]`, `{}`, ` [ 1 , -2.5e-3 , "a" ] `, `{"a":{"b":[null,false]}}`, `"\u00e9\n\\\""`, "\"\xff\"", `"\ud800"`,
	`0`, `-0`, `00`, `1.`, `.5`, `1e`, `1e+`, `-`, `+1`, `1e400`, `-1e400`, `1e-400`, `3.4028235e38`, `3.4028236e38`, `1e-45`, `7e-46`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `18446744073709551616`, `16777217`, `16777217.0000001`,
	`0.1`, `123456789.123456789`, `1.00000017881393432617187499`, `1.00000017881393432617187500`, `1.00000017881393432617187501`,
	`1.17549435e-38`, `1e22`, `1e23`, `9007199254740993`, `1.e5`, `1E5`, `1e99999999999999999999`, `0e99999999999999999999`,
	`tru`, `nul`, `[1,]`, `[,1]`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `[`, `{`, `"`, `"\`, `"\x"`, "\"\n\"", "\x00", "[\x00]", `[1 2]`, `1 2`, ``, " ",
}

func TestScan(t *testing.T) {
	for _, text := range texts {
		check(t, []byte(text))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		x := math.Float32frombits(r.Uint32())
		y := math.Float64frombits(r.Uint64())
		for _, text := range [][]byte{
			strconv.AppendFloat(nil, float64(x), 'g', -1, 32), strconv.AppendFloat(nil, float64(x), 'g', -1, 64), strconv.AppendFloat(nil, y, 'g', -1, 64),
			strconv.AppendFloat(nil, r.Float64(), 'f', 1+r.IntN(18), 64), strconv.AppendInt(nil, r.Int64()>>r.IntN(64), 10),
		} {
			if json.Valid(text) {
				check(t, text)
			}
		}
		// Halfway between two float32, and next to it.
		half := (float64(1+r.Uint32N(1<<23)) + 0.5) * math.Pow(2, float64(r.IntN(40)-20))
		for _, v := range []float64{half, math.Nextafter(half, 0), math.Nextafter(half, 1e30)} {
			check(t, strconv.AppendFloat(nil, v, 'g', -1, 64))
		}
	}
}

func TestDepth(t *testing.T) {
	s := &scanner{data: []byte(`[[[1]]]`), maxDepth: 2}
	if err := s.skip(); err == nil {
		t.Error("3 deep, where 2 are allowed")
	}
	s = &scanner{data: []byte(`[[1],[2],[{}]]`), maxDepth: 3}
	if err := s.skip(); err != nil {
		t.Error(err)
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 1000 {
			check(t, text)
		}
	})
}
