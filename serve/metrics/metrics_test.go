package metrics

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/weights/digits"
)

func TestWrite(t *testing.T) {
	s := serve.New(serve.Options{})
	defer s.Close()
	if err := s.Load(`a"b`, 3, digits.Data); err != nil {
		t.Fatal(err)
	}
	s.Load("broken", 1, nil)
	m, err := s.Acquire(`a"b`, serve.Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	for _, n := range []int{1, 1, 1, 3} {
		if err := m.Infer(context.Background(), &serve.Request{Items: n, Inputs: [][]byte{make([]byte, n*784*4)}}); err != nil {
			t.Fatal(err)
		}
	}
	m.Infer(context.Background(), &serve.Request{})
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	const labels = `model="a\"b",version="3"`
	for _, line := range []string{
		`infer_model_ready{` + labels + `} 1`,
		`infer_model_ready{model="broken",version="1"} 0`,
		`infer_requests_total{` + labels + `,code="ok"} 4`,
		`infer_requests_total{` + labels + `,code="invalid"} 1`,
		`infer_rejected_total{` + labels + `,reason="expired"} 0`,
		`infer_items_total{` + labels + `} 6`,
		`infer_request_duration_seconds_count{` + labels + `} 5`,
		`infer_run_duration_seconds_bucket{` + labels + `,le="+Inf"} 4`,
		`infer_batch_size_bucket{` + labels + `,le="1"} 3`,
		`infer_batch_size_bucket{` + labels + `,le="2"} 3`,
		`infer_batch_size_bucket{` + labels + `,le="4"} 4`,
		`infer_batch_size_sum{` + labels + `} 6`,
		`infer_queue_length{` + labels + `} 0`,
		`infer_inflight_requests{` + labels + `} 0`,
		`# TYPE infer_queue_duration_seconds histogram`,
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("there is no %s in\n%s", line, &b)
		}
	}
	if !strings.Contains(b.String(), `le="1e-05"} `) {
		t.Error("no bucket of 10 µs")
	}
}
