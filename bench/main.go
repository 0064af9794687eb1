// Command bench measures infer and its peers on the same work, in one process,
// in turns, one thread each: whole nets against ONNX Runtime, matrix products
// against OpenBLAS and gonum, and every layer against the limits of the
// machine; one thread against two; the latency of the first net under load; the
// way of a picture to the input, against Pillow and torchvision; and `infer
// serve` under load, against ONNX Runtime behind net/http.
// Before anything is timed, the results are compared.
//
//	bench/prepare && go -C bench run . [-quick] [-only PART,PART...] [-families DIR] [-out DIR] [NET.onnx...]
//	bench/prepare && go -C bench run . -photos DIR
//	bench/prepare && go -C bench run . -graphs COUNT [-seed N]
//	go -C bench run . -publish
//
// The first form writes results.json, layers.png, latency.png and service.png to
// the folder -out. With -families it compares the nets in DIR, too, with ONNX
// Runtime; nets.py builds nets of many families there if there are none. With
// -compare FILE it tells which ratios are worse than in an older results.json.
//
// The others measure nothing. The second form compares the inputs made from the
// photos in DIR with those of torchvision's transform, and what a net answers to
// both; the third compares the answers to random graphs over all operators. The
// fourth writes the tables of the documents, and their picture, from the committed
// results.json.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// A bench is what is to be measured, and what has been.
type bench struct {
	nets    []string // files of ONNX models
	batches []int
	rounds  int
	each    time.Duration // of a contender in a round
	out     string        // folder for pictures and figures

	library string // ONNX Runtime's

	photos   string // folder of photos to compare with torchvision's
	families string // folder of nets of many families, if these are to be measured
	report
}

// A report is what stands in results.json.
type report struct {
	Machine  machine  `json:"machine"`
	Nets     []result `json:"nets"`
	Families []result `json:"families,omitempty"`
	Threads  []result `json:"threads"`
	Products []result `json:"products"`
	Layers   []layer  `json:"layers"`

	QuantisedProducts []result `json:"quantised_products,omitempty"`

	Latencies []latency `json:"latencies"`
	Jitters   []jitter  `json:"jitters"`

	Pictures []pictureResult `json:"pictures"`
	Photos   []photoResult   `json:"photos,omitempty"`

	ServiceStart float64         `json:"service_start_ns,omitempty"`
	ServiceCosts []serviceCost   `json:"service_costs,omitempty"`
	Service      []serviceResult `json:"service,omitempty"`
}

// A result is one row of the tables: ours and the peers' timings of one work.
type result struct {
	Work    string   `json:"work"`
	Items   int      `json:"items"` // pictures in a run; 1 for a matrix product
	MACs    float64  `json:"macs"`  // of a run
	Timings []timing `json:"timings"`
	Error   float64  `json:"largest_relative_difference"`
}

// parts are what -only chooses from, in the order in which they run.
var parts = []struct {
	name string
	run  func(*bench) error
}{
	{"nets", (*bench).raceNets},
	{"threads", (*bench).raceThreads},
	{"products", (*bench).raceProducts},
	{"int8", (*bench).raceQuantisedProducts},
	{"layers", (*bench).measureLayers},
	{"latency", (*bench).measureLatency},
	{"families", (*bench).raceFamilies},
	{"pictures", (*bench).racePictures},
	{"serve", (*bench).measureService},
}

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if len(os.Args) == 4 && os.Args[1] == "onnxruntime-server" { // a process of part serve
		return servePeer(os.Args[2], os.Args[3])
	}
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	library := flag.String("onnxruntime", ".peers/libonnxruntime.so.1", "ONNX Runtime's shared library")
	out := flag.String("out", "results", "folder for results.json and pictures")
	older := flag.String("compare", "", "an older results.json; worse ratios than in `FILE` are an error")
	publishing := flag.Bool("publish", false, "write the documents' tables from results.json, and measure nothing")
	quick := flag.Bool("quick", false, "a tenth of the time")
	only := flag.String("only", "", "only these `PARTS`: "+strings.Join(names, ", "))
	families := flag.String("families", "", "compare the nets in `DIR` with ONNX Runtime, which nets.py builds if there are none")
	photos := flag.String("photos", "", "compare the inputs made from the photos in `DIR` with torchvision's, and measure nothing")
	graphs := flag.Int("graphs", 0, "compare so many random graphs with ONNX Runtime, alone")
	seed := flag.Uint64("seed", 1, "of the first random graph")
	batches := flag.String("batch", "1,64", "batch sizes of whole nets; those of more than 100 million multiply-adds an item are measured at the first alone")
	flag.Parse()
	if *publishing {
		return publish("results.json")
	}
	asked := names
	if *only != "" {
		asked = strings.Split(*only, ",")
	}
	if *photos != "" {
		asked = []string{"pictures"}
	}
	for _, name := range asked {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no part %q: there are %s", name, strings.Join(names, ", "))
		}
	}

	b := bench{nets: flag.Args(), rounds: 15, each: 150 * time.Millisecond, out: *out, library: *library, photos: *photos, families: *families}
	if *quick {
		b.rounds, b.each = 5, 40*time.Millisecond
	}
	if len(b.nets) == 0 {
		b.nets = defaultNets()
	}
	for _, text := range strings.Split(*batches, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-batch takes positive numbers, and %q is none", text)
		}
		b.batches = append(b.batches, n)
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	ort.SetSharedLibraryPath(*library)
	if err := ort.InitializeEnvironment(); err != nil {
		return fmt.Errorf("%w (run bench/prepare first)", err)
	}
	defer ort.DestroyEnvironment()
	if *graphs > 0 {
		return compareGraphs(*graphs, *seed)
	}
	singleThreadedBLAS()

	b.Machine = measureMachine()
	b.Machine.ONNXRuntime = ort.GetVersion()
	fmt.Printf("limits: %.1f GMAC/s; reading L1 %.0f, L2 %.0f, L3 %.0f, memory %.0f GB/s\n\n",
		b.Machine.Peak, b.Machine.L1, b.Machine.L2, b.Machine.L3, b.Machine.Memory)
	for _, p := range parts {
		if slices.Contains(asked, p.name) {
			if err := p.run(&b); err != nil {
				return err
			}
		}
	}
	text, err := json.MarshalIndent(b.report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.out, "results.json"), text, 0o644); err != nil {
		return err
	}
	if len(b.Layers) > 0 {
		if err := drawLayers(b.report, filepath.Join(b.out, "layers.png")); err != nil {
			return err
		}
	}
	if *older != "" {
		return compare(&b.report, *older)
	}
	return nil
}
