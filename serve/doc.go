// Package serve answers many concurrent requests with frozen nets. It is the
// core of a server, without a transport: `infer serve` puts REST and gRPC on
// top of it, and a service with its own protocol can do the same.
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
// A Server has a fixed number of permits: that many goroutines may compute at a
// time. A request that finds a permit free is computed at once, on the caller's
// goroutine, with a Session of its model. Otherwise it queues. A goroutine that
// returns its permit hands it to the first request that waits. With it goes a
// share of what waits, the number of items divided by the number of permits,
// rounded up, and that request computes for all in the share. So no request
// waits for a timer, no permit is idle while a request waits, and batches grow,
// up to Options.Batch, when there is more work than permits. None of this
// changes a bit of any answer.
//
// Requests for a model are taken in the order in which they arrived. A
// request with more items than a batch stays the first until the last of
// them. Permits go to the models in turn by deficit round
// robin (Shreedhar and Varghese, 1995), measured in computing time.
//
// A request that would wait longer than Options.MaxQueueDelay, from its arrival on,
// or beyond its context's deadline, is refused at once with a *BusyError; and so
// is one that has waited a quarter longer after all. A request of which items are
// computed is finished.
//
// # Lifetimes
//
// A model that is replaced or unloaded continues to answer those who have
// acquired it, and its memory is freed when the last of them has released it. A
// file that cannot be loaded affects neither the other models nor the model
// that it was to replace.
package serve
