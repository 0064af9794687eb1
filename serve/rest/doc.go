// Package rest serves REST: the Open Inference Protocol, version 2, of
// KServe, Triton and others, for the models of package serve.
//
//	h := rest.New(server, rest.Options{})
//	http.ListenAndServe("127.0.0.1:8080", h)
//
// Tensors are sent and returned as JSON or in binary (Triton's extension).
// Bodies may be compressed by gzip or deflate. A tensor's datatype need not be
// that of the model's input, FP64 for FP32 for instance, if each of its numbers
// has exactly the same value there; 0.1 in FP64 has not. In addition to the
// protocol
// there is
//
//	POST /v2/models/{model}[/versions/{version}]/classify?top=K
//
// whose body is a picture, in a format that the program has registered with
// package image, and whose answer is that of infer --json. With explain=true
// the answer also contains the picture as the model saw it, the outputs, and
// the time that each part took.
//
// Every status except 200 has the body {"error":"…"}: 400 for a request that
// does not match the protocol or the model, 404 for something that does not
// exist, 405, 408 for a body that arrives too slowly, 413, 415, 422 for a
// picture or a tensor that cannot be processed, 503 with Retry-After for a
// server that is overloaded, and 504 for a deadline that has passed.
package rest
