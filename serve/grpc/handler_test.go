package grpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/proto"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights/digits"
)

// A served is a server under test, and a client of it.
type served struct {
	inference.GRPCInferenceServiceClient
	core *serve.Server
	url  string
	http *http.Client
}

func newServer(t testing.TB, core serve.Options, o Options) *served {
	t.Helper()
	s := &served{core: serve.New(core)}
	t.Cleanup(func() { s.core.Close() })
	if err := s.core.Load("digits", 1, digits.Data); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(New(s.core, o).Handler(http.NotFoundHandler()))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: server.Config.Protocols}
	t.Cleanup(transport.CloseIdleConnections)
	s.http, s.url = &http.Client{Transport: transport}, server.URL
	s.GRPCInferenceServiceClient = inference.NewGRPCInferenceServiceClient(s.http, s.url, connect.WithGRPC())
	return s
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

// request asks the net for items, as raw contents of a datatype.
func request(items int, datatype string, raw []byte) *inference.ModelInferRequest {
	return &inference.ModelInferRequest{
		ModelName: "digits", Id: "7",
		Inputs:           []*inference.ModelInferRequest_InferInputTensor{{Name: "input", Datatype: datatype, Shape: []int64{int64(items), 1, 28, 28}}},
		RawInputContents: [][]byte{raw},
	}
}

// typed moves the contents into the field of the datatype.
func typed(q *inference.ModelInferRequest, c *inference.InferTensorContents) *inference.ModelInferRequest {
	q.RawInputContents, q.Inputs[0].Contents = nil, c
	return q
}

func TestInfer(t *testing.T) {
	s := newServer(t, serve.Options{}, Options{})
	x := randoms(3*784, 1)
	want := tensor.Bytes(computed(t, x))
	for name, q := range map[string]*inference.ModelInferRequest{
		"raw":   request(3, "FP32", tensor.Bytes(x)),
		"typed": typed(request(3, "FP32", nil), &inference.InferTensorContents{Fp32Contents: x}),
	} {
		a, err := s.ModelInfer(t.Context(), q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out := a.Outputs[0]
		if a.Id != "7" || a.ModelName != "digits" || a.ModelVersion != "1" || out.Datatype != "FP32" || fmt.Sprint(out.Shape) != "[3 10]" || out.Contents != nil {
			t.Errorf("%s: %v", name, a)
		}
		if len(a.RawOutputContents) != 1 || !bytes.Equal(a.RawOutputContents[0], want) {
			t.Errorf("%s: other bits than package engine's", name)
		}
	}
	q := request(3, "FP32", tensor.Bytes(x))
	q.Outputs = []*inference.ModelInferRequest_InferRequestedOutputTensor{{
		Name:       s.outputs(t)[0].Name,
		Parameters: map[string]*inference.InferParameter{"classification": {ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: 2}}},
	}}
	a, err := s.ModelInfer(t.Context(), q)
	if err != nil || a.Outputs[0].Datatype != "BYTES" || fmt.Sprint(a.Outputs[0].Shape) != "[3 2]" || !bytes.Contains(a.RawOutputContents[0], []byte(":")) {
		t.Errorf("classes: %v, %v", a, err)
	}
	if n := s.core.InFlight(); n != 0 {
		t.Errorf("%d bytes are in flight", n)
	}
}

func (s *served) outputs(t *testing.T) []engine.Tensor {
	t.Helper()
	m, err := s.core.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	return m.Outputs()
}

