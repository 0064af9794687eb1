// Package engine runs frozen ConvNets in pure Go, at the speed of the machine:
// no cgo, no shared library, no allocation per run.
//
// A model comes as one file, made from ONNX by
//
//	infer convert model.onnx model.frz
//
// # Quick start
//
// Pictures need one call. The file says how a picture becomes the model's
// input and what its classes are called:
//
//	m, err := engine.Open("model.frz")
//	if err != nil { … }
//	defer m.Close()
//	classes, err := m.Classify(img, 5)
//
// Everything else goes through a [Session], which shows the model's inputs and
// outputs as slices of float32, row-major in the shapes of the model that was
// frozen (ONNX has maps in the order NCHW):
//
//	s, err := m.NewSession(engine.SessionOptions{Batch: 8})
//	if err != nil { … }
//	defer s.Close()
//	copy(s.Input(0), pixels)   // up to 8 items, one after the other
//	err = s.Run(8)
//	scores := s.Output(0)      // 8 items, until the next run
//
// [Session.SetPicture] turns a picture into an item of the next run, as
// directly as the net allows. [Model.Prepare] turns one into an item's part of
// such an input, and [Model.Top] turns an item's part of the output into
// classes. Package picture decodes pictures, turns them upright, and maps
// positions in the input back to the picture.
//
// # Goroutines
//
// A [Model] is immutable and may be used by any number of goroutines. A Session
// may be used by one goroutine at a time (a second one gets [ErrBusy]) and
// takes the memory of its tensors ([Model.Memory] says how much). The weights
// belong to the Model. Weights that are used in place in the file exist once
// for all processes that have opened it with [Open]. For convolutions by
// Winograd's algorithm, and for most weights of half precision, each Model
// keeps a copy in another form; for quantised convolutions by Winograd's
// algorithm, this has eight times the size. A service keeps one Session for
// each goroutine that computes, or a sync.Pool of them. [Model.Classify] has
// its own pool.
//
// A Session runs only on the caller's goroutine unless SessionOptions.Threads
// asks for more. The other goroutines belong to the Session. They sleep between
// runs, never spin, and a run never waits for one that has not woken up. A
// service with many concurrent requests makes best use of its processors with
// one thread per request; more threads shorten the time of a single run.
//
// # Batches
//
// The items of a run share the reading of large weights. Items pass through the
// steps a few at a time, so that what one step writes is still in the cache
// when the next step reads it. A Session for a batch also runs smaller batches.
//
// # Open sizes
//
// A model may leave the height and width of its pictures open, or the length of
// its sequences; [Model.Open] lists such dimensions. A Session is made for one
// size of each, SessionOptions.Sizes. [Model.Sizes] finds the sizes for given
// shapes of inputs, and [Model.PictureSizes] for a picture at its own size,
// which is what [Model.Classify] uses. All sizes share the weights, in every
// form that algorithms need. For the sizes used most recently, at most 32 of
// them and 64 MiB, a Model also keeps everything else that was computed for
// them, so that another Session for one of them costs little more than its
// memory.
//
// # The same bits
//
// On one tier ([Model.Kernels] names it) the outputs of an item are the same to
// the last bit, whatever the size of the batch, the item's position in it, its
// neighbours, the number of threads and the number of runs before. Tiers differ
// from one another by rounding, within the bounds that package kernels states.
// The portable kernels round in the same way on every processor. Steps that
// compute with quantised numbers give the same bits on all tiers, and so does a
// whole Model for which [Model.Integer] is true.
//
// NaN in an input makes the outputs that depend on it NaN, so that a damaged
// number never becomes a confident answer. Infinities follow the rules of IEEE
// arithmetic. A step that quantises numbers has no way to represent NaN; a run
// in which it meets one fails with [ErrNaN].
//
// # Errors
//
// Compare errors with errors.Is. Models and Sessions return [ErrClosed],
// [ErrBusy], [ErrBatch], [ErrSize], [ErrFault] and [ErrMemory]; reading a model
// file returns weights.ErrFormat, weights.ErrVersion and the errors of package
// os; pictures give [ErrBlank], [ErrEmpty], [ErrTooLarge] and [ErrNoPicture];
// answers give [ErrNotClassifier] and [ErrAnswer]; runs and answers give [ErrNaN].
// An index of an input or output that is out of range panics, as it does for a
// slice. No content of a file, a picture or a tensor makes the engine panic.
//
// # Closing
//
// Close releases memory at once, and is worth calling. Models and Sessions that
// are merely dropped are closed when the garbage collector finds them. A Model
// may be closed while its Sessions run: the file stays mapped until the last of
// them is closed, and new ones are refused with ErrClosed. A service therefore
// replaces a model by opening the new one and then closing the old one.
//
// # Limits
//
// Convolutions, products and pools compute in float32 or with quantised uint8
// values; weights may also be half precision or int8. Moves (transpose, slice,
// concatenation and the like) take any element type. InputBytes and OutputBytes
// of a Session show inputs and outputs of element types other than float32. All
// dimensions except the batch and the open ones are fixed when the model is
// frozen. Processors must be little-endian. A model has at most 8,192 steps,
// with at most 65,536 operands and results in total.
//
// An untrusted model file can ask for much memory, which
// SessionOptions.MaxMemory limits, and for much time: [Model.Steps] and
// [Session.Steps] say beforehand how much work there is. The context of
// [Session.RunContext] ends a run only between two tasks of a step, and with
// such a file a task can take long. An untrusted picture is best rejected by
// its size before it is decoded, as picture.Decode does, since preparing a
// picture takes time for each of its pixels. SECURITY.md in the repository says
// what is promised.
//
// The environment variable INFER_KERNELS forces a tier, as [Options] does.
//
// # Compatibility
//
// Releases are numbered by semantic versioning. The promise covers
//
//   - this package and package picture, completely;
//   - of package weights: Open, Parse, Save, Marshal, Sections, Meta with the
//     types of its fields, and the errors. The other fields of Net are in terms
//     of package kernels, and exist for the engine and the importer;
//   - of package weights/onnx: Freeze, Options with tensor.F32 and tensor.F16
//     as Weights, Report, Operators, and the error;
//   - of package tensor: Elem and its constants, Shape and Type;
//   - of package weights/digits: Data;
//   - the command.
//
// Packages kernels and asm promise nothing. Before 1.0 a minor release may change
// what is exported; CHANGELOG.md says what changed, and what to do about it.
//
// A model file that one release reads is read by all later releases: the tests
// open a file of each version of the format. The bits of the outputs are the same
// for one tier of one release. Another release may round differently, within the
// same bounds.
//
// The two most recent releases of Go are supported.
package engine
