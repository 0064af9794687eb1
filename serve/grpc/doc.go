// Package grpc is a server's gRPC: the Open Inference Protocol, version 2, of
// KServe, Triton and others, for the models of package serve, with the services
// grpc.health.v1.Health and reflection beside it. It is made of net/http's
// handlers, so that one port does for it and REST:
//
//	g := grpc.New(server, grpc.Options{})
//	http.Serve(listener, g.Handler(rest.New(server, rest.Options{})))
//
// gRPC needs HTTP/2: with TLS, or http.Protocols' UnencryptedHTTP2. The same
// procedures answer gRPC-Web and Connect.
//
// Tensors come as raw_input_contents or as typed contents, and are always
// answered as raw_output_contents. Errors have the codes NotFound, InvalidArgument,
// ResourceExhausted for messages beyond Options.MaxMessage, Unavailable for a
// server that has too much to do, DeadlineExceeded, Canceled, PermissionDenied
// for the repository where that is not allowed, and Internal.
package grpc

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
