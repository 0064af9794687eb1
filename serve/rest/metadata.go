package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/weights"
)

func (c *call) live() error {
	return c.write(map[string]bool{"live": true})
}

func (c *call) ready() error {
	if !c.server.Ready() {
		return status(http.StatusServiceUnavailable, "not ready")
	}
	return c.write(map[string]bool{"ready": true})
}

func (c *call) metadata() error {
	return c.write(struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Extensions []string `json:"extensions"`
	}{protocol.Name, c.options.Version, protocol.Extensions(c.options.Load != nil, "binary_tensor_data")})
}

func (c *call) models() error {
	names := []string{}
	for _, s := range c.server.Index() {
		if s.Ready && (len(names) == 0 || names[len(names)-1] != s.Name) {
			names = append(names, s.Name)
		}
	}
	return c.write(map[string][]string{"models": names})
}

// A tensorMetadata is what the protocol tells of an input or an output.
type tensorMetadata struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

func tensorsMetadata(list []engine.Tensor) []tensorMetadata {
	all := make([]tensorMetadata, len(list))
	for i, t := range list {
		all[i] = tensorMetadata{t.Name, protocol.DatatypeOf(t.Elem).Name, append([]int{}, t.Shape...)}
	}
	return all
}

func (c *call) modelMetadata(m *serve.Model) error {
	return c.write(struct {
		Name       string           `json:"name"`
		Versions   []string         `json:"versions"`
		Platform   string           `json:"platform"`
		Inputs     []tensorMetadata `json:"inputs"`
		Outputs    []tensorMetadata `json:"outputs"`
		Parameters modelParameters  `json:"parameters"`
	}{m.Name, protocol.Versions(c.server, m.Name), protocol.Platform, tensorsMetadata(m.Inputs()), tensorsMetadata(m.Outputs()), parametersOf(m)})
}

// modelParameters say what the protocol has no words for: how a picture is
// prepared, if one can be classified, and what the answer is then.
type modelParameters struct {
	Picture string `json:"picture,omitempty"` // digit or photo
	Answer  string `json:"answer,omitempty"`  // classes, boxes, mask or picture
}

func parametersOf(m *serve.Model) (p modelParameters) {
	meta := m.Engine().Meta()
	switch {
	case len(m.Inputs()) != 1:
		return p
	case meta.Preparation.Kind == weights.Digit:
		p.Picture = "digit"
	case meta.Preparation.Kind == weights.Photo:
		p.Picture = "photo"
	default:
		return p
	}
	switch meta.Answer.Kind {
	case weights.Boxes:
		p.Answer = "boxes"
	case weights.Mask:
		p.Answer = "mask"
	case weights.Picture:
		p.Answer = "picture"
	default:
		p.Answer = "classes"
	}
	return p
}

// modelReady answers for a model by name, as one that is not ready cannot be
// acquired.
func (c *call) modelReady(name, version string) error {
	m, err := c.server.Acquire(name, version)
	if err != nil {
		return err
	}
	defer m.Release()
	if c.server.Draining() {
		return status(http.StatusServiceUnavailable, "the server ends")
	}
	return c.write(struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
	}{name, true})
}

// A tensorConfig is what a model's configuration tells of an input or an
// output: dims are those of an item.
type tensorConfig struct {
	Name     string `json:"name"`
	Datatype string `json:"data_type"`
	Dims     []int  `json:"dims"`
}

func (c *call) config(m *serve.Model) error {
	configs := func(list []engine.Tensor) []tensorConfig {
		all := make([]tensorConfig, len(list))
		for i, t := range list {
			dims := append([]int{}, protocol.ItemDims(m, t)...)
			all[i] = tensorConfig{t.Name, "TYPE_" + protocol.DatatypeOf(t.Elem).Name, dims}
		}
		return all
	}
	return c.write(struct {
		Name         string         `json:"name"`
		Platform     string         `json:"platform"`
		MaxBatchSize int            `json:"max_batch_size"`
		Input        []tensorConfig `json:"input"`
		Output       []tensorConfig `json:"output"`
	}{m.Name, protocol.Platform, protocol.MaxBatch(m), configs(m.Inputs()), configs(m.Outputs())})
}

