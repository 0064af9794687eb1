// Package protocol contains what the Open Inference Protocol, version 2,
// says regardless of the transport.
package protocol

import (
	"slices"
	"strconv"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/tensor"
)

// Name is what the server calls itself, Platform the kind of its models' files.
const (
	Name     = "infer"
	Platform = "infer_frz"
)

// Extensions are those that a server announces: what is the same for all, the
// repository where models may be loaded, and more.
func Extensions(repository bool, more ...string) []string {
	list := append(more, "classification", "statistics", "model_configuration", "parameters")
	if repository {
		list = append(list, "model_repository")
	}
	return slices.Clip(list)
}

// Versions are those of a model that are ready.
func Versions(s *serve.Server, name string) []string {
	list := []string{}
	for _, v := range s.Index() {
		if v.Name == name && v.Ready {
			list = append(list, strconv.FormatInt(v.Version, 10))
		}
	}
	return list
}

// MaxBatch is the most items of a run, 0 for a model without a batch.
func MaxBatch(m *serve.Model) int {
	if m.Batched() {
		return m.Batch()
	}
	return 0
}

// ItemDims is the shape of an item of one of the model's tensors.
func ItemDims(m *serve.Model, t engine.Tensor) tensor.Shape {
	if m.Batched() {
		return t.Shape[1:]
	}
	return t.Shape
}

// An Indexed is a version of a model in the repository's index.
type Indexed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
}

// Index lists all versions of models, or those that are ready.
func Index(s *serve.Server, onlyReady bool) []Indexed {
	list := []Indexed{}
	for _, v := range s.Index() {
		x := Indexed{v.Name, strconv.FormatInt(v.Version, 10), "READY", ""}
		if !v.Ready {
			x.State = "UNAVAILABLE"
		}
		if v.Reason != nil {
			x.Reason = v.Reason.Error()
		}
		if v.Ready || !onlyReady {
			list = append(list, x)
		}
	}
	return list
}