// Every datatype with numbers that float32 has, raw and typed.
func TestDatatypes(t *testing.T) {
	s := newServer(t, serve.Options{}, Options{})
	numbers := make([]float32, 784)
	for i := range numbers {
		numbers[i] = float32(i % 2) // those of BOOL, too
	}
	want := tensor.Bytes(computed(t, numbers))
	for _, d := range protocol.Datatypes() {
		var raw []byte
		c := &inference.InferTensorContents{}
		for _, v := range numbers {
			bits := uint64(v)
			switch d.Name {
			case "FP16":
				bits = uint64(tensor.Float16(v))
			case "FP32":
				bits = uint64(math.Float32bits(v))
				c.Fp32Contents = append(c.Fp32Contents, v)
			case "FP64":
				bits = math.Float64bits(float64(v))
				c.Fp64Contents = append(c.Fp64Contents, float64(v))
			case "INT64":
				c.Int64Contents = append(c.Int64Contents, int64(v))
			case "INT8", "INT16", "INT32":
				c.IntContents = append(c.IntContents, int32(v))
			case "UINT8", "UINT16", "UINT32":
				c.UintContents = append(c.UintContents, uint32(v))
			case "BOOL":
				c.BoolContents = append(c.BoolContents, v == 1)
			}
			for b := range d.Size {
				raw = append(raw, byte(bits>>(8*b)))
			}
		}
		a, err := s.ModelInfer(t.Context(), request(1, d.Name, raw))
		if err != nil || !bytes.Equal(a.RawOutputContents[0], want) {
			t.Errorf("%s, raw: %v", d.Name, err)
		}
		a, err = s.ModelInfer(t.Context(), typed(request(1, d.Name, nil), c))
		switch {
		case d.Name == "FP16":
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("FP16, typed: %v", err)
			}
		case err != nil || !bytes.Equal(a.RawOutputContents[0], want):
			t.Errorf("%s, typed: %v", d.Name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	s := newServer(t, serve.Options{}, Options{MaxMessage: 100_000})
	if s.core.Load("broken", 2, []byte("x")) == nil {
		t.Fatal("it is loaded")
	}
	raw := make([]byte, 784*4)
	changed := func(change func(*inference.ModelInferRequest)) *inference.ModelInferRequest {
		q := request(1, "FP32", raw)
		change(q)
		return q
	}
	outOfRange := make([]int32, 784)
	outOfRange[5] = 128
	number := &inference.InferParameter{ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: -1}}
	for name, c := range map[string]struct {
		q    *inference.ModelInferRequest
		code connect.Code
		says string
	}{
		"no model":         {changed(func(q *inference.ModelInferRequest) { q.ModelName = "none" }), connect.CodeNotFound, "no such model"},
		"no version":       {changed(func(q *inference.ModelInferRequest) { q.ModelVersion = "9" }), connect.CodeNotFound, "no such model"},
		"a broken model":   {changed(func(q *inference.ModelInferRequest) { q.ModelName = "broken" }), connect.CodeUnavailable, "not ready"},
		"no input":         {changed(func(q *inference.ModelInferRequest) { q.Inputs = nil }), connect.CodeInvalidArgument, "0 inputs"},
		"another input":    {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Name = "x" }), connect.CodeInvalidArgument, `no input "x"`},
		"another datatype": {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Datatype = "BF16" }), connect.CodeInvalidArgument, "BF16"},
		"another shape":    {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Shape = []int64{1, 784} }), connect.CodeInvalidArgument, "shape"},
		"a negative shape": {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Shape[0] = -1 }), connect.CodeInvalidArgument, "-1"},
		"a huge shape":     {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Shape[0] = math.MaxInt64 }), connect.CodeInvalidArgument, "too large"},
		"many dimensions":  {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Shape = make([]int64, 99) }), connect.CodeInvalidArgument, "too many"},
		"too few bytes":    {changed(func(q *inference.ModelInferRequest) { q.RawInputContents[0] = raw[1:] }), connect.CodeInvalidArgument, "3135 bytes"},
		"no data":          {changed(func(q *inference.ModelInferRequest) { q.RawInputContents = nil }), connect.CodeInvalidArgument, "0 elements"},
		"more raw data":    {changed(func(q *inference.ModelInferRequest) { q.RawInputContents = [][]byte{raw, raw} }), connect.CodeInvalidArgument, "2 raw"},
		"both":             {changed(func(q *inference.ModelInferRequest) { q.Inputs[0].Contents = &inference.InferTensorContents{} }), connect.CodeInvalidArgument, "contents and raw"},
		"none of INT8":     {typed(request(1, "INT8", nil), &inference.InferTensorContents{IntContents: outOfRange}), connect.CodeInvalidArgument, "element 5"},
		"another output": {changed(func(q *inference.ModelInferRequest) {
			q.Outputs = []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "x"}}
		}), connect.CodeInvalidArgument, `no output "x"`},
		"a negative timeout": {changed(func(q *inference.ModelInferRequest) {
			q.Parameters = map[string]*inference.InferParameter{"timeout": number}
		}), connect.CodeInvalidArgument, "timeout"},
		"a message too large": {request(64, "FP32", make([]byte, 64*784*4)), connect.CodeResourceExhausted, "larger than"},
	} {
		_, err := s.ModelInfer(t.Context(), c.q)
		if connect.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is small on its way, and large then.
	zipped := inference.NewGRPCInferenceServiceClient(s.http, s.url, connect.WithGRPC(), connect.WithSendGzip())
	if _, err := zipped.ModelInfer(t.Context(), request(64, "FP32", make([]byte, 64*784*4))); connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a compressed message: %v", err)
	}
	if _, err := zipped.ModelInfer(t.Context(), request(1, "FP32", raw)); err != nil {
		t.Errorf("a compressed message: %v", err)
	}
	if _, err := s.RepositoryModelLoad(t.Context(), &inference.RepositoryModelLoadRequest{ModelName: "digits"}); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("to load: %v", err)
	}
	if n := s.core.InFlight(); n != 0 {
		t.Errorf("%d bytes are in flight", n)
	}
}

