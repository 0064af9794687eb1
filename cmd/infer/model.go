package main

import (
	"flag"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

// modelFlag declares --model.
func modelFlag(flags *flag.FlagSet) *string {
	return flags.String("model", "", "the frozen net in `FILE` instead of the built-in one, which reads digits")
}

// openModel opens a model file, or the built-in net if path is empty.
func openModel(path string) (*engine.Model, error) {
	if path == "" {
		return engine.Parse(digits.Data)
	}
	return engine.Open(path)
}

// modelName is how a model is called in listings.
func modelName(m *engine.Model, path string) string {
	if name := m.Meta().Name; name != "" {
		return name
	}
	return path
}
