package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/infer-go/infer/tensor"
)

// servePeer serves a model with ONNX Runtime behind package net/http, until it
// is told to end: a request has a session of its own, as its goroutine runs, of
// those that others have given back. The body is the input's bytes, and the
// answer the output's.
func servePeer(library, path string) error {
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(); err != nil {
		return err
	}
	defer ort.DestroyEnvironment()
	model, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	idle := make(chan *onnxRuntime, connections)
	take := func() (*onnxRuntime, error) {
		select {
		case r := <-idle:
			return r, nil
		default:
			return newONNXRuntime(model, 1, 1)
		}
	}
	http.HandleFunc("POST /infer", func(w http.ResponseWriter, r *http.Request) {
		s, err := take()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer func() { idle <- s }()
		if _, err := io.ReadFull(r.Body, tensor.Bytes(s.inputs[0])); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := s.session.Run(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out := tensor.Bytes(s.outputs[0])
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(out)))
		w.Write(out)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("serving", "address", listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, nil) }()
	select {
	case err := <-failed:
		return fmt.Errorf("the peer: %w", err)
	case <-stop:
		return nil
	}
}
