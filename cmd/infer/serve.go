package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc"
	"github.com/infer-go/infer/serve/metrics"
	"github.com/infer-go/infer/serve/page"
	"github.com/infer-go/infer/serve/repository"
	"github.com/infer-go/infer/serve/rest"
	"github.com/infer-go/infer/weights/digits"
)

var serveCommand = command{
	name: "serve",
	args: "[--model NAME=PATH]... [--listen ADDR] [--admin ADDR]",
	help: `
Serve nets by the Open Inference Protocol, version 2, as KServe and Triton do,
over HTTP and gRPC on one port: tensors as JSON or in binary, gzip and deflate;
gRPC with health and reflection, over HTTP/2 with or without TLS. On the page
at / you can draw a digit or choose a picture, and see the answer. POST
tensors to /v2/models/NAME/infer, or a picture's file to
/v2/models/NAME/classify?top=K for the answer of infer --json; with
&explain=true it includes the model's input, outputs and times. A tensor's
datatype may be another one, such as FP64 for FP32, if it holds exactly the same
numbers. Without
--model, the built-in net is served as digits. PATH is a frozen net or a
folder, with one *.frz or with a VERSION/model.frz for each version; a changed
file is loaded and run once before it replaces the old one. A net that cannot be
loaded does not harm the others; the server ends with status 1 if it can load
none at the start, unless a folder is given, which may still be filled. A request is
computed at once if a thread is free, or batched with others that wait, or
refused with status 503 if it would wait longer than --max-queue-delay. --admin
has metrics at /metrics, Go's profiles at /debug/pprof/ and the log level at
/loglevel; --metrics serves only the metrics, at another address. SIGHUP looks
for changed nets at once; on SIGTERM the server reports "not ready" for the
time of --drain, and then finishes the requests in progress.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		return serveSetup(flags, func(*serveOptions) {})
	},
}

// serveSetup declares the flags; with can add what no flag says.
func serveSetup(flags *flag.FlagSet, with func(*serveOptions)) func(*app, []string) error {
	var o serveOptions
	with(&o)
	flags.Var(&o.models, "model", "serve the net in `NAME=PATH`; the name is the file's if none is given; may be repeated")
	flags.StringVar(&o.listen, "listen", ":8080", "serve at `ADDR`; :8080 if not given; 127.0.0.1:8080 is reachable only from this machine")
	flags.StringVar(&o.admin, "admin", "127.0.0.1:9090", "serve metrics, profiles and the log level at `ADDR`, only on this machine; 127.0.0.1:9090 if not given, \"\" for nowhere")
	flags.StringVar(&o.metrics, "metrics", "", "also serve only the metrics at `ADDR`, for a cluster to collect")
	flags.IntVar(&o.core.Permits, "threads", 0, "compute on `N` threads at a time; GOMAXPROCS if not given, which follows a container's quota")
	flags.IntVar(&o.core.Batch, "batch", 8, "compute at most `N` items in one run; 8 if not given")
	flags.DurationVar(&o.core.MaxQueueDelay, "max-queue-delay", 100*time.Millisecond, "refuse requests that would wait longer than `TIME`; 100ms if not given")
	flags.DurationVar(&o.core.Idle, "idle", time.Minute, "free the memory of sessions that have not been used for `TIME`; 1m if not given")
	flags.Int64Var(&o.memory, "max-memory", 4096, "let all sessions together take at most `MB`; 4096 if not given")
	flags.DurationVar(&o.rest.Timeout, "timeout", 30*time.Second, "abandon requests after `TIME`; 30s if not given")
	flags.DurationVar(&o.readTimeout, "read-timeout", 30*time.Second, "abandon requests that take longer than `TIME` to arrive, and answers that clients take longer to read; 30s if not given")
	flags.Int64Var(&o.body, "max-body", 64, "refuse bodies and gRPC messages of more than `MB`, decompressed; 64 if not given")
	flags.Int64Var(&o.bodies, "max-bodies", 1024, "refuse requests while bodies and tensors take more than `MB`; 1024 if not given")
	flags.IntVar(&o.header, "max-header", 64, "refuse headers of more than `KB`; 64 if not given")
	flags.IntVar(&o.rest.MaxPixels, "max-pixels", 50_000_000, "refuse pictures of more than `N` pixels; 50 million if not given")
	flags.IntVar(&o.rest.MaxDepth, "max-depth", 100, "refuse JSON nested more than `N` deep; 100 if not given")
	flags.DurationVar(&o.drain, "drain", 5*time.Second, "continue to serve for `TIME` after SIGTERM; 5s if not given")
	flags.StringVar(&o.tokenFile, "token-file", "", "require the bearer token in `FILE`, except for health; browsers may send it as a password")
	flags.Var(&o.origins, "allow-origin", "let pages of `SITE` use the server, and browsers address it by that name; may be repeated")
	flags.StringVar(&o.cert, "tls-cert", "", "serve TLS with the certificate in `FILE`")
	flags.StringVar(&o.key, "tls-key", "", "read the certificate's key from `FILE`")
	flags.BoolVar(&o.repository, "allow-load", false, "let requests load and unload models")
	flags.StringVar(&o.level, "log", "info", "log from `LEVEL` up: debug (each request), info, warn or error; info if not given")
	return func(a *app, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not expected; a net is given by --model", args[0])
		}
		if err := o.check(); err != nil {
			return err
		}
		return a.serve(&o)
	}
}

type serveOptions struct {
	models                 sources
	origins                origins
	listen, admin, metrics string
	core                   serve.Options
	rest                   rest.Options
	memory, body, bodies   int64 // MB
	header                 int   // KB
	readTimeout, drain     time.Duration
	tokenFile, cert, key   string
	repository             bool
	level                  string

	logLevel slog.LevelVar
	started  func(address, admin string) // for tests: where it listens
}

func (o *serveOptions) check() error {
	for name, n := range map[string]int64{
		"batch": int64(o.core.Batch), "max-memory": o.memory, "max-body": o.body, "max-bodies": o.bodies, "max-header": int64(o.header),
		"max-pixels": int64(o.rest.MaxPixels), "max-depth": int64(o.rest.MaxDepth),
	} {
		if n < 1 || n > 1<<30 {
			return usagef("--%s %d: 1 to %d", name, n, 1<<30)
		}
	}
	for name, d := range map[string]time.Duration{
		"max-queue-delay": o.core.MaxQueueDelay, "idle": o.core.Idle, "timeout": o.rest.Timeout, "read-timeout": o.readTimeout,
	} {
		if d <= 0 {
			return usagef("--%s %v: it must be positive", name, d)
		}
	}
	switch {
	case o.core.Permits < 0 || o.core.Permits > 1024:
		return usagef("--threads %d: 1 to 1024", o.core.Permits)
	case o.drain < 0:
		return usagef("--drain %v is negative", o.drain)
	case (o.cert == "") != (o.key == ""):
		return usagef("--tls-cert and --tls-key belong together")
	case o.admin != "" && !isLoopback(o.admin):
		return usagef("--admin %s: it reveals everything, and must be an address only of this machine, such as 127.0.0.1:9090; --metrics may be any", o.admin)
	}
	if err := o.logLevel.UnmarshalText([]byte(o.level)); err != nil {
		return usagef("--log %s: debug, info, warn or error", o.level)
	}
	return nil
}

// serve serves until a signal ends it.
func (a *app) serve(o *serveOptions) error {
	// Before anything that takes time: a signal must not find nobody.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(stop)
	hup := make(chan os.Signal, 1)
	notifyReload(hup)
	defer signal.Stop(hup)

	log := slog.New(slog.NewJSONHandler(a.stderr, &slog.HandlerOptions{Level: &o.logLevel}))
	o.core.MaxMemory = o.memory << 20
	o.rest.MaxBody, o.core.MaxInFlight = o.body<<20, o.bodies<<20
	o.rest.Version, o.rest.Log = version(), log
	guard := rest.Guard{Origins: o.origins}
	var err error
	if o.tokenFile != "" {
		if guard.Token, err = tokenFrom(o.tokenFile); err != nil {
			return err
		}
	}

	core := serve.New(o.core)
	defer core.Close()
	// A processor of Go's scheduler for each permit: what comes waits for one, and
	// package rest knows for how long. Where that is not known, another one has to
	// look at the network while all permits compute.
	processors := core.Options().Permits
	if !rest.KnowsArrivals {
		processors++
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	repo := repository.New(core, log, o.models...)
	if o.repository {
		o.rest.Load, o.rest.Unload = repo.Load, repo.Unload
	}
	procedures := grpc.New(core, grpc.Options{
		Version: o.rest.Version, MaxMessage: int(o.rest.MaxBody), Timeout: o.rest.Timeout,
		Load: o.rest.Load, Unload: o.rest.Unload, Waited: rest.Waited, Log: log,
	})
	models := rest.New(core, o.rest)
	handler := procedures.Handler(page.Handler(models))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	public := &http.Server{
		Handler:           guard.Handler(handler),
		ReadHeaderTimeout: min(o.readTimeout, 10*time.Second),
		ReadTimeout:       o.readTimeout,
		// From the end of the head on. An answer that nobody reads would keep the
		// memory of its request, of which all together may have only so much.
		WriteTimeout:   o.readTimeout + o.rest.Timeout + o.readTimeout,
		HTTP2:          &http.HTTP2Config{WriteByteTimeout: o.readTimeout},
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: o.header << 10,
		Protocols:      protocols,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if o.cert != "" {
		if public.TLSConfig, err = tlsFrom(o.cert, o.key); err != nil {
			return err
		}
	}
	servers := []*http.Server{public}
	listener, err := listen("listen", o.listen, "127.0.0.1:0 is any free port")
	if err != nil {
		return err
	}
	defer listener.Close()
	listeners := []net.Listener{listener}
	listeners[0] = models.Listen(listener, public, guard)
	for _, extra := range []struct {
		flag, address string
		handler       http.Handler
	}{{"admin", o.admin, o.adminHandler(core)}, {"metrics", o.metrics, metricsOnly(core)}} {
		if extra.address == "" {
			continue
		}
		l, err := listen(extra.flag, extra.address, `"" is none`)
		if err != nil {
			return err
		}
		defer l.Close()
		listeners = append(listeners, l)
		servers = append(servers, &http.Server{Handler: extra.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: public.ErrorLog})
	}

	failed := make(chan error, len(servers)+1)
	for i, s := range servers {
		go func() {
			if s.TLSConfig != nil {
				failed <- s.ServeTLS(listeners[i], "", "")
			} else {
				failed <- s.Serve(listeners[i])
			}
		}()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := func() {
		if err := notify(notifyReady); err != nil {
			log.Warn("the service manager is not told that this is ready", "error", err)
		}
	}
	if len(o.models) == 0 {
		if err := core.Load("digits", 1, digits.Data); err != nil {
			return err
		}
		ready()
	} else {
		go func() {
			repo.Reload()
			if err := repo.Err(); err != nil {
				failed <- err
				return
			}
			ready()
			repo.Watch(ctx, time.Second)
		}()
	}
	addresses := []string{listener.Addr().String(), ""}
	if o.admin != "" {
		addresses[1] = listeners[1].Addr().String()
	}
	log.Info("serving", "address", addresses[0], "admin", addresses[1], "threads", core.Options().Permits)
	if o.started != nil {
		o.started(addresses[0], addresses[1])
	}
	for {
		select {
		case err := <-failed:
			return err
		case <-hup:
			repo.Reload()
		case s := <-stop:
			log.Info("draining", "signal", s.String(), "for", o.drain.String())
			notify(notifyStopping) // it sees that by itself, too
			core.Drain()
			wait(o.drain, stop)
			return shutDown(servers, log)
		}
	}
}

// listen listens at the address of a flag. other is another address that the
// flag could be given.
func listen(flag, address, other string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case isInUse(err):
		return nil, fmt.Errorf("--%s: %s is in use by another program: give another address; %s", flag, address, other)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return nil, fmt.Errorf("--%s %s: %w", flag, address, err)
}

// wait waits for a time, or for a second signal.
func wait(d time.Duration, stop <-chan os.Signal) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	}
}

// maxFinish is how long requests may run on that are under way at the end.
const maxFinish = 30 * time.Second

// shutDown finishes what runs.
func shutDown(servers []*http.Server, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), maxFinish)
	defer cancel()
	err := servers[0].Shutdown(ctx)
	for _, s := range servers[1:] {
		s.Close()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("requests were cut off because they took longer than %v", maxFinish)
	}
	log.Info("the end")
	return err
}

// metricsOnly serves /metrics and nothing else.
func metricsOnly(core *serve.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(core))
	return mux
}

// adminHandler serves what is for this machine alone. Pages of other sites in a
// browser here are refused by the rules for names and origins.
func (o *serveOptions) adminHandler(core *serve.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(core))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /loglevel", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, o.logLevel.Level())
	})
	mux.HandleFunc("PUT /loglevel", func(w http.ResponseWriter, r *http.Request) {
		level := cmp.Or(r.URL.Query().Get("level"), "info")
		if err := o.logLevel.UnmarshalText([]byte(level)); err != nil {
			http.Error(w, "level is debug, info, warn or error", http.StatusBadRequest)
		}
	})
	return rest.Guard{}.Handler(mux)
}
