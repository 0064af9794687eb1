// Command bench measures infer and its peers on the same work, in one process,
// in turns, one thread each: whole nets against ONNX Runtime, matrix products
// against OpenBLAS and gonum, and every layer against the limits of the
// machine; and the latency of the first net under load. Before anything is
// timed, the results are compared.
//
//	bench/prepare && go -C bench run . [-quick] [-out DIR] [NET.onnx...]
//
// It writes results.json, results.png and latency.png to the folder -out.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// A result is one row of the tables: ours and the peers' timings of one work.
type result struct {
	Work    string   `json:"work"`
	Items   int      `json:"items"` // pictures in a run; 1 for a matrix product
	MACs    float64  `json:"macs"`  // of a run
	Timings []timing `json:"timings"`
	Error   float64  `json:"largest_relative_difference"`
}

type report struct {
	Machine  machine  `json:"machine"`
	Nets     []result `json:"nets"`
	Threads  []result `json:"threads"`
	Products []result `json:"products"`
	Layers   []layer  `json:"layers"`

	Latencies []latency `json:"latencies"`
	Jitters   []jitter  `json:"jitters"`
}

func main() {
	log.SetFlags(0)
	library := flag.String("onnxruntime", ".peers/libonnxruntime.so.1", "ONNX Runtime's shared library")
	out := flag.String("out", ".", "folder for results.json, results.png and latency.png")
	quick := flag.Bool("quick", false, "a tenth of the time")
	only := flag.String("only", "", "nets, threads, products, layers or latency alone")
	batchList := flag.String("batch", "1,64", "batch sizes of whole nets")
	flag.Parse()

	rounds, each := 15, 150*time.Millisecond
	if *quick {
		rounds, each = 5, 40*time.Millisecond
	}
	ort.SetSharedLibraryPath(*library)
	if err := ort.InitializeEnvironment(); err != nil {
		log.Fatalf("%v (run bench/prepare first)", err)
	}
	defer ort.DestroyEnvironment()
	singleThreadedBLAS()

	r := report{Machine: measureMachine()}
	fmt.Printf("limits: %.1f GMAC/s; reading L1 %.0f, L2 %.0f, L3 %.0f, memory %.0f GB/s\n\n",
		r.Machine.Peak, r.Machine.L1, r.Machine.L2, r.Machine.L3, r.Machine.Memory)
	nets := flag.Args()
	if len(nets) == 0 {
		nets = defaultNets()
	}
	batches := strings.Split(*batchList, ",")
	if *only == "" || *only == "nets" {
		for _, path := range nets {
			for _, b := range batches {
				batch, err := strconv.Atoi(b)
				if err != nil {
					log.Fatal(err)
				}
				results, err := raceNet(path, batch, rounds, each)
				if err != nil {
					log.Printf("%s at batch %d: %v", path, batch, err)
					continue
				}
				r.Nets = append(r.Nets, results...)
				if ns, ok := torch(path, batch); ok {
					fmt.Printf("%-28s PyTorch, by itself %9.2f µs an item\n", results[0].Work, ns/1e3/float64(batch))
				}
			}
		}
	}
	if *only == "" || *only == "threads" {
		for _, path := range nets {
			for _, batch := range []int{1, 64} {
				t, err := raceThreads(path, batch, rounds, each)
				if err != nil {
					log.Printf("%s at batch %d: %v", path, batch, err)
					continue
				}
				r.Threads = append(r.Threads, t)
			}
		}
	}
	if *only == "" || *only == "products" {
		for _, s := range products {
			r.Products = append(r.Products, raceProduct(s[0], s[1], s[2], rounds, each))
		}
	}
	if *only == "" || *only == "layers" {
		for _, path := range nets {
			layers, err := measureLayers(path, r.Machine, rounds)
			if err != nil {
				log.Fatal(err)
			}
			r.Layers = append(r.Layers, layers...)
		}
	}
	if *only == "" || *only == "latency" {
		net := flag.Arg(0)
		if net == "" {
			net = digits
		}
		var err error
		if r.Latencies, r.Jitters, err = measureLatency(net, rounds, 2*each); err != nil {
			log.Fatal(err)
		}
		if err := drawLatencies(r.Latencies, filepath.Join(*out, "latency.png")); err != nil {
			log.Fatal(err)
		}
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*out, "results.json"), text, 0o644); err != nil {
		log.Fatal(err)
	}
	if err := drawResults(r, filepath.Join(*out, "results.png")); err != nil {
		log.Fatal(err)
	}
}

// digits is the net that the project ships.
const digits = "../weights/digits/digits.onnx"

