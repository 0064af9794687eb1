package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A server is measured as its clients see it: `infer serve` with the embedded
// net, and the same net behind package net/http with ONNX Runtime, each a
// process of its own with half of the processors, asked over the loopback by
// this process, which has the rest. Requests arrive at random (a Poisson
// process) whether or not others are answered, and their latency counts from
// the moment at which they were to arrive.

// queueBound is the server's --max-queue-delay.
const queueBound = 10 * time.Millisecond

// serviceLoads are parts of the capacity.
var serviceLoads = []float64{0.5, 0.8, 0.95, 1.5}

// A serviceResult is what became of requests in one situation.
type serviceResult struct {
	Server    string  `json:"server"`
	Transport string  `json:"transport"`
	Load      float64 `json:"load"`                // part of the capacity, its own unless Same
	Same      bool    `json:"same_rate"`           // part of the slower one's capacity
	Rate      float64 `json:"requests_per_second"` // that were offered
	Requests  int     `json:"requests"`
	Rejected  int     `json:"rejected"`
	Failed    int     `json:"failed"`
	Goodput   float64 `json:"answers_per_second"`
	Capacity  float64 `json:"capacity_per_second"`
	Asking    float64 `json:"asking"` // part of the time that the load generator has computed; from 0.9 on it measures itself
	P50       float64 `json:"p50_ns"` // of those that were answered
	P99       float64 `json:"p99_ns"`
	P999      float64 `json:"p99_9_ns"`
}

// A serviceCost is what a request costs the server.
type serviceCost struct {
	Request string  `json:"request"`
	CPU     float64 `json:"cpu_ns"`
	Health  float64 `json:"health_requests"` // that cost as much
}

// A process is a server under load.
type process struct {
	name, address string
	cmd           *exec.Cmd
	started       time.Time
}

// measureService is of the embedded net.
func (b *bench) measureService() error {
	dir, err := os.MkdirTemp("", "bench-service")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	command := filepath.Join(dir, "infer")
	if out, err := exec.Command("go", "build", "-C", "..", "-o", command, "./cmd/infer").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if err := b.measureStart(command); err != nil {
		return err
	}
	ours, err := startInfer(command)
	if err != nil {
		return err
	}
	defer ours.end()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	peer, err := startProcess("ONNX Runtime", self, "onnxruntime-server", b.library, defaultNets()[0])
	if err != nil {
		return err
	}
	defer peer.end()

	restore, err := useOtherCPUs()
	if err != nil {
		return err
	}
	defer restore()
	transports, err := newTransports(ours.address, peer.address)
	if err != nil {
		return err
	}
	if err := b.measureCosts(ours, transports); err != nil {
		return err
	}
	return b.measureLoads(transports)
}

// serverCPUs is how many processors a server has.
func serverCPUs() int { return max(1, runtime.NumCPU()/2) }

// useOtherCPUs moves this process to those that servers do not have: one that
// shared theirs would slow them down by the time for which the system lets each of
// two run. One thread more than there are processors waits for arrivals.
func useOtherCPUs() (restore func(), err error) {
	var all, others unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, err
	}
	for i := serverCPUs(); i < runtime.NumCPU(); i++ {
		others.Set(i)
	}
	if others.Count() == 0 {
		others = all
	}
	before := runtime.GOMAXPROCS(others.Count() + 1)
	restore = func() {
		runtime.GOMAXPROCS(before)
		setAffinity(&all)
	}
	return restore, setAffinity(&others)
}

// setAffinity is for all threads, and those that they start.
func setAffinity(set *unix.CPUSet) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, set); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}

// startProcess starts a server on the first processors. It writes the address
// at which it listens as a line of its own.
func startProcess(name, command string, args ...string) (*process, error) {
	n := serverCPUs()
	p := &process{name: name, cmd: exec.Command("taskset", append([]string{"-c", fmt.Sprintf("0-%d", n-1), command}, args...)...)}
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(n))
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" {
			p.address = entry.Address
			go func() { // nobody may wait for a full pipe
				for lines.Scan() {
				}
			}()
			return p, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s ended before it served", name), p.cmd.Wait())
}

func startInfer(command string) (*process, error) {
	return startProcess("infer", command, "serve", "--listen", "127.0.0.1:0", "--admin", "", "--drain", "0s", "--max-queue-delay", queueBound.String())
}

func (p *process) end() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

