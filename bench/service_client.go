package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/image/draw"

	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/tensor"
)

// newTransports are all ways of asking for the same picture; the first is
// health, which computes nothing. Their answers have been compared.
func newTransports(ours, peer string) ([]*transport, error) {
	x := make([]float32, 28*28)
	fill(x)
	raw := tensor.Bytes(x)
	input := map[string]any{"name": "input", "datatype": "FP32", "shape": []int{1, 1, 28, 28}, "data": x}
	numbers, err := json.Marshal(map[string]any{"inputs": []any{input}})
	if err != nil {
		return nil, err
	}
	delete(input, "data")
	input["parameters"] = map[string]any{"binary_data_size": len(raw)}
	head, err := json.Marshal(map[string]any{"inputs": []any{input}, "parameters": map[string]any{"binary_data_output": true}})
	if err != nil {
		return nil, err
	}
	picture, err := digitPicture()
	if err != nil {
		return nil, err
	}
	input["shape"], input["parameters"] = []int{manyItems, 1, 28, 28}, map[string]any{"binary_data_size": manyItems * len(raw)}
	manyHead, err := json.Marshal(map[string]any{"inputs": []any{input}, "parameters": map[string]any{"binary_data_output": true}})
	if err != nil {
		return nil, err
	}
	many := slices.Concat(manyHead, bytes.Repeat(raw, manyItems))
	post := func(address, path string, body []byte, headers ...string) []byte {
		return slices.Concat(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n", path, address, strings.Join(headers, ""), len(body)), body)
	}
	plain := func(server, name string, loaded, compared bool, address string, request []byte) *transport {
		return &transport{server: server, name: name, loaded: loaded, compared: compared, connect: func() (asker, error) { return dialHTTP(address, request) }}
	}
	const path = "/v2/models/digits/infer"
	length := func(head []byte) string {
		return "Inference-Header-Content-Length: " + strconv.Itoa(len(head)) + "\r\n"
	}
	list := []*transport{
		plain("infer", "health", false, false, ours, fmt.Appendf(nil, "GET /v2/health/live HTTP/1.1\r\nHost: %s\r\n\r\n", ours)),
		plain("infer", "binary", true, true, ours, post(ours, path, slices.Concat(head, raw), length(head))),
		plain("infer", "JSON", true, false, ours, post(ours, path, numbers)),
		plain("infer", "64 items", true, false, ours, post(ours, path, many, length(manyHead))),
		plain("infer", "PNG picture", false, false, ours, post(ours, "/v2/models/digits/classify", picture)),
		{server: "infer", name: "gRPC", loaded: true, connect: func() (asker, error) { return newGRPC(ours, raw), nil }},
		plain("ONNX Runtime", "binary", true, true, peer, post(peer, "/infer", raw)),
	}
	return list, compareAnswers(list)
}

// manyItems are those of a request that is nearly all arithmetic.
const manyItems = 64

// digitPicture is a digit of 28×28 as a PNG file.
func digitPicture() ([]byte, error) {
	f, err := os.Open("../testdata/7.png")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		return nil, err
	}
	small := image.NewGray(image.Rect(0, 0, 28, 28))
	draw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	err = png.Encode(&b, small)
	return b.Bytes(), err
}

// compareAnswers asks once on each transport whose answer ends with the scores.
func compareAnswers(list []*transport) error {
	scores := map[string][]float32{}
	for _, t := range list {
		if !t.compared {
			continue
		}
		a, err := t.connect()
		if err != nil {
			return err
		}
		defer a.close()
		status, err := a.ask()
		body := a.(*httpAsker).body
		if err != nil || status != http.StatusOK || len(body) < 40 {
			return fmt.Errorf("%s: status %d, %v: %s", t.server, status, err, body)
		}
		for at := len(body) - 40; at < len(body); at += 4 {
			scores[t.server] = append(scores[t.server], math.Float32frombits(binary.LittleEndian.Uint32(body[at:])))
		}
	}
	a, b := scores["infer"], scores["ONNX Runtime"]
	for i := range a {
		if d := a[i] - b[i]; d > 0.1 || d < -0.1 { // scores of tens, from weights of half precision
			return fmt.Errorf("the servers disagree: %v and %v", a, b)
		}
	}
	return nil
}

// An httpAsker speaks HTTP/1.1, no more of it than the servers here answer with:
// a client that costs more than the server could not keep it busy.
type httpAsker struct {
	address string
	used    time.Time
	conn    net.Conn
	r       *bufio.Reader
	request []byte
	body    []byte
}

func dialHTTP(address string, request []byte) (asker, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &httpAsker{address: address, used: time.Now(), conn: conn, r: bufio.NewReader(conn), request: request}, nil
}

// maxIdle is less than the time after which servers close connections on which
// nothing is asked: package net/http waits for the first header no longer than
// for any other.
const maxIdle = 5 * time.Second

func (a *httpAsker) ask() (int, error) {
	if now := time.Now(); now.Sub(a.used) > maxIdle {
		a.conn.Close()
		conn, err := net.Dial("tcp", a.address)
		if err != nil {
			return 0, err
		}
		a.conn = conn
		a.r.Reset(conn)
	}
	defer func() { a.used = time.Now() }()
	if _, err := a.conn.Write(a.request); err != nil {
		return 0, err
	}
	line, err := a.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("an answer begins with %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = a.r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("an answer has no length")
	}
	a.body = slices.Grow(a.body[:0], length)[:length]
	_, err = io.ReadFull(a.r, a.body)
	return status, err
}

func (a *httpAsker) close() { a.conn.Close() }

// A grpcAsker uses connect's client, with a connection of its own.
type grpcAsker struct {
	transport *http.Transport
	client    inference.GRPCInferenceServiceClient
	request   *inference.ModelInferRequest
}

func newGRPC(address string, raw []byte) asker {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	a := &grpcAsker{transport: &http.Transport{Protocols: protocols}}
	a.client = inference.NewGRPCInferenceServiceClient(&http.Client{Transport: a.transport}, "http://"+address, connect.WithGRPC())
	a.request = &inference.ModelInferRequest{
		ModelName:        "digits",
		Inputs:           []*inference.ModelInferRequest_InferInputTensor{{Name: "input", Datatype: "FP32", Shape: []int64{1, 1, 28, 28}}},
		RawInputContents: [][]byte{raw},
	}
	return a
}

func (a *grpcAsker) ask() (int, error) {
	_, err := a.client.ModelInfer(context.Background(), a.request)
	switch {
	case err == nil:
		return http.StatusOK, nil
	case connect.CodeOf(err) == connect.CodeUnavailable:
		return http.StatusServiceUnavailable, nil
	}
	return 0, err
}

func (a *grpcAsker) close() { a.transport.CloseIdleConnections() }
