// Package metrics writes a server's counters in the text format of
// Prometheus.
package metrics

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/infer-go/infer/serve"
)

// Handler answers with the metrics of a Server.
func Handler(s *serve.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		Write(w, s) // a client that is gone needs no error
	})
}

// A sample is a model's part of the metrics.
type sample struct {
	labels string // model="a",version="1"
	serve.Stats
}

// Write writes all metrics of a Server.
func Write(to io.Writer, s *serve.Server) error {
	w := &writer{bufio.NewWriter(to)}
	var ready strings.Builder
	var all []sample
	for _, status := range s.Index() {
		version := strconv.FormatInt(status.Version, 10)
		labels := `model="` + escape(status.Name) + `",version="` + version + `"`
		m, err := s.Acquire(status.Name, version)
		if err != nil {
			fmt.Fprintf(&ready, "infer_model_ready{%s} 0\n", labels)
			continue
		}
		fmt.Fprintf(&ready, "infer_model_ready{%s} 1\n", labels)
		all = append(all, sample{labels, m.Stats()})
		m.Release()
	}
	w.head("infer_model_ready", "gauge", "Whether a model answers requests.")
	w.WriteString(ready.String())

	w.head("infer_requests_total", "counter", "Requests that reached a model, by what became of them.")
	for _, m := range all {
		for _, o := range serve.Outcomes() {
			fmt.Fprintf(w, "infer_requests_total{%s,code=%q} %d\n", m.labels, o, m.Outcomes[o])
		}
	}
	w.head("infer_rejected_total", "counter", "Requests that were refused, or given up while they waited.")
	for _, m := range all {
		for _, o := range []serve.Outcome{serve.Rejected, serve.Expired, serve.Cancelled} {
			fmt.Fprintf(w, "infer_rejected_total{%s,reason=%q} %d\n", m.labels, o, m.Outcomes[o])
		}
	}
	w.head("infer_items_total", "counter", "Items that were computed.")
	for _, m := range all {
		fmt.Fprintf(w, "infer_items_total{%s} %d\n", m.labels, m.Items)
	}
	w.durations("infer_request_duration_seconds", "Time of requests within the server's core.", all, func(m *sample) *serve.Histogram { return &m.RequestTime })
	w.durations("infer_queue_duration_seconds", "Time that requests waited.", all, func(m *sample) *serve.Histogram { return &m.QueueTime })
	w.durations("infer_run_duration_seconds", "Time of batches in the net.", all, func(m *sample) *serve.Histogram { return &m.RunTime })
	w.batches(all)
	w.head("infer_queue_length", "gauge", "Items that wait.")
	for _, m := range all {
		fmt.Fprintf(w, "infer_queue_length{%s} %d\n", m.labels, m.Queued)
	}
	w.head("infer_inflight_requests", "gauge", "Requests that wait or are computed.")
	for _, m := range all {
		fmt.Fprintf(w, "infer_inflight_requests{%s} %d\n", m.labels, m.InFlight)
	}
	w.head("infer_model_memory_bytes", "gauge", "Memory of a model's sessions.")
	for _, m := range all {
		fmt.Fprintf(w, "infer_model_memory_bytes{%s} %d\n", m.labels, m.Memory)
	}
	w.process()
	return w.Flush()
}

type writer struct{ *bufio.Writer }

func (w *writer) head(name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// durations writes a histogram of each model.
func (w *writer) durations(name, help string, all []sample, of func(*sample) *serve.Histogram) {
	w.head(name, "histogram", help)
	for i := range all {
		h := of(&all[i])
		sum := uint64(0)
		for k, n := range h.Counts {
			sum += n
			bound := "+Inf"
			if k < len(serve.Bounds) {
				bound = number(serve.Bounds[k].Seconds())
			}
			fmt.Fprintf(w, "%s_bucket{%s,le=%q} %d\n", name, all[i].labels, bound, sum)
		}
		fmt.Fprintf(w, "%s_sum{%s} %s\n%s_count{%s} %d\n", name, all[i].labels, number(h.Sum.Seconds()), name, all[i].labels, sum)
	}
}

// batches writes the histogram of how many items batches had.
func (w *writer) batches(all []sample) {
	const name = "infer_batch_size"
	w.head(name, "histogram", "Items of batches.")
	for _, m := range all {
		runs, items := uint64(0), uint64(0)
		next := 0
		for bound := 1; bound <= 1<<10; bound *= 2 {
			for ; next < len(m.Batches) && m.Batches[next].Size <= bound; next++ {
				runs += m.Batches[next].Run.Count
				items += m.Batches[next].Run.Count * uint64(m.Batches[next].Size)
			}
			fmt.Fprintf(w, "%s_bucket{%s,le=\"%d\"} %d\n", name, m.labels, bound, runs)
		}
		for _, b := range m.Batches[next:] {
			runs += b.Run.Count
			items += b.Run.Count * uint64(b.Size)
		}
		fmt.Fprintf(w, "%s_bucket{%s,le=\"+Inf\"} %d\n%s_sum{%s} %d\n%s_count{%s} %d\n", name, m.labels, runs, name, m.labels, items, name, m.labels, runs)
	}
}

// process writes what Go's runtime says of the process.
func (w *writer) process() {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	w.head("go_goroutines", "gauge", "Goroutines.")
	fmt.Fprintf(w, "go_goroutines %d\n", runtime.NumGoroutine())
	w.head("go_memstats_heap_alloc_bytes", "gauge", "Heap that is in use.")
	fmt.Fprintf(w, "go_memstats_heap_alloc_bytes %d\n", mem.HeapAlloc)
	w.head("go_memstats_sys_bytes", "gauge", "Memory that the runtime has from the system.")
	fmt.Fprintf(w, "go_memstats_sys_bytes %d\n", mem.Sys)
	w.head("go_sched_gomaxprocs_threads", "gauge", "GOMAXPROCS.")
	fmt.Fprintf(w, "go_sched_gomaxprocs_threads %d\n", runtime.GOMAXPROCS(0))
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// escape is a label's value as the format has it.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}
