// Package rest is a server's REST: the Open Inference Protocol, version 2, of
// KServe, Triton and others, for the models of package serve.
//
//	h := rest.New(server, rest.Options{})
//	http.ListenAndServe("127.0.0.1:8080", h)
//
// Tensors come and go as JSON or in binary (Triton's extension), bodies may be
// compressed by gzip or deflate. Beside the protocol there is
//
//	POST /v2/models/{model}[/versions/{version}]/classify?top=K
//
// whose body is a picture, in a format that the program has registered with
// package image, and whose answer is that of infer --json. With explain=true it
// tells the picture as the model saw it, the outputs, and the time that each
// part took as well.
//
// What is not answered with 200 is answered with {"error":"…"}: 400 for what
// does not fit the protocol or the model, 404 for what there is not, 405, 408
// for a body that comes too slowly, 413, 415, 422 for a picture or a tensor with
// which nothing can be done, 503 with Retry-After for a server that has too much
// to do, 504 for a deadline that passed.
package rest
