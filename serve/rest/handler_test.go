package rest

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights/digits"
)

func newHandler(t testing.TB, o Options) (*Handler, *serve.Server) {
	t.Helper()
	return newHandlerOf(t, serve.Options{}, o)
}

func newHandlerOf(t testing.TB, core serve.Options, o Options) (*Handler, *serve.Server) {
	t.Helper()
	s := serve.New(core)
	t.Cleanup(func() { s.Close() })
	if err := s.Load("digits", 1, digits.Data); err != nil {
		t.Fatal(err)
	}
	return New(s, o), s
}

// send sends a request, headers as name and value, and returns the answer.
func send(h http.Handler, method, path string, body []byte, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// errorOf checks that an answer is {"error"}, and returns what it says.
func errorOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var e map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || len(e) != 1 || e["error"] == "" {
		t.Fatalf("status %d with %q", w.Code, w.Body)
	}
	return e["error"]
}

func randoms(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()
	}
	return x
}

// computed is what package engine makes of items.
func computed(t testing.TB, x []float32) []float32 {
	t.Helper()
	m, err := engine.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	n := len(x) / 784
	s, err := m.NewSession(engine.SessionOptions{Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	copy(s.Input(0), x)
	if err := s.Run(n); err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), s.Output(0)...)
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type object = map[string]any

func TestInferForms(t *testing.T) {
	h, s := newHandler(t, Options{})
	_ = s
	x := randoms(2*784, 1)
	want := computed(t, x)
	raw := tensor.Bytes(x)
	nested := make([][][]float32, 2)
	for i := range nested {
		for r := range 28 {
			nested[i] = append(nested[i], x[i*784+r*28:][:28])
		}
	}
	input := func(more object) object {
		in := object{"name": "input", "shape": []int{2, 1, 28, 28}, "datatype": "FP32"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	wide := make([]byte, 0, 8*len(x))
	for _, v := range x {
		wide = binary.LittleEndian.AppendUint64(wide, math.Float64bits(float64(v)))
	}
	for name, c := range map[string]struct {
		request object
		binary  []byte
		out     bool // binary
	}{
		"flat":   {request: object{"id": "a\"é", "inputs": []any{input(object{"data": x})}}},
		"nested": {request: object{"inputs": []any{input(object{"data": nested})}}},
		"binary in": {request: object{"inputs": []any{input(object{"parameters": object{"binary_data_size": len(raw)}})}},
			binary: raw},
		"binary both": {request: object{"inputs": []any{input(object{"parameters": object{"binary_data_size": len(raw)}})}, "parameters": object{"binary_data_output": true}},
			binary: raw, out: true},
		"output's own word": {request: object{"inputs": []any{input(object{"data": x})}, "parameters": object{"binary_data_output": true},
			"outputs": []any{object{"name": "output", "parameters": object{"binary_data": false}}}}},
		"binary out": {request: object{"inputs": []any{input(object{"data": x})},
			"outputs": []any{object{"name": "output", "parameters": object{"binary_data": true}}}}, out: true},
		"double": {request: object{"inputs": []any{input(object{"datatype": "FP64", "parameters": object{"binary_data_size": len(wide)}})}}, binary: wide},
	} {
		text := marshal(t, c.request)
		var headers []string
		body := text
		if c.binary != nil {
			headers = []string{headerLength, fmt.Sprint(len(text))}
			body = append(text, c.binary...)
		}
		for _, encoding := range []string{"", "gzip", "deflate"} {
			headers, body := headers, body
			if encoding != "" {
				var b bytes.Buffer
				var z io.WriteCloser = gzip.NewWriter(&b)
				if encoding == "deflate" {
					z = zlib.NewWriter(&b)
				}
				z.Write(body)
				z.Close()
				body, headers = b.Bytes(), append(headers, "Content-Encoding", encoding)
			}
			w := send(h, "POST", "/v2/models/digits/infer", body, headers...)
			if w.Code != 200 {
				t.Errorf("%s %s: %d %s", name, encoding, w.Code, w.Body)
				continue
			}
			answer := w.Body.Bytes()
			if c.out {
				var n int
				fmt.Sscan(w.Header().Get(headerLength), &n)
				if got := answer[n:]; !bytes.Equal(got, tensor.Bytes(want)) {
					t.Errorf("%s %s: other bits", name, encoding)
				}
				answer = answer[:n]
			}
			var a struct {
				Name    string `json:"model_name"`
				Version string `json:"model_version"`
				ID      any    `json:"id"`
				Outputs []struct {
					Name, Datatype string
					Shape          []int
					Data           []float32
					Parameters     map[string]int
				}
			}
			if err := json.Unmarshal(answer, &a); err != nil {
				t.Fatalf("%s: %v in %s", name, err, answer)
			}
			if a.Name != "digits" || a.Version != "1" || a.ID != c.request["id"] || len(a.Outputs) != 1 || a.Outputs[0].Name != "output" || a.Outputs[0].Datatype != "FP32" || fmt.Sprint(a.Outputs[0].Shape) != "[2 10]" {
				t.Errorf("%s: %s", name, answer)
			}
			if !c.out && !bytes.Equal(tensor.Bytes(a.Outputs[0].Data), tensor.Bytes(want)) {
				t.Errorf("%s %s: other numbers", name, encoding)
			}
			if c.out && a.Outputs[0].Parameters["binary_data_size"] != 80 {
				t.Errorf("%s: %s", name, answer)
			}
		}
	}
	w := send(h, "POST", "/v2/models/digits/versions/1/infer", raw[:len(raw)/2], headerLength, "0")
	var n int
	fmt.Sscan(w.Header().Get(headerLength), &n)
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes()[n:], tensor.Bytes(want[:10])) {
		t.Errorf("raw: %d %s", w.Code, w.Body)
	}
}

// The data may stand before what says what they are, or after it; flat, nested,
// and with white space.
func TestOrderOfFields(t *testing.T) {
	h, _ := newHandler(t, Options{})
	x := randoms(784, 1)
	want := computed(t, x)
	rows := make([]string, 28)
	for i := range rows {
		rows[i] = string(marshal(t, x[i*28:][:28]))
	}
	flat, nested := string(marshal(t, x)), `[[[`+strings.Join(rows, ", ")+`]]]`
	const in = `"name":"input","shape":[1,1,28,28],"datatype":"FP32"`
	for name, data := range map[string]string{
		"flat": flat, "nested": nested, "spaces": strings.ReplaceAll(flat, ",", " ,\n "), "exponents": strings.Replace(flat, ",", "e0,", 5),
	} {
		for _, body := range []string{`{` + in + `,"data":` + data + `}`, `{"data":` + data + `,` + in + `}`} {
			w := send(h, "POST", "/v2/models/digits/infer", []byte(`{"inputs":[`+body+`]}`))
			var a struct{ Outputs []struct{ Data []float32 } }
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || !bytes.Equal(tensor.Bytes(a.Outputs[0].Data), tensor.Bytes(want)) {
				t.Errorf("%s, %.20s: %d, %.100s", name, body, w.Code, w.Body)
			}
		}
	}
}

// Every datatype with numbers that float32 has, in JSON and in binary.
func TestDatatypes(t *testing.T) {
	h, _ := newHandler(t, Options{})
	numbers := make([]float32, 784)
	for i := range numbers {
		numbers[i] = float32(i % 128)
	}
	want := computed(t, numbers)
	for _, d := range protocol.Datatypes() {
		if d.Kind == protocol.Bools {
			continue
		}
		var data []byte
		for _, v := range numbers {
			var b [8]byte
			bits := uint64(v)
			switch {
			case d.Name == "FP16":
				bits = uint64(tensor.Float16(v))
			case d.Name == "FP32":
				bits = uint64(math.Float32bits(v))
			case d.Name == "FP64":
				bits = math.Float64bits(float64(v))
			}
			binary.LittleEndian.PutUint64(b[:], bits)
			data = append(data, b[:d.Size]...)
		}
		in := object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": d.Name, "parameters": object{"binary_data_size": len(data)}}
		text := marshal(t, object{"inputs": []any{in}, "parameters": object{"binary_data_output": true}})
		w := send(h, "POST", "/v2/models/digits/infer", append(text, data...), headerLength, fmt.Sprint(len(text)))
		if w.Code != 200 || !bytes.HasSuffix(w.Body.Bytes(), tensor.Bytes(want)) {
			t.Errorf("%s in binary: %d %s", d.Name, w.Code, w.Body)
		}
		in = object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": d.Name, "data": numbers}
		text = marshal(t, object{"inputs": []any{in}, "parameters": object{"binary_data_output": true}})
		w = send(h, "POST", "/v2/models/digits/infer", text)
		switch {
		case d.Name == "FP16":
			if w.Code != 400 {
				t.Errorf("FP16 in JSON: %d", w.Code)
			}
		case w.Code != 200 || !bytes.HasSuffix(w.Body.Bytes(), tensor.Bytes(want)):
			t.Errorf("%s in JSON: %d %s", d.Name, w.Code, w.Body)
		}
	}
}

func TestClassification(t *testing.T) {
	h, _ := newHandler(t, Options{})
	x := randoms(784, 3)
	scores := computed(t, x)
	best := 0
	for i, v := range scores {
		if v > scores[best] {
			best = i
		}
	}
	request := object{"inputs": []any{object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": "FP32", "data": x}},
		"outputs": []any{object{"name": "output", "parameters": object{"classification": 3}}}}
	var a struct {
		Outputs []struct {
			Datatype string
			Shape    []int
			Data     []string
		}
	}
	w := send(h, "POST", "/v2/models/digits/infer", marshal(t, request))
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || len(a.Outputs) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	o := a.Outputs[0]
	if o.Datatype != "BYTES" || fmt.Sprint(o.Shape) != "[1 3]" || len(o.Data) != 3 || !strings.HasPrefix(o.Data[0], fmt.Sprintf("%.6f:%d", scores[best], best)) {
		t.Errorf("%s, where the best is %d with %v", w.Body, best, scores[best])
	}
	request["parameters"] = object{"binary_data_output": true}
	w = send(h, "POST", "/v2/models/digits/infer", marshal(t, request))
	var n int
	fmt.Sscan(w.Header().Get(headerLength), &n)
	data := w.Body.Bytes()[n:]
	for _, text := range o.Data {
		if len(data) < 4 || int(binary.LittleEndian.Uint32(data)) != len(text) || string(data[4:][:len(text)]) != text {
			t.Fatalf("in binary: %q", data)
		}
		data = data[4+len(text):]
	}
}

func TestBadRequests(t *testing.T) {
	h, _ := newHandler(t, Options{MaxBody: 100_000})
	x := fmt.Sprint(strings.Repeat("0,", 783), "0")
	in := `"name":"input","shape":[1,1,28,28],"datatype":"FP32"`
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		says    string
	}{
		"nothing":           {"", nil, 400, "the body is empty"},
		"no JSON":           {"{", nil, 400, "the JSON ends too early, at byte 1: "},
		"no inputs":         {"{}", nil, 400, "inputs are missing"},
		"empty inputs":      {`{"inputs":[]}`, nil, 400, "0 inputs"},
		"behind":            {`{"inputs":[{` + in + `,"data":[` + x + `]}]} x`, nil, 400, "follows the end"},
		"one too few":       {`{"inputs":[{` + in + `,"data":[` + x[2:] + `]}]}`, nil, 400, "783 elements"},
		"one too many":      {`{"inputs":[{` + in + `,"data":[0,` + x + `]}]}`, nil, 400, "more than the 784"},
		"data first":        {`{"inputs":[{"data":[0,` + x + `],` + in + `}]}`, nil, 400, "more than the 784"},
		"too deep":          {`{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, nil, 400, "deep"},
		"text":              {`{"inputs":[{` + in + `,"data":["a"]}]}`, nil, 400, "value"},
		"too large":         {`{"inputs":[{` + in + `,"data":[1e39,` + x[2:] + `]}]}`, nil, 400, "too large"},
		"twice":             {`{"inputs":[{` + in + `,"data":[` + x + `]},{` + in + `,"data":[]}]}`, nil, 400, "more inputs"},
		"another name":      {`{"inputs":[{` + in + `,"data":[` + x + `],"name":"other"}]}`, nil, 400, "the name of an input is given twice"},
		"another datatype":  {`{"inputs":[{` + in + `,"data":[` + x + `],"datatype":"INT8"}]}`, nil, 400, "a datatype is given twice"},
		"another shape":     {`{"inputs":[{` + in + `,"data":[` + x + `],"shape":[2,1,28,28]}]}`, nil, 400, "a shape is given twice"},
		"data twice":        {`{"inputs":[{` + in + `,"data":[` + x + `],"data":[` + x + `]}]}`, nil, 400, "data are given twice"},
		"unknown input":     {`{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}`, nil, 400, `no input "x"`},
		"unknown output":    {`{"inputs":[{` + in + `,"data":[` + x + `]}],"outputs":[{"name":"y"}]}`, nil, 400, `no output "y"`},
		"datatype":          {`{"inputs":[{"name":"input","shape":[1],"datatype":"BYTES","data":["1"]}]}`, nil, 400, "BYTES"},
		"shape":             {`{"inputs":[{"name":"input","shape":[784],"datatype":"FP32","data":[` + x + `]}]}`, nil, 400, "N×1×28×28"},
		"negative shape":    {`{"inputs":[{"name":"input","shape":[-1,1,28,28],"datatype":"FP32","data":[` + x + `]}]}`, nil, 400, "negative"},
		"no items":          {`{"inputs":[{"name":"input","shape":[0,1,28,28],"datatype":"FP32","data":[]}]}`, nil, 400, "shape"},
		"overflow":          {`{"inputs":[{"name":"input","shape":[4611686018427387904,4,28,28],"datatype":"FP32","data":[]}]}`, nil, 400, "too large"},
		"a product of zero": {`{"inputs":[{"name":"input","shape":[4294967296,4294967296,0,1],"datatype":"FP32","data":[]}]}`, nil, 400, ""},
		"cut off":           {`{"inputs":[{` + in + `,"data":[1,2`, nil, 400, "the JSON ends too early, at byte 76: "},
		"cut off in a word": {`{"inputs":[{` + in + `,"data":[1,2.`, nil, 400, "the JSON ends too early, at byte "},
		"cut off in true":   {`{"x":tru`, nil, 400, "the JSON ends too early, at byte 8"},
		"cut off in a text": {`{"inp`, nil, 400, "the JSON ends too early, at byte 5"},
		"FP64, not FP32":    {`{"inputs":[{"name":"input","shape":[1,1,28,28],"datatype":"FP64","data":[0.1,` + x[2:] + `]}]}`, nil, 400, "value that the model's input can have"},
		"no data":           {`{"inputs":[{` + in + `}]}`, nil, 400, "needs data"},
		"binary missing":    {`{"inputs":[{` + in + `,"parameters":{"binary_data_size":3136}}]}`, nil, 400, "3136 bytes of binary data are missing"},
		"binary size":       {`{"inputs":[{` + in + `,"parameters":{"binary_data_size":3135}}]}`, nil, 400, "does not fit"},
		"left over":         {`{"inputs":[{` + in + `,"data":[` + x + `]}]}....`, []string{headerLength, fmt.Sprint(len(in) + len(x) + 25)}, 400, "4 bytes of binary data are left over"},
		"header":            {`{}`, []string{headerLength, "3"}, 400, headerLength},
		"negative header":   {`{}`, []string{headerLength, "-1"}, 400, headerLength},
		"raw":               {`abc`, []string{headerLength, "0"}, 400, "3 bytes"},
		"not gzip":          {`{}`, []string{"Content-Encoding", "gzip"}, 400, "cannot be read"},
		"brotli":            {`{}`, []string{"Content-Encoding", "br"}, 415, "br"},
		"long":              {strings.Repeat(" ", 100_001), nil, 413, "100000"},
		"a fraction":        {`{"inputs":[{"name":"input","shape":[1,1,28,28],"datatype":"INT32","data":[0.5,` + x[2:] + `]}]}`, nil, 400, "INT32"},
		"an id":             {`{"id":5,"inputs":[]}`, nil, 400, "string"},
	} {
		w := send(h, "POST", "/v2/models/digits/infer", []byte(c.body), c.headers...)
		if text := errorOf(t, w); w.Code != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", name, w.Code, text)
		}
	}
	// What is small until it is decompressed.
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, 1<<20))
	z.Close()
	if w := send(h, "POST", "/v2/models/digits/infer", b.Bytes(), "Content-Encoding", "gzip"); w.Code != 413 {
		t.Errorf("a bomb: %d %s", w.Code, w.Body)
	}
	// Infinities can be binary, and not JSON.
	x32 := randoms(784, 1)
	x32[0] = float32(math.NaN())
	text := marshal(t, object{"inputs": []any{object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": "FP32", "parameters": object{"binary_data_size": 3136}}}})
	w := send(h, "POST", "/v2/models/digits/infer", append(text, tensor.Bytes(x32)...), headerLength, fmt.Sprint(len(text)))
	if text := errorOf(t, w); w.Code != 422 || !strings.Contains(text, "element 0") {
		t.Errorf("NaN: %d %s", w.Code, text)
	}
}

func TestPages(t *testing.T) {
	h, s := newHandler(t, Options{})
	s.Load("broken", 2, []byte("x"))
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string // part of it
	}{
		{"GET", "/v2", "", 200, `"extensions":["binary_tensor_data"`},
		{"GET", "/v2/", "", 200, `"name":"infer"`},
		{"HEAD", "/v2/health/live", "", 200, ``},
		{"GET", "/v2/health/live", "", 200, `{"live":true}`},
		{"GET", "/v2/health/ready", "", 200, `{"ready":true}`},
		{"GET", "/v2/models", "", 200, `{"models":["digits"]}`},
		{"GET", "/v2/models/digits", "", 200, `{"name":"digits","versions":["1"],"platform":"infer_frz","inputs":[{"name":"input","datatype":"FP32","shape":[-1,1,28,28]}],"outputs":[{"name":"output","datatype":"FP32","shape":[-1,10]}],"parameters":{"picture":"digit","answer":"classes"}}`},
		{"GET", "/v2/models/digits/versions/1", "", 200, `"platform":"infer_frz"`},
		{"GET", "/v2/models/digits/versions/2", "", 404, `no such model: \"digits\" has no version \"2\"`},
		{"GET", "/v2/models/digits/ready", "", 200, `{"name":"digits","ready":true}`},
		{"GET", "/v2/models/digits/versions/1/ready", "", 200, `"ready":true`},
		{"GET", "/v2/models/broken/ready", "", 503, `error`},
		{"GET", "/v2/models/none/ready", "", 404, `error`},
		{"GET", "/v2/models/digits/config", "", 200, `"max_batch_size":8,"input":[{"name":"input","data_type":"TYPE_FP32","dims":[1,28,28]}]`},
		{"GET", "/v2/models/digits/stats", "", 200, `{"model_stats":[{"name":"digits","version":"1","last_inference":0`},
		{"GET", "/v2/models/digits/versions/1/stats", "", 200, `"batch_stats":[]`},
		{"GET", "/v2/models/stats", "", 200, `"inference_count":0`},
		{"POST", "/v2/repository/index", "", 200, `{"name":"broken","version":"2","state":"UNAVAILABLE","reason":"`},
		{"POST", "/v2/repository/index", `{"ready":true}`, 200, `[{"name":"digits","version":"1","state":"READY","reason":""}]`},
		{"POST", "/v2/repository/index", `{"ready":1}`, 400, `error`},
		{"POST", "/v2/repository/models/digits/load", "", 403, `error`},
		{"POST", "/v2/repository/models/digits/unload", "", 403, `error`},
		{"GET", "/v2/models/digits/infer", "", 405, `POST`},
		{"POST", "/v2/models/digits", "", 405, `GET`},
		{"POST", "/v2/health/live", "", 405, `GET`},
		{"GET", "/", "", 404, `error`},
		{"GET", "/v2x", "", 404, `error`},
		{"GET", "/v2/health", "", 404, `error`},
		{"GET", "/v2/models/digits/x", "", 404, `error`},
		{"GET", "/v2/models/digits/versions/1/x/y", "", 404, `error`},
		{"POST", "/v2/models/none/infer", "", 404, `no such model: \"none\"`},
	} {
		w := send(h, c.method, c.path, []byte(c.body))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.answer) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		if w.Code != 200 {
			errorOf(t, w)
		}
	}
	s.Drain()
	if w := send(h, "GET", "/v2/health/ready", nil); w.Code != 503 {
		t.Errorf("draining: %d", w.Code)
	}
	if w := send(h, "GET", "/v2/health/live", nil); w.Code != 200 {
		t.Errorf("draining: %d", w.Code)
	}
}

func TestClassify(t *testing.T) {
	h, _ := newHandler(t, Options{MaxPixels: 1 << 20})
	for file, digit := range map[string]string{"7.png": "7", "8.jpg": "8", "0.png": "0"} {
		data, err := os.ReadFile("../../testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var a struct {
			Top []struct {
				Index       int
				Label       string
				Probability float64
			}
			Error *string
		}
		w := send(h, "POST", "/v2/models/digits/classify?top=3", data)
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || len(a.Top) != 3 || a.Top[0].Label != digit || a.Error != nil {
			t.Errorf("%s: %d %s", file, w.Code, w.Body)
		}
	}
	png, err := os.ReadFile("../../testdata/7.png")
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Clone(png) // says that it is so
	binary.BigEndian.PutUint32(large[16:], 20_000)
	binary.BigEndian.PutUint32(large[20:], 20_000)
	for name, c := range map[string]struct {
		query  string
		body   []byte
		status int
	}{
		"empty":   {"", nil, 400},
		"text":    {"", []byte("hello"), 415},
		"cut off": {"", png[:len(png)/2], 422},
		"top":     {"?top=0", png, 400},
		"words":   {"?top=x", png, 400},
		"large":   {"", large, 422},
	} {
		w := send(h, "POST", "/v2/models/digits/classify"+c.query, c.body)
		if name == "large" && w.Code == 413 {
			continue // a checksum may be looked at first
		}
		text := errorOf(t, w)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, text)
		}
		if w.Code == 415 && !(strings.Contains(text, "curl --data-binary") && strings.Contains(text, "PNG, JPEG")) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// A server that has too much to do, and deadlines.
func TestBusy(t *testing.T) {
	h, s := newHandler(t, Options{Timeout: 20 * time.Millisecond})
	m, err := s.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	started, end := make(chan struct{}), make(chan struct{})
	for range s.Options().Permits {
		go m.Use(context.Background(), nil, func(*engine.Session) error { started <- struct{}{}; <-end; return nil })
		<-started
	}
	body := marshal(t, object{"inputs": []any{object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": "FP32", "data": randoms(784, 1)}}})
	if w := send(h, "POST", "/v2/models/digits/infer", body); w.Code != 504 {
		t.Errorf("at the deadline: %d %s", w.Code, w.Body)
	}
	close(end)
	if w := send(h, "POST", "/v2/models/digits/infer", body); w.Code != 200 {
		t.Errorf("then: %d %s", w.Code, w.Body)
	}
	h, s = newHandlerOf(t, serve.Options{MaxInFlight: 10}, Options{})
	if w := send(h, "POST", "/v2/models/digits/infer", body); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("too many bodies: %d %s", w.Code, w.Body)
	}
	if n := s.InFlight(); n != 0 {
		t.Errorf("%d bytes are in flight", n)
	}
	for err, code := range map[error]int{
		&serve.BusyError{}: 503, serve.ErrMemory: 503, context.Canceled: 499, serve.ErrComputing: 500, errors.New("x"): 400, fmt.Errorf("%w", serve.ErrNotReady): 503,
	} {
		if got := statusOf(err); got != code {
			t.Errorf("%v: %d, not %d", err, got, code)
		}
	}
}

// What would wait too long is refused before anybody looks at its body, and the
// connection goes on.
func TestRefused(t *testing.T) {
	h, s := newHandlerOf(t, serve.Options{Permits: 1, MaxQueueDelay: time.Nanosecond}, Options{})
	m, err := s.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	started, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		m.Use(t.Context(), nil, func(*engine.Session) error { close(started); <-end; return nil })
	})
	<-started
	wg.Go(func() { m.Use(t.Context(), nil, func(*engine.Session) error { return nil }) })
	for m.Stats().Queued == 0 {
		time.Sleep(time.Millisecond)
	}
	server := httptest.NewUnstartedServer(h)
	connections := 0
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections++
		}
	}
	server.Start()
	defer server.Close()
	for _, verb := range []string{"infer", "classify"} {
		for _, size := range []int{0, 1, 100_000} {
			a, err := server.Client().Post(server.URL+"/v2/models/digits/"+verb, "", bytes.NewReader(make([]byte, size)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(a.Body)
			if err != nil || a.StatusCode != 503 || a.Header.Get("Retry-After") != "1" || !strings.Contains(string(body), "too busy") {
				t.Errorf("%s of %d bytes: %d, %v, %s, %v", verb, size, a.StatusCode, a.Header, body, err)
			}
			a.Body.Close()
		}
	}
	if connections != 1 {
		t.Errorf("%d connections", connections)
	}
	// A body that is not worth its way: package http closes the connection.
	a, err := server.Client().Post(server.URL+"/v2/models/digits/infer", "", bytes.NewReader(make([]byte, 1<<20)))
	if err == nil {
		if a.Body.Close(); a.StatusCode != 503 || !a.Close {
			t.Errorf("a large body: %d", a.StatusCode)
		}
	}
	if n := m.Stats().Outcomes[serve.Rejected]; n < 6 {
		t.Errorf("%d are counted", n)
	}
	close(end)
	wg.Wait()
}

func TestRepository(t *testing.T) {
	var called string
	h, _ := newHandler(t, Options{
		Load:   func(_ context.Context, m string) error { called = "load " + m; return nil },
		Unload: func(_ context.Context, m string) error { return serve.ErrNotFound },
	})
	if w := send(h, "POST", "/v2/repository/models/a/load", nil); w.Code != 200 || called != "load a" {
		t.Errorf("%d %s, %q was called", w.Code, w.Body, called)
	}
	if w := send(h, "POST", "/v2/repository/models/a/unload", nil); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTraceParent(t *testing.T) {
	trace, span, ok := traceParent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if !ok || trace != "4bf92f3577b34da6a3ce929d0e0e4736" || span != "00f067aa0ba902b7" {
		t.Error(trace, span, ok)
	}
	for _, bad := range []string{"", "00-1-2-3", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01"} {
		if _, _, ok := traceParent(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// Whatever comes is answered by 200 or a 4xx with an error.
func FuzzInfer(f *testing.F) {
	h, _ := newHandler(f, Options{MaxBody: 1 << 16})
	in := `{"inputs":[{"name":"input","shape":[1,1,28,28],"datatype":"FP32","data":[` + strings.Repeat("0,", 783) + `0]}]}`
	f.Add([]byte(in), int64(-1))
	f.Add([]byte(`{"id":"1","inputs":[{"name":"input","shape":[1,1,28,28],"datatype":"UINT8","parameters":{"binary_data_size":784}}],"outputs":[{"name":"output","parameters":{"binary_data":true,"classification":2}}],"parameters":{"timeout":1000000}}`+strings.Repeat("\x00", 784)), int64(229))
	f.Add(make([]byte, 3136), int64(0))
	f.Fuzz(func(t *testing.T, body []byte, length int64) {
		var headers []string
		if length >= 0 {
			headers = []string{headerLength, fmt.Sprint(length)}
		}
		w := send(h, "POST", "/v2/models/digits/infer", body, headers...)
		if w.Code == 200 {
			return
		}
		if w.Code/100 != 4 {
			t.Errorf("status %d", w.Code)
		}
		errorOf(t, w)
	})
}

func BenchmarkInfer(b *testing.B) {
	h, _ := newHandler(b, Options{})
	x := randoms(784, 1)
	text := marshal(b, object{"inputs": []any{object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": "FP32", "data": x}}})
	head := marshal(b, object{"inputs": []any{object{"name": "input", "shape": []int{1, 1, 28, 28}, "datatype": "FP32", "parameters": object{"binary_data_size": 3136}}}, "parameters": object{"binary_data_output": true}})
	for name, run := range map[string]func() int{
		"json": func() int { return send(h, "POST", "/v2/models/digits/infer", text).Code },
		"binary": func() int {
			return send(h, "POST", "/v2/models/digits/infer", append(head[:len(head):len(head)], tensor.Bytes(x)...), headerLength, fmt.Sprint(len(head))).Code
		},
		"health": func() int { return send(h, "GET", "/v2/health/live", nil).Code },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if code := run(); code != 200 {
					b.Fatal(code)
				}
			}
		})
	}
}
