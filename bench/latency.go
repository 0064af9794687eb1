package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

// Latency is measured as a service sees it. Requests of one picture arrive at
// random (a Poisson process), whether or not the one before is done; a single
// server answers them in their order. A request's latency counts from the
// moment at which it was to arrive: what waits behind a slow answer is slow
// too (no coordinated omission). All the while a neighbour makes garbage, so
// that Go's collector is at work.
//
// The contenders take turns, and in every round their capacity is measured
// anew, as the machine's speed drifts.

// neighbourRate is what the neighbour allocates, in bytes a second.
const neighbourRate = 200_000_000

// A situation is the load that a contender is put under.
type situation struct {
	Name string  `json:"name"`
	Load float64 `json:"load"` // part of the capacity

	// Same says that both contenders get the same requests a second: the part
	// is that of the slower one's capacity. Otherwise it is of each one's own.
	Same bool `json:"same_rate"`
}

var situations = []situation{
	{"own 50 %", 0.5, false},
	{"own 80 %", 0.8, false},
	{"same rate, 50 % of the slower's", 0.5, true},
	{"same rate, 80 % of the slower's", 0.8, true},
}

// A latency is how long the answers of one contender took in one situation, in
// nanoseconds.
type latency struct {
	Net       string    `json:"net"`
	Contender string    `json:"contender"`
	Situation situation `json:"situation"`
	Rate      float64   `json:"requests_per_second"` // the median round's
	Requests  int       `json:"requests"`
	P50       float64   `json:"p50_ns"`
	P99       float64   `json:"p99_ns"`
	P999      float64   `json:"p99_9_ns"`
	Max       float64   `json:"max_ns"`

	// The p99.9 of single rounds: other programs on the machine spoil some of
	// them, which then make up all of the tail.
	MedianRound float64 `json:"p99_9_of_the_median_round_ns"`
	BestRound   float64 `json:"p99_9_of_the_best_round_ns"`

	samples []float64 // sorted
}

// A jitter is how evenly one contender answers when it is asked again as soon
// as it has answered, beside the neighbour.
type jitter struct {
	Net       string  `json:"net"`
	Contender string  `json:"contender"`
	Runs      int     `json:"runs"`
	P50       float64 `json:"p50_ns"`
	P99       float64 `json:"p99_ns"`
	P999      float64 `json:"p99_9_ns"`
	Max       float64 `json:"max_ns"`
}

// measureLatency is of the first net. It takes many rounds, so that no single
// stall of the machine decides what a tail is.
func (b *bench) measureLatency() (err error) {
	if b.Latencies, b.Jitters, err = latencyOf(b.nets[0], 4*b.rounds, 2*b.each); err != nil {
		return err
	}
	return drawLatencies(b.Latencies, filepath.Join(b.out, "latency.png"))
}

// latencyOf compares a net with half-precision weights and ONNX Runtime, at
// batch 1 and one thread each.
func latencyOf(path string, rounds int, each time.Duration) ([]latency, []jitter, error) {
	model, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	peer, err := newONNXRuntime(model, 1, 1)
	if err != nil {
		return nil, nil, err
	}
	m, err := freeze(path, tensor.F16)
	if err != nil {
		return nil, nil, err
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{})
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	for i, in := range peer.inputs {
		fill(in)
		copy(s.Input(i), in)
	}
	contenders := []contender{
		running("infer", s, 1),
		{"ONNX Runtime", peer.run},
	}

	stop := make(chan struct{})
	defer close(stop)
	go makeGarbage(stop)

	net := netName(path)
	var series []openLoop
	for _, sit := range situations {
		for i := range contenders {
			series = append(series, openLoop{contender: i, situation: sit})
		}
	}
	closed := make([][]float64, len(contenders))
	rng := rand.New(rand.NewPCG(7, 7))
	for range rounds {
		capacity := make([]float64, len(contenders)) // runs a second
		for i, c := range contenders {
			start, before := time.Now(), len(closed[i])
			closed[i] = back2back(closed[i], each, c.run)
			capacity[i] = float64(len(closed[i])-before) / time.Since(start).Seconds()
		}
		for i := range series {
			o := &series[i]
			rate := o.situation.Load * capacity[o.contender]
			if o.situation.Same {
				rate = o.situation.Load * slices.Min(capacity)
			}
			o.round(rate, each, rng, contenders[o.contender].run)
		}
	}

	var latencies []latency
	for _, o := range series {
		l := o.result()
		l.Net, l.Contender = net, contenders[o.contender].name
		latencies = append(latencies, l)
	}
	var jitters []jitter
	for i, x := range closed {
		slices.Sort(x)
		jitters = append(jitters, jitter{net, contenders[i].name, len(x), quantile(x, 0.5), quantile(x, 0.99), quantile(x, 0.999), x[len(x)-1]})
	}
	printLatencies(latencies, jitters)
	return latencies, jitters, nil
}

