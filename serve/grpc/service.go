package grpc

import (
	"context"
	"errors"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/serve/grpc/inference"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
)

// A service has the procedures.
type service struct{ *Handler }

func (s service) ServerLive(context.Context, *inference.ServerLiveRequest) (*inference.ServerLiveResponse, error) {
	return &inference.ServerLiveResponse{Live: true}, nil
}

func (s service) ServerReady(context.Context, *inference.ServerReadyRequest) (*inference.ServerReadyResponse, error) {
	return &inference.ServerReadyResponse{Ready: s.server.Ready()}, nil
}

// ModelReady is false for a model that is known and could not be loaded.
func (s service) ModelReady(_ context.Context, q *inference.ModelReadyRequest) (*inference.ModelReadyResponse, error) {
	m, err := s.server.Acquire(q.Name, q.Version)
	if errors.Is(err, serve.ErrNotReady) {
		return &inference.ModelReadyResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	m.Release()
	return &inference.ModelReadyResponse{Ready: !s.server.Draining()}, nil
}

func (s service) ServerMetadata(context.Context, *inference.ServerMetadataRequest) (*inference.ServerMetadataResponse, error) {
	return &inference.ServerMetadataResponse{Name: protocol.Name, Version: s.options.Version, Extensions: protocol.Extensions(s.options.Load != nil)}, nil
}

func (s service) ModelMetadata(_ context.Context, q *inference.ModelMetadataRequest) (*inference.ModelMetadataResponse, error) {
	m, err := s.server.Acquire(q.Name, q.Version)
	if err != nil {
		return nil, err
	}
	defer m.Release()
	return &inference.ModelMetadataResponse{
		Name: m.Name, Versions: protocol.Versions(s.server, m.Name), Platform: protocol.Platform,
		Inputs: tensors(m.Inputs()), Outputs: tensors(m.Outputs()),
	}, nil
}

func tensors(list []engine.Tensor) (all []*inference.ModelMetadataResponse_TensorMetadata) {
	for _, t := range list {
		all = append(all, &inference.ModelMetadataResponse_TensorMetadata{Name: t.Name, Datatype: protocol.DatatypeOf(t.Elem).Name, Shape: int64s(t.Shape)})
	}
	return all
}

func (s service) ModelConfig(_ context.Context, q *inference.ModelConfigRequest) (*inference.ModelConfigResponse, error) {
	m, err := s.server.Acquire(q.Name, q.Version)
	if err != nil {
		return nil, err
	}
	defer m.Release()
	c := &inference.ModelConfig{Name: m.Name, Platform: protocol.Platform, MaxBatchSize: int32(protocol.MaxBatch(m))}
	datatype := func(e tensor.Elem) inference.DataType {
		return inference.DataType(inference.DataType_value["TYPE_"+protocol.DatatypeOf(e).Name])
	}
	for _, t := range m.Inputs() {
		c.Input = append(c.Input, &inference.ModelInput{Name: t.Name, DataType: datatype(t.Elem), Dims: int64s(protocol.ItemDims(m, t))})
	}
	for _, t := range m.Outputs() {
		c.Output = append(c.Output, &inference.ModelOutput{Name: t.Name, DataType: datatype(t.Elem), Dims: int64s(protocol.ItemDims(m, t))})
	}
	return &inference.ModelConfigResponse{Config: c}, nil
}

func (s service) ModelStatistics(_ context.Context, q *inference.ModelStatisticsRequest) (*inference.ModelStatisticsResponse, error) {
	a := &inference.ModelStatisticsResponse{}
	if q.Name != "" {
		m, err := s.server.Acquire(q.Name, q.Version)
		if err != nil {
			return nil, err
		}
		defer m.Release()
		a.ModelStats = append(a.ModelStats, statistics(m))
		return a, nil
	}
	for _, status := range s.server.Index() {
		m, err := s.server.Acquire(status.Name, strconv.FormatInt(status.Version, 10))
		if err != nil {
			continue // it is not ready, or gone
		}
		a.ModelStats = append(a.ModelStats, statistics(m))
		m.Release()
	}
	return a, nil
}

func statistics(m *serve.Model) *inference.ModelStatistics {
	s := m.Stats()
	duration := func(t serve.Total) *inference.StatisticDuration {
		return &inference.StatisticDuration{Count: t.Count, Ns: uint64(t.Time)}
	}
	a := &inference.ModelStatistics{
		Name: m.Name, Version: m.VersionName(), InferenceCount: s.Items, ExecutionCount: s.Executions(),
		InferenceStats: &inference.InferStatistics{
			Success: duration(s.Success), Fail: duration(s.Fail), Queue: duration(s.Queue),
			ComputeInput: duration(s.Input), ComputeInfer: duration(s.Run), ComputeOutput: duration(s.Output),
		},
	}
	if !s.Last.IsZero() {
		a.LastInference = uint64(s.Last.UnixNano() / int64(time.Millisecond))
	}
	for _, b := range s.Batches {
		a.BatchStats = append(a.BatchStats, &inference.InferBatchStatistics{
			BatchSize: uint64(b.Size), ComputeInput: duration(b.Input), ComputeInfer: duration(b.Run), ComputeOutput: duration(b.Output),
		})
	}
	return a
}

func (s service) RepositoryIndex(_ context.Context, q *inference.RepositoryIndexRequest) (*inference.RepositoryIndexResponse, error) {
	a := &inference.RepositoryIndexResponse{}
	for _, x := range protocol.Index(s.server, q.Ready) {
		a.Models = append(a.Models, &inference.RepositoryIndexResponse_ModelIndex{Name: x.Name, Version: x.Version, State: x.State, Reason: x.Reason})
	}
	return a, nil
}

func (s service) RepositoryModelLoad(ctx context.Context, q *inference.RepositoryModelLoadRequest) (*inference.RepositoryModelLoadResponse, error) {
	return &inference.RepositoryModelLoadResponse{}, allowed(s.options.Load, ctx, q.ModelName)
}

func (s service) RepositoryModelUnload(ctx context.Context, q *inference.RepositoryModelUnloadRequest) (*inference.RepositoryModelUnloadResponse, error) {
	return &inference.RepositoryModelUnloadResponse{}, allowed(s.options.Unload, ctx, q.ModelName)
}

// allowed loads or unloads a model, if that is allowed.
func allowed(do func(context.Context, string) error, ctx context.Context, name string) error {
	if do == nil {
		return connect.NewError(connect.CodePermissionDenied, errors.New("this server does not let requests load or unload models"))
	}
	return do(ctx, name)
}