func TestBusy(t *testing.T) {
	s := newServer(t, serve.Options{MaxQueueDelay: time.Nanosecond}, Options{Timeout: 50 * time.Millisecond})
	m, err := s.core.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	started, end := make(chan struct{}), make(chan struct{})
	for range s.core.Options().Permits {
		go m.Use(context.Background(), nil, func(*engine.Session) error { started <- struct{}{}; <-end; return nil })
		<-started
	}
	q := request(1, "FP32", make([]byte, 784*4))
	first := make(chan error, 1)
	go func() { _, err := s.ModelInfer(t.Context(), q); first <- err }()
	for m.Stats().Queued == 0 {
		time.Sleep(time.Millisecond)
	}
	_, err = s.ModelInfer(t.Context(), q)
	var coded *connect.Error
	if !errors.As(err, &coded) || coded.Code() != connect.CodeUnavailable || coded.Meta().Get("Grpc-Retry-Pushback-Ms") == "" {
		t.Errorf("behind another one: %v", err)
	}
	if err := <-first; connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Errorf("at the deadline: %v", err)
	}
	close(end)
	small := newServer(t, serve.Options{MaxInFlight: 10}, Options{})
	if _, err := small.ModelInfer(t.Context(), q); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("too many bytes: %v", err)
	}
	small = newServer(t, serve.Options{MaxInFlight: 40_000}, Options{})
	zipped := inference.NewGRPCInferenceServiceClient(small.http, small.url, connect.WithGRPC(), connect.WithSendGzip())
	if _, err := zipped.ModelInfer(t.Context(), request(8, "FP32", make([]byte, 8*784*4))); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("too many bytes, compressed: %v", err)
	}
	if _, err := zipped.ModelInfer(t.Context(), request(1, "FP32", make([]byte, 784*4))); err != nil {
		t.Errorf("few bytes, compressed: %v", err)
	}
	if n := small.core.InFlight(); n != 0 {
		t.Errorf("%d bytes are in flight", n)
	}
	for err, code := range map[error]connect.Code{
		serve.ErrClosed: connect.CodeUnavailable, serve.ErrComputing: connect.CodeInternal, context.Canceled: connect.CodeCanceled, errors.New("x"): connect.CodeInvalidArgument,
	} {
		if got := connect.CodeOf(failure(err)); got != code {
			t.Errorf("%v: %v, not %v", err, got, code)
		}
	}
}

func TestMetadata(t *testing.T) {
	loaded := ""
	s := newServer(t, serve.Options{}, Options{
		Version: "v",
		Load:    func(_ context.Context, name string) error { loaded += name; return nil },
		Unload:  func(context.Context, string) error { return serve.ErrNotFound },
	})
	ctx := t.Context()
	if _, err := s.ModelInfer(ctx, request(1, "FP32", make([]byte, 784*4))); err != nil {
		t.Fatal(err)
	}
	if a, err := s.ServerLive(ctx, &inference.ServerLiveRequest{}); err != nil || !a.Live {
		t.Error(a, err)
	}
	if a, err := s.ServerReady(ctx, &inference.ServerReadyRequest{}); err != nil || !a.Ready {
		t.Error(a, err)
	}
	if a, err := s.ModelReady(ctx, &inference.ModelReadyRequest{Name: "digits", Version: "1"}); err != nil || !a.Ready {
		t.Error(a, err)
	}
	if a, err := s.ServerMetadata(ctx, &inference.ServerMetadataRequest{}); err != nil || a.Name != "infer" || a.Version != "v" || !strings.Contains(fmt.Sprint(a.Extensions), "model_repository") {
		t.Error(a, err)
	}
	a, err := s.ModelMetadata(ctx, &inference.ModelMetadataRequest{Name: "digits"})
	if err != nil || fmt.Sprint(a.Versions) != "[1]" || a.Platform != "infer_frz" || a.Inputs[0].Name != "input" || a.Inputs[0].Datatype != "FP32" || fmt.Sprint(a.Inputs[0].Shape) != "[-1 1 28 28]" || fmt.Sprint(a.Outputs[0].Shape) != "[-1 10]" {
		t.Error(a, err)
	}
	c, err := s.ModelConfig(ctx, &inference.ModelConfigRequest{Name: "digits"})
	if err != nil || c.Config.MaxBatchSize != 8 || c.Config.Input[0].DataType != inference.DataType_TYPE_FP32 || fmt.Sprint(c.Config.Output[0].Dims) != "[10]" {
		t.Error(c, err)
	}
	for _, name := range []string{"", "digits"} {
		st, err := s.ModelStatistics(ctx, &inference.ModelStatisticsRequest{Name: name})
		if err != nil || len(st.ModelStats) != 1 || st.ModelStats[0].InferenceCount != 1 || st.ModelStats[0].LastInference == 0 || st.ModelStats[0].BatchStats[0].BatchSize != 1 {
			t.Error(st, err)
		}
	}
	x, err := s.RepositoryIndex(ctx, &inference.RepositoryIndexRequest{Ready: true})
	if err != nil || len(x.Models) != 1 || x.Models[0].State != "READY" {
		t.Error(x, err)
	}
	if _, err := s.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "digits"}); err != nil || loaded != "digits" {
		t.Error(loaded, err)
	}
	if _, err := s.RepositoryModelUnload(ctx, &inference.RepositoryModelUnloadRequest{ModelName: "x"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Error(err)
	}
	for e := range tensor.LastElem + 1 {
		if _, ok := inference.DataType_value["TYPE_"+protocol.DatatypeOf(e).Name]; !ok {
			t.Errorf("%v has no data type", e)
		}
	}
}

