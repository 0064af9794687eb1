package engine

import (
	"errors"
	"io/fs"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// saveNet writes a net to a file of its own and returns its path.
func saveNet(t testing.TB, net *weights.Net) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "net.frz")
	if err := weights.Save(path, net); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file opened and its bytes parsed, at any alignment, compute the same.
func TestOpenAndParse(t *testing.T) {
	net := digitNet(t, tensor.F16)
	net.Meta.Name = "digit"
	path := saveNet(t, net)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shifted := append(make([]byte, 1, len(data)+1), data...)[1:]

	item := randomItems(net, rand.New(rand.NewPCG(1, 2)), 1)[0]
	tier, err := kernels.Default()
	if err != nil {
		t.Fatal(err)
	}
	want := naive(t, net, tier, item)
	for name, open := range map[string]func() (*Model, error){
		"Open":            func() (*Model, error) { return Open(path) },
		"Parse":           func() (*Model, error) { return Parse(data) },
		"Parse unaligned": func() (*Model, error) { return Parse(shifted) },
	} {
		m, err := open()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Meta().Name != "digit" || m.Kernels() != tier.Name {
			t.Errorf("%s: %q on %q", name, m.Meta().Name, m.Kernels())
		}
		s := newTestSession(t, m, SessionOptions{})
		// The session keeps the weights.
		if err := m.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		check(t, s, [][][]float32{item}, [][][]float32{want})
		if len(m.Steps()) != len(net.Steps) || m.Inputs()[0].Name == "" {
			t.Errorf("%s: a closed model has forgotten what it is", name)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.frz")
	if err := os.WriteFile(garbage, []byte("not a frozen net"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(garbage); !errors.Is(err, weights.ErrFormat) || !strings.Contains(err.Error(), garbage) {
		t.Errorf("garbage: %v, want ErrFormat with the path", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a directory: no error")
	}
	if _, err := Parse(nil); !errors.Is(err, weights.ErrFormat) {
		t.Errorf("nothing: %v, want ErrFormat", err)
	}
	if _, err := (Options{Kernels: "abacus"}).Parse(nil); err == nil || !strings.Contains(err.Error(), "portable") {
		t.Errorf("unknown kernels: %v, want a list of those that there are", err)
	}
}

func TestOptionsKernels(t *testing.T) {
	path := saveNet(t, digitNet(t, tensor.F32))
	for _, tier := range kernels.Tiers() {
		m, err := Options{Kernels: tier.Name}.Open(path)
		if !tier.Supported {
			if err == nil {
				t.Errorf("%s: no error on a processor that lacks it", tier.Name)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Kernels() != tier.Name {
			t.Errorf("%s chosen, %s used", tier.Name, m.Kernels())
		}
		m.Close()
	}
}

func TestSteps(t *testing.T) {
	m := newTestModel(t, digitNet(t, tensor.F16), portable)
	var macs int64
	var bytes int
	for i, s := range m.Steps() {
		macs += s.MACs
		bytes += s.Weights
		if s.View != (s.Op == "Reshape") {
			t.Errorf("step %d, %s: a view: %v", i, s.Op, s.View)
		}
	}
	// Formulas of the layers: positions × channels × products.
	if want := int64(28*28*32*9 + 14*14*32*288 + 1568*128 + 128*10); macs != want {
		t.Errorf("%d multiply-adds, want %d", macs, want)
	}
	if least := 2 * (32*9 + 32*288 + 1568*128 + 128*10); bytes < least || bytes > least*11/10 {
		t.Errorf("%d bytes of weights, want a little more than %d", bytes, least)
	}
	// A pool has no multiply-adds, but takes time.
	b := newNet(t, true)
	b.output(b.step(&kernels.Pool{Window: kernels.Window{Kernel: [2]int{64, 64}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}}, b.input(1, 128, 128, 1)))
	if s := newTestModel(t, b.net, portable).Steps()[0]; s.MACs != 0 || s.Work < 65*65*64*64 || s.Work > 2*65*65*64*64 {
		t.Errorf("a pool of 65×65 windows of 64×64 has %d multiply-adds and work of %d", s.MACs, s.Work)
	}
	memory, err := m.Memory(1)
	if err != nil {
		t.Fatal(err)
	}
	if memory.Arena < memory.Live || memory.Arena > memory.Tensors {
		t.Errorf("memory %+v", memory)
	}
}

// Values that share one buffer may together be more than memory could hold.
func TestMemoryOfViews(t *testing.T) {
	b := newNet(t, true)
	const side = 1 << min(bits.UintSize/2-3, 15)
	x, y := b.input(1, side, side), b.input(1, 4)
	for range 40 {
		b.step(&kernels.Reshape{Shape: []int{1, side, side}}, x)
	}
	b.output(b.step(&kernels.Unary{Kind: kernels.Abs}, y))
	memory, err := newTestModel(t, b.net, portable).Memory(1)
	if err != nil {
		t.Fatal(err)
	}
	// In float64, in which nothing overflows.
	want := min(math.MaxInt64, 4*(41.0*side*side+8))
	if got := float64(memory.Tensors); math.Abs(got-want) > want/1e6 {
		t.Errorf("all tensors take %g bytes, want %g", got, want)
	}
}