// defaultNets are the digit nets, and the CNTK net where it is to be had.
func defaultNets() []string {
	nets := []string{"../weights/digits/seed.onnx", digits}
	if cntk := "../../shared/onnx/real/mnist_cntk.onnx"; exists(cntk) {
		nets = append(nets, cntk)
	}
	return nets
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// freeze opens a model with weights of the given type.
func freeze(path string, e kernels.Elem) (*engine.Model, error) {
	model, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	net, _, err := onnx.Freeze(model, onnx.Options{Weights: e})
	if err != nil {
		return nil, err
	}
	data, err := weights.Marshal(net)
	if err != nil {
		return nil, err
	}
	return engine.Parse(data)
}

// raceNet runs a whole net against ONNX Runtime.
func raceNet(path string, batch, rounds int, each time.Duration) ([]result, error) {
	model, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	peer, err := newONNXRuntime(model, batch, 1)
	if err != nil {
		return nil, err
	}
	for _, in := range peer.inputs {
		fill(in)
	}
	peer.run()
	name := strings.TrimSuffix(filepath.Base(path), ".onnx")
	contenders := []contender{}
	errs := map[string]float64{}
	var macs float64
	for _, e := range []kernels.Elem{kernels.F16, kernels.F32} {
		m, err := freeze(path, e)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		s, err := m.NewSession(engine.SessionOptions{Batch: batch})
		if err != nil {
			return nil, err
		}
		defer s.Close()
		for i, in := range peer.inputs {
			copy(s.Input(i), in)
		}
		if err := s.Run(batch); err != nil {
			return nil, err
		}
		worst := 0.0
		for i, want := range peer.outputs {
			worst = max(worst, difference(s.Output(i), want))
		}
		limit := map[kernels.Elem]float64{kernels.F32: 1e-4, kernels.F16: 1e-2}[e]
		if !(worst <= limit) { // NaN too
			return nil, fmt.Errorf("%v weights differ from ONNX Runtime by %.2g of the range", e, worst)
		}
		label := "infer " + e.String()
		errs[label] = worst
		macs = float64(batch) * float64(modelMACs(m))
		contenders = append(contenders, contender{label, func() {
			if err := s.Run(batch); err != nil {
				panic(err)
			}
		}})
	}
	contenders = append(contenders, contender{"ONNX Runtime", peer.run})
	r := result{Work: fmt.Sprintf("%s, batch %d", name, batch), Items: batch, MACs: macs, Timings: race(rounds, each, contenders...)}
	for _, v := range errs {
		r.Error = max(r.Error, v)
	}
	theirs := r.Timings[len(r.Timings)-1]
	for _, t := range r.Timings {
		fmt.Printf("%-28s %-14s %9.2f µs an item (median %9.2f, min %9.2f)   ONNX Runtime ÷ this: best %.2f, median %.2f\n", r.Work, t.Name,
			t.Best/1e3/float64(batch), t.Median/1e3/float64(batch), t.Min/1e3/float64(batch), theirs.Best/t.Best, theirs.Median/t.Median)
	}
	return []result{r}, nil
}

// products are the matrix products that are raced: rows, columns, depth.
var products = [][3]int{
	{512, 512, 512}, {1024, 1024, 1024},
	{196, 32, 288}, {3136, 64, 64}, {196, 256, 2304}, {49, 512, 4608},
	{1, 128, 1568}, {1, 128, 5408},
}

// raceProduct runs a matrix product against OpenBLAS and gonum. Ours has its
// right-hand side packed beforehand, as a frozen net has.
func raceProduct(m, n, k int, rounds int, each time.Duration) result {
	a, b := make([]float32, m*k), make([]float32, k*n)
	fill(a)
	fill(b)
	ours, blas, pure := kernels.AlignedFloats(m*n), make([]float32, m*n), make([]float32, m*n)
	panels := kernels.PackPanels(kernels.F32, 1, k, n,
		func(_, r, c int) float32 { return b[r*n+c] }, func(_, _ int) float32 { return 0 })
	tier, err := kernels.Default()
	if err != nil {
		log.Fatal(err)
	}
	op, err := (&kernels.FullyConnected{Channels: n}).Bind(tier, [][]int{{1, k}}, []kernels.Param{panels})
	if err != nil {
		log.Fatal(err)
	}
	w := &kernels.Workspace{Scratch: kernels.AlignedFloats(op.Scratch())}
	in, out := [][]float32{a}, [][]float32{ours}
	contenders := []contender{
		{"infer f32", func() { op.Run(w, in, out, m, 0, op.Tasks(m)) }},
		{"OpenBLAS", func() { openBLAS(m, n, k, a, b, blas) }},
		{"gonum", func() { gonum(m, n, k, a, b, pure) }},
	}
	for _, c := range contenders {
		c.run()
	}
	r := result{Work: fmt.Sprintf("%d×%d×%d", m, n, k), Items: 1, MACs: float64(m) * float64(n) * float64(k), Error: difference(ours, blas)}
	if !(r.Error <= 1e-4) { // NaN too
		log.Fatalf("%s: differs from OpenBLAS by %.2g of the range", r.Work, r.Error)
	}
	r.Timings = race(rounds, each, contenders...)
	t := r.Timings
	fmt.Printf("%-16s infer %9.2f µs %6.1f GMAC/s   OpenBLAS %6.1f   gonum %5.1f   OpenBLAS ÷ infer: best %.2f, median %.2f, min %.2f\n", r.Work,
		t[0].Best/1e3, r.MACs/t[0].Best, r.MACs/t[1].Best, r.MACs/t[2].Best, t[1].Best/t[0].Best, t[1].Median/t[0].Median, t[1].Min/t[0].Min)
	return r
}

// fill sets x to random numbers, the same in every run of the program.
func fill(x []float32) {
	rng := rand.New(rand.NewPCG(1, uint64(len(x))))
	for i := range x {
		x[i] = rng.Float32()
	}
}

// difference is the largest one between got and want, of want's range; NaN if
// there is NaN in either.
func difference(got, want []float32) float64 {
	lo, hi, worst := math.Inf(1), math.Inf(-1), 0.0
	for i, w := range want {
		lo, hi = min(lo, float64(w)), max(hi, float64(w))
		worst = max(worst, math.Abs(float64(got[i])-float64(w)))
	}
	return worst / max(hi-lo, 1e-30)
}