// Health says so once the server drains; for a model as for all of it.
func TestHealthAndReflection(t *testing.T) {
	s := newServer(t, serve.Options{}, Options{})
	h := checker{s.core}
	status := func(service string) grpchealth.Status {
		a, err := h.Check(t.Context(), &grpchealth.CheckRequest{Service: service})
		if err != nil {
			t.Errorf("%q: %v", service, err)
			return 0
		}
		return a.Status
	}
	for _, service := range []string{"", "digits", inference.GRPCInferenceServiceName} {
		if got := status(service); got != grpchealth.StatusServing {
			t.Errorf("%q: %v", service, got)
		}
	}
	if _, err := h.Check(t.Context(), &grpchealth.CheckRequest{Service: "none"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Error(err)
	}
	s.core.Drain()
	for _, service := range []string{"", "digits"} {
		if got := status(service); got != grpchealth.StatusNotServing {
			t.Errorf("%q drains: %v", service, got)
		}
	}
	stream := grpcreflect.NewClient(s.http, s.url, connect.WithGRPC()).NewStream(t.Context())
	defer stream.Close()
	names, err := stream.ListServices()
	if err != nil || fmt.Sprint(names) != "[inference.GRPCInferenceService grpc.health.v1.Health]" {
		t.Error(names, err)
	}
	if files, err := stream.FileContainingSymbol("inference.ModelInferRequest"); err != nil || len(files) != 1 {
		t.Error(len(files), err)
	}
}

// Any message is answered, or refused as the client's fault.
func FuzzModelInfer(f *testing.F) {
	core := serve.New(serve.Options{})
	f.Cleanup(func() { core.Close() })
	if err := core.Load("digits", 1, digits.Data); err != nil {
		f.Fatal(err)
	}
	s := service{New(core, Options{})}
	seed := func(q *inference.ModelInferRequest) {
		b, err := proto.Marshal(q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed(request(1, "FP32", make([]byte, 784*4)))
	seed(request(1, "INT8", make([]byte, 784)))
	seed(typed(request(1, "INT16", nil), &inference.InferTensorContents{IntContents: make([]int32, 784)}))
	seed(typed(request(1, "BOOL", nil), &inference.InferTensorContents{BoolContents: make([]bool, 784)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		q := &inference.ModelInferRequest{}
		if proto.Unmarshal(b, q) != nil {
			return
		}
		q.ModelName, q.ModelVersion = "digits", ""
		a, err := s.ModelInfer(t.Context(), q)
		if err != nil {
			if code := connect.CodeOf(failure(err)); code != connect.CodeInvalidArgument && code != connect.CodeDeadlineExceeded {
				t.Errorf("%v: %v", code, err)
			}
			return
		}
		if len(a.Outputs) != len(a.RawOutputContents) {
			t.Errorf("%d outputs, %d contents", len(a.Outputs), len(a.RawOutputContents))
		}
	})
}

// A panic is an error of the request alone.
func TestPanic(t *testing.T) {
	s := newServer(t, serve.Options{}, Options{Load: func(context.Context, string) error { panic("x") }})
	if _, err := s.RepositoryModelLoad(t.Context(), &inference.RepositoryModelLoadRequest{}); connect.CodeOf(err) != connect.CodeInternal || strings.Contains(err.Error(), "x\n") {
		t.Error(err)
	}
	if _, err := s.ServerLive(t.Context(), &inference.ServerLiveRequest{}); err != nil {
		t.Error(err)
	}
}

// What a model refuses is refused the same way before its message is read and after.
func TestRefused(t *testing.T) {
	s := newServer(t, serve.Options{Permits: 1, MaxQueueDelay: time.Nanosecond}, Options{})
	m, err := s.core.Acquire("digits", serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	q := request(1, "FP32", make([]byte, 784*4))
	if _, err := s.ModelInfer(t.Context(), q); err != nil {
		t.Fatal(err) // which also says how long an item takes
	}
	started, stop := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		m.Use(context.Background(), nil, func(*engine.Session) error { close(started); <-stop; return nil })
	})
	<-started
	wg.Go(func() { m.Use(context.Background(), nil, func(*engine.Session) error { return nil }) })
	for m.Stats().Queued == 0 {
		time.Sleep(time.Millisecond)
	}
	direct := inference.NewGRPCInferenceServiceClient(s.http, s.url, connect.WithGRPC(), connect.WithSendGzip())
	for name, client := range map[string]inference.GRPCInferenceServiceClient{"before": s, "after": direct} {
		before := m.Stats().Outcomes[serve.Rejected]
		_, err := client.ModelInfer(t.Context(), q)
		var coded *connect.Error
		if !errors.As(err, &coded) || coded.Code() != connect.CodeUnavailable || !strings.HasPrefix(coded.Message(), "too busy") || coded.Meta().Get(pushback) != "1" {
			t.Errorf("%s: %v", name, err)
		}
		if n := m.Stats().Outcomes[serve.Rejected] - before; n != 1 {
			t.Errorf("%s: %d requests were rejected", name, n)
		}
	}
	q.ModelName = "other"
	if _, err := s.ModelInfer(t.Context(), q); connect.CodeOf(err) != connect.CodeNotFound {
		t.Error(err)
	}
}

// What counts as waiting is known before a message is read: to read it is not.
func TestWaited(t *testing.T) {
	var asked int
	waits := []time.Duration{0, time.Hour}
	s := newServer(t, serve.Options{MaxQueueDelay: time.Minute}, Options{Waited: func(context.Context) time.Duration {
		asked++
		return waits[asked-1]
	}})
	zipped := inference.NewGRPCInferenceServiceClient(s.http, s.url, connect.WithGRPC(), connect.WithSendGzip())
	q := request(1, "FP32", make([]byte, 784*4))
	for name, client := range map[string]inference.GRPCInferenceServiceClient{"plain": s, "compressed": zipped} {
		asked = 0
		if _, err := client.ModelInfer(t.Context(), q); err != nil {
			t.Errorf("%s, which has not waited: %v", name, err)
		}
		if _, err := client.ModelInfer(t.Context(), q); connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "has waited for 1h") {
			t.Errorf("%s, which has waited: %v", name, err)
		}
	}
}

func TestModelOf(t *testing.T) {
	for name, c := range map[string]struct {
		start, model, version string
		ok                    bool
	}{
		"a name":          {"\x00\x00\x00\x00\x09\x0a\x01m\x1a\x00", "m", "", true},
		"a version":       {"\x00\x00\x00\x00\x09\x0a\x01m\x12\x012\x1a\x00", "m", "2", true},
		"compressed":      {"\x01\x00\x00\x00\x09\x0a\x01m\x1a\x00", "", "", false},
		"no name":         {"\x00\x00\x00\x00\x09\x1a\x00", "", "", false},
		"cut":             {"\x00\x00\x00\x00\x09\x0a\x05m", "", "", false},
		"it may go on":    {"\x00\x00\x00\x00\x09\x0a\x01m", "", "", false},
		"another type":    {"\x00\x00\x00\x00\x09\x08\x01\x1a\x00", "", "", false},
		"half a prefix":   {"\x00\x00", "", "", false},
		"an endless size": {"\x00\x00\x00\x00\x09\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", "", false},
	} {
		model, version, ok := modelOf([]byte(c.start))
		if ok != c.ok || ok && (model != c.model || version != c.version) {
			t.Errorf("%s: %q %q %v", name, model, version, ok)
		}
	}
}