// cpu is the time that the process has computed, in nanoseconds.
func (p *process) cpu() (float64, error) {
	// The clock of a process by its number (clock_getcpuclockid(3)): what /proc
	// says is in hundredths of a second.
	const scheduled = 2
	var t unix.Timespec
	err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|scheduled), &t)
	return float64(t.Nano()), err
}

// measureStart says how long the server takes from its start until it is ready.
func (b *bench) measureStart(command string) error {
	var took []float64
	for range b.rounds {
		p, err := startInfer(command)
		if err != nil {
			return err
		}
		for {
			resp, err := http.Get("http://" + p.address + "/v2/health/ready")
			if err != nil {
				p.end()
				return err
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		took = append(took, float64(time.Since(p.started)))
		p.end()
	}
	slices.Sort(took)
	b.ServiceStart = took[len(took)/2]
	fmt.Printf("infer serve is ready after %.1f ms, the median of %d starts; the best %.1f ms\n\n", b.ServiceStart/1e6, len(took), took[0]/1e6)
	return nil
}

// measureCosts compares what requests cost a server that is kept busy, in turns.
func (b *bench) measureCosts(p *process, all []*transport) error {
	costs := make([]float64, len(all)) // the least of the rounds
	for range b.rounds {
		for i, t := range all {
			if t.server != "infer" {
				continue
			}
			before, err := p.cpu()
			if err != nil {
				return err
			}
			answered, _, err := t.keepBusy(b.each)
			if err != nil {
				return err
			}
			after, err := p.cpu()
			if err != nil {
				return err
			}
			if cost := (after - before) / float64(answered); costs[i] == 0 || cost < costs[i] {
				costs[i] = cost
			}
		}
	}
	fmt.Println("what a request costs the server, in CPU time, and in requests of health")
	for i, t := range all {
		if costs[i] == 0 {
			continue
		}
		c := serviceCost{t.name, costs[i], costs[i] / costs[0]}
		b.ServiceCosts = append(b.ServiceCosts, c)
		fmt.Printf("  %-14s %7.1f µs %6.2f\n", c.Request, c.CPU/1e3, c.Health)
	}
	fmt.Println()
	return nil
}

// measureLoads puts all transports under all loads, in turns, and then both
// servers under the same.
func (b *bench) measureLoads(all []*transport) error {
	var series []*serviceSeries
	for _, t := range all {
		if !t.loaded {
			continue
		}
		for _, load := range serviceLoads {
			series = append(series, &serviceSeries{transport: t, load: load})
		}
	}
	for _, t := range all {
		if t.compared {
			series = append(series, &serviceSeries{transport: t, load: 0.8, same: true})
		}
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for range b.rounds {
		slowest := 0.0 // of those that are compared
		for _, t := range all {
			if !t.loaded {
				continue
			}
			if err := t.measureCapacity(2 * b.each); err != nil {
				return err
			}
			if t.compared && (slowest == 0 || t.capacity < slowest) {
				slowest = t.capacity
			}
		}
		for _, s := range series {
			rate := s.load * s.transport.capacity
			if s.same {
				rate = s.load * slowest
			}
			if err := s.round(rate, 4*b.each, rng); err != nil {
				return err
			}
		}
	}
	fmt.Printf("open-loop load on a server with %d of %d processors; latency of what was answered, from the intended arrival on, in ms\n", serverCPUs(), runtime.NumCPU())
	fmt.Printf("%-14s %-12s %-20s %9s %9s %9s %8s %8s %7s %8s %9s %8s\n", "server", "transport", "load", "offered/s", "goodput/s", "capacity", "rejected", "failed", "asking", "p50", "p99", "p99.9")
	for _, s := range series {
		r := s.result()
		b.Service = append(b.Service, r)
		load := fmt.Sprintf("%.0f %%", 100*r.Load)
		if r.Same {
			load += " of the slower's"
		}
		fmt.Printf("%-14s %-12s %-20s %9.0f %9.0f %9.0f %7.1f%% %8d %6.0f%% %8.3f %9.3f %8.3f\n", r.Server, r.Transport, load, r.Rate, r.Goodput, r.Capacity,
			100*float64(r.Rejected)/float64(r.Requests), r.Failed, 100*r.Asking, r.P50/1e6, r.P99/1e6, r.P999/1e6)
		if s.err != nil {
			fmt.Printf("  a request failed: %v\n", s.err)
		}
	}
	fmt.Println()
	return drawService(b.Service, filepath.Join(b.out, "service.png"))
}
