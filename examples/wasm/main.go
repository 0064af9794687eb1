//go:build js && wasm

// Wasm reads digits in a browser, without a server that computes: index.html
// loads it, and draws what it answers.
//
//	cd examples/wasm
//	GOOS=js GOARCH=wasm go build -ldflags '-s -w' -o digits.wasm .
//	cp "$(go env GOROOT)/lib/wasm/wasm_exec.js" .
//	python3 -m http.server --bind 127.0.0.1 8000
package main

import (
	_ "image/jpeg"
	_ "image/png"
	"syscall/js"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

func main() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		panic(err)
	}
	// classify takes a picture's file as a Uint8Array, and returns either
	// {classes: [{label, probability}, …]} or {error}.
	js.Global().Set("classify", js.FuncOf(func(_ js.Value, args []js.Value) any {
		data := make([]byte, args[0].Get("length").Int())
		js.CopyBytesToGo(data, args[0])
		classes, err := m.ClassifyBytes(data, 10)
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		list := make([]any, len(classes))
		for i, c := range classes {
			list[i] = map[string]any{"label": c.Label, "probability": c.Probability}
		}
		return map[string]any{"classes": list}
	}))
	js.Global().Call("ready")
	select {} // classify is called from now on
}