// A duration is a total as the protocol has it.
type duration struct {
	Count uint64 `json:"count"`
	NS    int64  `json:"ns"`
}

func durationOf(t serve.Total) duration { return duration{t.Count, int64(t.Time)} }

type modelStats struct {
	Name           string `json:"name"`
	Version        string `json:"version"`
	LastInference  int64  `json:"last_inference"` // milliseconds since 1970
	InferenceCount uint64 `json:"inference_count"`
	ExecutionCount uint64 `json:"execution_count"`
	InferenceStats struct {
		Success       duration `json:"success"`
		Fail          duration `json:"fail"`
		Queue         duration `json:"queue"`
		ComputeInput  duration `json:"compute_input"`
		ComputeInfer  duration `json:"compute_infer"`
		ComputeOutput duration `json:"compute_output"`
	} `json:"inference_stats"`
	BatchStats []batchStats `json:"batch_stats"`
}

type batchStats struct {
	BatchSize     int      `json:"batch_size"`
	ComputeInput  duration `json:"compute_input"`
	ComputeInfer  duration `json:"compute_infer"`
	ComputeOutput duration `json:"compute_output"`
}

func statsOf(m *serve.Model) modelStats {
	s := m.Stats()
	r := modelStats{Name: m.Name, Version: m.VersionName(), InferenceCount: s.Items, ExecutionCount: s.Executions(), BatchStats: []batchStats{}}
	if !s.Last.IsZero() {
		r.LastInference = s.Last.UnixNano() / int64(time.Millisecond)
	}
	i := &r.InferenceStats
	i.Success, i.Fail, i.Queue = durationOf(s.Success), durationOf(s.Fail), durationOf(s.Queue)
	i.ComputeInput, i.ComputeInfer, i.ComputeOutput = durationOf(s.Input), durationOf(s.Run), durationOf(s.Output)
	for _, b := range s.Batches {
		r.BatchStats = append(r.BatchStats, batchStats{b.Size, durationOf(b.Input), durationOf(b.Run), durationOf(b.Output)})
	}
	return r
}

func (c *call) stats(m *serve.Model) error {
	return c.write(map[string][]modelStats{"model_stats": {statsOf(m)}})
}

func (c *call) allStats() error {
	list := []modelStats{}
	for _, s := range c.server.Index() {
		m, err := c.server.Acquire(s.Name, strconv.FormatInt(s.Version, 10))
		if err != nil {
			continue // it is not ready, or gone
		}
		list = append(list, statsOf(m))
		m.Release()
	}
	return c.write(map[string][]modelStats{"model_stats": list})
}

// index lists all models; the body may ask for those that are ready alone.
func (c *call) index() error {
	if err := c.readBody(); err != nil {
		return err
	}
	onlyReady := false
	if s := (&scanner{data: c.body, maxDepth: c.options.MaxDepth}); s.peek() != 0 {
		err := s.object(func(name []byte) (err error) {
			if string(name) == "ready" {
				onlyReady, err = s.boolean()
				return err
			}
			return s.skip()
		})
		if err == nil {
			err = s.end()
		}
		if err != nil {
			return err
		}
	}
	return c.write(protocol.Index(c.server, onlyReady))
}

// repository loads or unloads a model, if that is allowed.
func (c *call) repository(do func(context.Context, string) error, name string) error {
	if do == nil {
		return status(http.StatusForbidden, "this server does not let requests load or unload models")
	}
	if err := c.readBody(); err != nil {
		return err
	}
	err := do(c.r.Context(), name)
	switch {
	case errors.Is(err, serve.ErrNotFound):
		return err
	case err != nil:
		return status(http.StatusBadRequest, "%w", err)
	}
	return c.write(struct{}{})
}
