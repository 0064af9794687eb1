// Package grpc serves gRPC: the Open Inference Protocol, version 2, of
// KServe, Triton and others, for the models of package serve, and the
// services grpc.health.v1.Health and reflection. It consists of handlers for
// net/http, so that gRPC and REST can share one port:
//
//	g := grpc.New(server, grpc.Options{})
//	http.Serve(listener, g.Handler(rest.New(server, rest.Options{})))
//
// gRPC needs HTTP/2, either with TLS or with http.Protocols'
// UnencryptedHTTP2. The same procedures also answer gRPC-Web and Connect.
//
// Tensors arrive as raw_input_contents or as typed contents; the answer
// always has raw_output_contents. Error codes are NotFound; InvalidArgument;
// ResourceExhausted for messages beyond Options.MaxMessage; Unavailable for
// a server that is overloaded; DeadlineExceeded; Canceled; PermissionDenied
// for requests to the repository where they are not allowed; and Internal.
package grpc

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
