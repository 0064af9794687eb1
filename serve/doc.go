// Package serve answers many requests at once with frozen nets: it is the core
// of a server, without a transport. `infer serve` puts REST and gRPC on top of
// it, and a service with a protocol of its own can do the same.
//
//	s := serve.New(serve.Options{})
//	defer s.Close()
//	if err := s.Load("digits", 1, data); err != nil {
//		return err
//	}
//
//	m, err := s.Acquire("digits", serve.Newest) // for each request
//	if err != nil {
//		return err
//	}
//	defer m.Release()
//	r := serve.Request{Items: 1, Inputs: [][]byte{pixels}}
//	err = m.Infer(ctx, &r) // r.Outputs has the answer
//
// # Scheduling
//
// A Server has as many permits as goroutines may compute at a time. A request
// that finds a permit free computes at once, on the caller's goroutine, with a
// Session of its model. Otherwise it queues. Whoever gives a permit back takes
// its share of what waits, the number of items by the number of permits,
// rounded up, and hands it with the permit to the first request in it, which
// computes for all. So there is no timer that a request would have to wait for,
// no permit is idle beside a request that waits, and batches grow by
// themselves, up to Options.Batch, when there is more to do than permits.
// Answers do not depend on it in a single bit.
//
// Requests of a model are taken in the order in which they came. One with more
// items than a batch queues again behind the others for each further batch.
// Among models, permits go round by deficit round robin (Shreedhar and
// Varghese, 1995), measured in computing time.
//
// A request that would wait longer than Options.MaxQueueDelay, or than its
// context's deadline, is refused at once, with a *BusyError.
//
// # Lifetimes
//
// A model that is replaced or unloaded goes on answering those who have
// acquired it, and gives its memory back with the last of them. A file that
// cannot be loaded changes nothing for the others, nor for the model whose
// place it was to take.
package serve
