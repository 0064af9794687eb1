//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/weights/digits"
)

// A served is a server under test.
type served struct {
	url, admin string
	log        lockedBuffer
	ended      chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startServer runs infer serve on ports of its own.
func startServer(t *testing.T, args ...string) *served {
	t.Helper()
	s := &served{ended: make(chan error, 1)}
	flags := flag.NewFlagSet("infer", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var o *serveOptions
	started := make(chan bool, 1)
	// The options are the command's own.
	do := serveSetup(flags, func(opts *serveOptions) {
		o = opts
		o.started = func(address, admin string) {
			s.url, s.admin = "http://"+address, "http://"+admin
			started <- true
		}
	})
	rest, err := parse(flags, append([]string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--drain", "50ms"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: &output{w: io.Discard}, stderr: &s.log}
	go func() { s.ended <- do(a, rest) }()
	select {
	case <-started:
	case err := <-s.ended:
		t.Fatalf("it ended with %v, and logged %s", err, &s.log)
	}
	return s
}

// stop ends the server as an orchestrator does.
func (s *served) stop(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}

// answerOf is the status and the body of an answer; 0 if there is none.
func answerOf(c *http.Client, method, url string, body []byte, headers ...string) (int, string) {
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// TestServe asks the built-in net over HTTP/1.1 and HTTP/2 for what the command
// says, and looks at everything around it.
func TestServe(t *testing.T) {
	s := startServer(t, "--metrics", "127.0.0.1:0", "--log", "debug")
	picture := filepath.Join(testdata, "7.png")
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	want := mustInfer(t, "--json", "--top", "2", picture)
	var wanted, got struct {
		Top   []map[string]any
		Error *string
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	for name, c := range map[string]*http.Client{"HTTP/1.1": {}, "HTTP/2": {Transport: &http.Transport{Protocols: h2c}}} {
		code, text := answerOf(c, "POST", s.url+"/v2/models/digits/classify?top=2", data, "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 || fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Errorf("%s: %d %s, where the command says %s", name, code, text, want)
		}
	}
	procedures := inference.NewGRPCInferenceServiceClient(&http.Client{Transport: &http.Transport{Protocols: h2c}}, s.url, connect.WithGRPC())
	if ready, err := procedures.ModelReady(t.Context(), &inference.ModelReadyRequest{Name: "digits"}); err != nil || !ready.Ready {
		t.Errorf("gRPC: %v, %v", ready, err)
	}
	if code, text := answerOf(http.DefaultClient, "GET", s.admin+"/metrics", nil); code != 200 || !strings.Contains(text, `infer_requests_total{model="digits",version="1",code="ok"} 2`) {
		t.Errorf("metrics: %d %s", code, text)
	}
	if code, _ := answerOf(http.DefaultClient, "GET", s.admin+"/debug/pprof/goroutine?debug=1", nil); code != 200 {
		t.Errorf("profiles: %d", code)
	}
	if code, _ := answerOf(http.DefaultClient, "GET", s.url+"/debug/pprof/", nil); code != 404 {
		t.Errorf("profiles for everybody: %d", code)
	}
	if !strings.Contains(s.log.String(), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) {
		t.Errorf("no id of the trace in %s", &s.log)
	}
	if code, _ := answerOf(http.DefaultClient, "PUT", s.admin+"/loglevel?level=error", nil); code != 200 {
		t.Errorf("the log's level: %d", code)
	}
	if code, text := answerOf(http.DefaultClient, "GET", s.admin+"/loglevel", nil); code != 200 || text != "ERROR\n" {
		t.Errorf("the log's level: %d %s", code, text)
	}
	if code, _ := answerOf(http.DefaultClient, "GET", s.admin+"/metrics", nil, "Origin", "http://evil.example"); code != 403 {
		t.Errorf("metrics for a page: %d", code)
	}
	for _, line := range strings.Split(strings.TrimSpace(s.log.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has a line that is no JSON: %s", line)
		}
	}
	s.stop(t)
}

// often is how often something is done: few times, or as many as it takes to be
// sure, where INFER_LOAD=full.
func often(few, many int) int {
	if os.Getenv("INFER_LOAD") == "full" {
		return many
	}
	return few
}

// resident is this process's memory in bytes, 0 where nobody tells.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize())
}

// isFlat says whether memory has not grown since a time by more than what Go's
// collector leaves now and then.
func isFlat(before int64) bool { return before == 0 || resident() < before+before/2+64<<20 }

// p99 is that of durations, and sorts them.
func p99(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)*99/100]
}

// TestServeEnds asks from many sides while a model is replaced again and again,
// and then the server is told to end: whoever was admitted is answered.
func TestServeEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "net.frz")
	write := func() {
		if err := os.WriteFile(file+".new", digits.Data, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write()
	s := startServer(t, "--model", "d="+file, "--max-queue-delay", "1m")
	ready := func() int { code, _ := answerOf(http.DefaultClient, "GET", s.url+"/v2/health/ready", nil); return code }
	for end := time.Now().Add(10 * time.Second); ready() != 200; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is not ready: %s", &s.log)
		}
	}
	body := make([]byte, 784*4)
	var stop atomic.Bool
	var mu sync.Mutex
	var took []time.Duration // since the last time that somebody looked
	look := func() (list []time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		list, took = took, nil
		return list
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for !stop.Load() {
				start := time.Now()
				code, text := answerOf(c, "POST", s.url+"/v2/models/d/infer", body, "Inference-Header-Content-Length", "0")
				if code != 200 {
					t.Errorf("%d %s", code, text)
					return
				}
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	reloads := often(10, 1000)
	var quiet []time.Duration
	for end := time.Now().Add(10 * time.Second); len(quiet) < 4 && time.Now().Before(end); {
		time.Sleep(time.Duration(reloads) * 5 * time.Millisecond)
		quiet = append(quiet, look()...)
	}
	var memory int64
	for i := range reloads {
		write()
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
		for end := time.Now().Add(10 * time.Second); strings.Count(s.log.String(), "a model is loaded") < i+2; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("reload %d does not come", i)
			}
		}
		if i == reloads/10 {
			memory = resident()
		}
	}
	loud := look()
	if len(quiet) == 0 || len(loud) == 0 {
		t.Errorf("%d and %d requests were answered", len(quiet), len(loud))
	} else {
		t.Logf("%d reloads under load: p99 %v before (%d requests), %v while (%d)", reloads, p99(quiet), len(quiet), p99(loud), len(loud))
	}
	if !isFlat(memory) {
		t.Errorf("memory grew from %d to %d bytes in %d reloads", memory, resident(), reloads)
	}
	// It says that it is not ready before it turns anybody away.
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	for end := time.Now().Add(10 * time.Second); ready() != 503; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("it says that it is ready")
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// TestServeUnreadAnswers checks that what clients do not read is let go of: it
// counts among the bodies, of which all together may have only so much.
func TestServeUnreadAnswers(t *testing.T) {
	s := startServer(t, "--read-timeout", "400ms", "--timeout", "400ms", "--max-bodies", "80", "--max-queue-delay", "10s")
	// An id comes back in the answer, which is more than the system buffers here.
	body := `{"id":"` + strings.Repeat("x", 16<<20) + `","inputs":[{"name":"input","datatype":"FP32","shape":[1,1,28,28],"data":[0` + strings.Repeat(",0", 783) + "]}]}"
	post := func() int {
		resp, err := http.Post(s.url+"/v2/models/digits/infer", "application/json", strings.NewReader(body))
		if err != nil {
			return 0 // refused before all was sent
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if code := post(); code != 200 {
		t.Fatalf("%d", code)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v2/models/digits/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	first := make([]byte, 12)
	if _, err := io.ReadFull(c, first); err != nil || string(first) != "HTTP/1.1 200" {
		t.Fatalf("%q, %v", first, err)
	}
	if code := post(); code == 200 {
		t.Fatal("the unread answer's memory does not count")
	}
	for end := time.Now().Add(20 * time.Second); post() != 200; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the unread answer's memory is kept")
		}
	}
	s.stop(t)
}

// TestServeBadClients sends bodies that never end, and connections that do.
func TestServeBadClients(t *testing.T) {
	s := startServer(t, "--read-timeout", "200ms")
	address := strings.TrimPrefix(s.url, "http://")
	begin := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /v2/models/digits/infer HTTP/1.1\r\nHost: %s\r\nContent-Length: 3136\r\nInference-Header-Content-Length: 0\r\n\r\n....", address)
		return c
	}
	drops := often(200, 10_000)
	var memory int64
	for i := range drops {
		begin().Close()
		if i == drops/10 {
			memory = resident()
		}
	}
	if !isFlat(memory) {
		t.Errorf("memory grew from %d to %d bytes with %d connections that were dropped", memory, resident(), drops)
	}
	var wg sync.WaitGroup
	for range often(8, 400) {
		slow := begin()
		wg.Go(func() {
			defer slow.Close()
			slow.SetReadDeadline(time.Now().Add(20 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusRequestTimeout || !bytes.Contains(text, []byte(`"error"`)) {
				t.Errorf("a slow body: %d %s", resp.StatusCode, text)
			}
		})
	}
	wg.Wait()
	if code, text := answerOf(http.DefaultClient, "POST", s.url+"/v2/models/digits/infer", make([]byte, 784*4), "Inference-Header-Content-Length", "0"); code != 200 {
		t.Errorf("after all: %d %s", code, text)
	}
	if _, text := answerOf(http.DefaultClient, "GET", s.admin+"/metrics", nil); !strings.Contains(text, `infer_inflight_requests{model="digits",version="1"} 0`) {
		t.Errorf("requests are left: %s", text)
	}
	s.stop(t)
}

func TestServeTLSAndToken(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, kind string, data []byte) string {
		path := filepath.Join(dir, name)
		if kind != "" {
			data = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := startServer(t, "--tls-cert", file("cert", "CERTIFICATE", cert), "--tls-key", file("key", "PRIVATE KEY", der), "--token-file", file("token", "", []byte("secret\n")))
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	url := strings.Replace(s.url, "http:", "https:", 1)
	if code, text := answerOf(c, "GET", url+"/v2/models", nil, "Authorization", "Bearer secret"); code != 200 {
		t.Errorf("%d %s", code, text)
	}
	if code, text := answerOf(c, "GET", url+"/v2/models", nil); code != 401 {
		t.Errorf("without a token: %d %s", code, text)
	}
	if code, text := answerOf(c, "GET", url+"/v2/health/ready", nil); code != 200 {
		t.Errorf("health: %d %s", code, text)
	}
	procedures := inference.NewGRPCInferenceServiceClient(c, url, connect.WithGRPC())
	if _, err := procedures.ServerReady(t.Context(), &inference.ServerReadyRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("gRPC without a token: %v", err)
	}
	ctx, call := connect.NewClientContext(t.Context())
	call.RequestHeader().Set("Authorization", "Bearer secret")
	if ready, err := procedures.ServerReady(ctx, &inference.ServerReadyRequest{}); err != nil || !ready.Ready {
		t.Errorf("gRPC: %v, %v", ready, err)
	}
	c.CloseIdleConnections()
	s.stop(t)
}

func TestServeUsage(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"x", "is not expected"},
		{"--model =x", "NAME=PATH"},
		{"--model a/b=x", "not a valid model name"},
		{"--model a=x --model a=y", "two models a"},
		{"--admin 0.0.0.0:9090", "only of this machine"},
		{"--tls-cert x", "belong together"},
		{"--log loud", "--log"},
		{"--batch 0", "--batch 0"},
		{"--timeout 0s", "--timeout"},
		{"--drain -1s", "--drain"},
		{"--threads -1", "--threads"},
		{"--allow-origin example.com", "https://"},
	} {
		code, _, stderr := infer("", append([]string{"serve"}, strings.Fields(c.args)...)...)
		if code != exitUsage || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %d %s", c.args, code, stderr)
		}
	}
	for _, args := range [][]string{{"--token-file", "/nonexistent"}, {"--tls-cert", "/nonexistent", "--tls-key", "/nonexistent"}, {"--listen", "127.0.0.1:99999"}} {
		if code, _, stderr := infer("", append([]string{"serve", "--admin", ""}, args...)...); code != exitFailed || stderr == "" {
			t.Errorf("%s: %d %s", args, code, stderr)
		}
	}
}

// An address that is taken is an error that names the flag, and the way out.
func TestServeAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	flags := map[string]string{"listen": "127.0.0.1:0", "admin": "", "metrics": ""}
	for name, out := range map[string]string{"listen": "any free port", "admin": `"" is none`, "metrics": `"" is none`} {
		args := []string{"serve"}
		for other, address := range flags {
			if other == name {
				address = taken
			}
			args = append(args, "--"+other, address)
		}
		code, _, stderr := infer("", args...)
		if want := fmt.Sprintf("infer: --%s: %s is in use by another program: give another address; ", name, taken); code != exitFailed || !strings.HasPrefix(stderr, want) || !strings.Contains(stderr, out) {
			t.Errorf("--%s: %d %s", name, code, stderr)
		}
	}
}

// A net that cannot be loaded ends the server only if there is no other, and no
// folder that may be filled.
func TestServeWithoutModels(t *testing.T) {
	dir := t.TempDir()
	good, bad, missing := filepath.Join(dir, "good.frz"), filepath.Join(dir, "bad.onnx"), filepath.Join(dir, "missing.frz")
	for file, data := range map[string][]byte{good: digits.Data, bad: {0x08, 0x07, 0x12, 0x00}} {
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for path, says := range map[string]string{
		bad:     "bad.onnx: it is an ONNX model: freeze it with infer convert",
		missing: "missing.frz: no such file",
	} {
		code, _, stderr := infer("", "serve", "--listen", "127.0.0.1:0", "--admin", "", "--model", "m="+path)
		if code != exitFailed || !strings.Contains(stderr, "infer: no model can be served: m: ") || !strings.Contains(stderr, says) {
			t.Errorf("%s: %d %s", path, code, stderr)
		}
	}
	for _, other := range []string{good, t.TempDir()} {
		s := startServer(t, "--model", "bad="+bad, "--model", "missing="+missing, "--model", "m="+other)
		for end := time.Now().Add(10 * time.Second); !strings.Contains(s.log.String(), `"model":"m"`); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it does not load: %s", &s.log)
			}
		}
		code, text := answerOf(http.DefaultClient, "POST", s.url+"/v2/repository/index", nil)
		if code != 200 || !strings.Contains(text, "it is an ONNX model") || !strings.Contains(text, "no such file") {
			t.Errorf("with %s: %d %s", other, code, text)
		}
		s.stop(t)
	}
}

// A reloaded value follows its file, and outlives a broken one.
func TestReloaded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	r, err := newReloaded(func() (string, error) {
		data, err := os.ReadFile(file)
		if err == nil && len(data) == 0 {
			err = io.EOF
		}
		return string(data), err
	}, file)
	if err != nil || r.get() != "a" {
		t.Fatal(r.get(), err)
	}
	for _, c := range []struct{ text, want string }{{"bcd", "bcd"}, {"", "bcd"}, {"ef", "ef"}} {
		write(c.text)
		r.looked = time.Time{}
		if got := r.get(); got != c.want {
			t.Errorf("%q was written, and %q is read", c.text, got)
		}
	}
}
