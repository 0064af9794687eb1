package rest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
)

// appendText appends a string as JSON.
func appendText(to []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic(err) // of a string there is none
			}
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}

// appendElement appends an element of a tensor as JSON, in the shortest form
// that is read back as the same. It is false for what JSON cannot say.
func appendElement(to []byte, e tensor.Elem, b []byte) ([]byte, bool) {
	switch e {
	case tensor.F32:
		x := math.Float32frombits(binary.LittleEndian.Uint32(b))
		if !tensor.IsFinite(x) {
			return to, false
		}
		return strconv.AppendFloat(to, float64(x), 'g', -1, 32), true
	case tensor.Bool:
		return strconv.AppendBool(to, b[0] != 0), true
	}
	i, _ := protocol.DatatypeOf(e).Read(b).Int()
	return strconv.AppendInt(to, i, 10), true
}

// A answerError is one that is found while the answer is written.
type answerError struct{ error }

// appendResponse appends the JSON of an answer to text, and what is binary in it
// to data.
func (q *inferRequest) appendResponse(text, data []byte, m *serve.Model) ([]byte, []byte, error) {
	text = append(text, `{"model_name":`...)
	text = appendText(text, m.Name)
	text = append(text, `,"model_version":"`...)
	text = append(text, m.VersionName()...)
	text = append(text, '"')
	if q.id != nil {
		text = append(text, `,"id":`...)
		text = appendText(text, string(q.id))
	}
	text = append(text, `,"outputs":[`...)
	for k, w := range q.outputs {
		if k > 0 {
			text = append(text, ',')
		}
		var err error
		if text, data, err = q.appendOutput(text, data, m, w); err != nil {
			return nil, nil, err
		}
	}
	return append(text, "]}"...), data, nil
}

func (q *inferRequest) appendOutput(text, data []byte, m *serve.Model, w wantedOutput) ([]byte, []byte, error) {
	out := m.Outputs()[w.index]
	x, shape, name := q.core.Outputs[w.index], q.core.OutputShape(w.index), protocol.DatatypeOf(out.Elem).Name
	var classes [][]byte
	if w.classes > 0 {
		classes, shape = protocol.Classes(m, &q.core, w.index, w.classes)
		name = "BYTES"
	}
	text = append(text, `{"name":`...)
	text = appendText(text, out.Name)
	text = append(text, `,"datatype":"`...)
	text = append(text, name...)
	text = append(text, `","shape":[`...)
	for i, d := range shape {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(d), 10)
	}
	text = append(text, ']')
	if w.binary {
		before := len(data)
		data = protocol.AppendBytes(data, classes)
		if classes == nil {
			data = append(data, x...)
		}
		text = append(text, `,"parameters":{"binary_data_size":`...)
		text = strconv.AppendInt(text, int64(len(data)-before), 10)
		return append(text, "}}"...), data, nil
	}
	text = append(text, `,"data":[`...)
	for i, c := range classes {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendText(text, string(c))
	}
	if classes == nil {
		if out.Elem == tensor.F16 {
			return nil, nil, answerError{fmt.Errorf("output %q is FP16, which is only for binary data", out.Name)}
		}
		size := out.Elem.Size()
		for i := 0; i < len(x); i += size {
			if i > 0 {
				text = append(text, ',')
			}
			var ok bool
			if text, ok = appendElement(text, out.Elem, x[i:]); !ok {
				return nil, nil, answerError{fmt.Errorf("output %q: element %d is not a finite number, which JSON cannot represent: request binary data", out.Name, i/size)}
			}
		}
	}
	return append(text, "]}"...), data, nil
}