// back2back runs without a pause for the given time and appends what each run took.
func back2back(samples []float64, each time.Duration, run func()) []float64 {
	for start := time.Now(); time.Since(start) < each; {
		t := time.Now()
		run()
		samples = append(samples, float64(time.Since(t)))
	}
	return samples
}

// An openLoop gathers the latencies of a contender in a situation.
type openLoop struct {
	contender int
	situation situation
	samples   []float64
	rates     []float64 // of each round, in requests a second
	p999      []float64 // of each round
}

// round serves the requests of one stretch of time.
func (o *openLoop) round(rate float64, each time.Duration, rng *rand.Rand, run func()) {
	arrivals := poisson(rate, each, rng)
	start := time.Now()
	// A server that waits leaves the processor to others.
	took := serve(arrivals, run, func() time.Duration { return time.Since(start) }, runtime.Gosched)
	o.samples = append(o.samples, took...)
	if slices.Sort(took); len(took) > 0 {
		o.rates = append(o.rates, rate)
		o.p999 = append(o.p999, quantile(took, 0.999))
	}
}

// poisson draws when requests arrive.
func poisson(rate float64, each time.Duration, rng *rand.Rand) []time.Duration {
	arrivals := make([]time.Duration, 0, int(2*rate*each.Seconds())+16)
	for at := 0.0; ; {
		at += rng.ExpFloat64() / rate * 1e9
		if at > float64(each) {
			return arrivals
		}
		arrivals = append(arrivals, time.Duration(at))
	}
}

// serve answers requests in their order, none before it arrives, and returns
// how many nanoseconds after its arrival each was answered. It calls wait until
// the time, which begins with 0, has come.
func serve(arrivals []time.Duration, run func(), now func() time.Duration, wait func()) []float64 {
	took := make([]float64, 0, len(arrivals)) // before the first request arrives
	for _, at := range arrivals {
		for now() < at {
			wait()
		}
		run()
		took = append(took, float64(now()-at))
	}
	return took
}

func (o *openLoop) result() latency {
	x := o.samples
	slices.Sort(x)
	slices.Sort(o.rates)
	slices.Sort(o.p999)
	return latency{
		Situation: o.situation, Rate: quantile(o.rates, 0.5), Requests: len(x),
		P50: quantile(x, 0.5), P99: quantile(x, 0.99), P999: quantile(x, 0.999), Max: x[len(x)-1],
		MedianRound: quantile(o.p999, 0.5), BestRound: o.p999[0], samples: x,
	}
}

// quantile is the smallest element of sorted x that at least the part q of all
// does not exceed.
func quantile(x []float64, q float64) float64 { return stat.Quantile(q, stat.Empirical, x, nil) }

// makeGarbage allocates neighbourRate bytes a second, as structures that the
// collector has to look through. Those of the last hundredth of a second live.
func makeGarbage(stop <-chan struct{}) {
	type piece [256]*int
	const rate = neighbourRate / 2048
	alive := make([]*piece, rate/100)
	made := 0
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		select {
		case <-stop:
			return
		default:
		}
		for due := int(time.Since(start).Seconds() * rate); made < due; made++ {
			alive[made%len(alive)] = new(piece)
		}
	}
}

func printLatencies(latencies []latency, jitters []jitter) {
	fmt.Printf("latency with Poisson arrivals beside a neighbour that allocates %d MB/s, from the intended arrival on, in µs\n", neighbourRate/1_000_000)
	fmt.Printf("%-10s %-31s %-13s %10s %8s %8s %8s %8s   p99.9 of the median, best round\n", "net", "load", "", "requests/s", "p50", "p99", "p99.9", "max")
	for i, l := range latencies {
		fmt.Printf("%-10s %-31s %-13s %10.0f %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f\n", l.Net, l.Situation.Name, l.Contender,
			l.Rate, l.P50/1e3, l.P99/1e3, l.P999/1e3, l.Max/1e3, l.MedianRound/1e3, l.BestRound/1e3)
		if i%2 == 1 {
			ours := latencies[i-1]
			fmt.Printf("%-42s %-13s %10.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f\n", "", "the ratio",
				ours.Rate/l.Rate, ours.P50/l.P50, ours.P99/l.P99, ours.P999/l.P999, ours.Max/l.Max, ours.MedianRound/l.MedianRound, ours.BestRound/l.BestRound)
		}
	}
	fmt.Println("\none run after the other, beside the same neighbour, in µs")
	for _, j := range jitters {
		fmt.Printf("%-10s %-14s %9d runs   p50 %7.1f   p99 %7.1f   p99.9 %7.1f   max %8.1f   p99 ÷ p50 %.2f\n", j.Net, j.Contender, j.Runs,
			j.P50/1e3, j.P99/1e3, j.P999/1e3, j.Max/1e3, j.P99/j.P50)
	}
	fmt.Println()
}
