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
// [Session.SetPicture] makes a picture into an item of the next run, as directly as
// the net allows; [Model.Prepare] makes it into its part of such an input; and
// [Model.Top] makes the part of the output that is one item's into classes.
// Package picture decodes pictures and turns them upright, and leads from places
// in the input back to the picture.
//
// # Goroutines
//
// A [Model] is immutable and serves any number of goroutines. A Session is for
// one goroutine at a time (others get [ErrBusy]) and costs the memory of its
// tensors ([Model.Memory] says how much). The weights belong to the Model;
// those that are used where they lie in the file exist once for all processes
// that have opened it with [Open]. Of convolutions by Winograd's algorithm, and
// of most of half precision, each Model keeps a copy in another form: by Winograd's
// of int8 one of eight times the size. A service keeps a Session for each
// goroutine that computes, or a sync.Pool of them. [Model.Classify] pools its own.
//
// A Session runs on the caller's goroutine alone unless SessionOptions.Threads
// asks for more. The others belong to the Session, sleep between runs, never
// spin, and are never waited for before they have woken up. A service that has
// many requests at a time gets most out of its processors with one thread for
// each; more threads shorten the time of a single run.
//
// # Batches
//
// Several items in one run share the reading of large weights. Items pass
// through the layers in between a few at a time, so that what one layer writes
// is still in the cache when the next reads it. A Session for a batch runs
// smaller ones as well.
//
// # Open sizes
//
// A model may leave the height and width of its pictures open, or the length of
// its sequences: [Model.Open] lists such dimensions. A Session is made for one
// size of each, SessionOptions.Sizes, which [Model.Sizes] finds for the shapes
// of inputs and [Model.PictureSizes] for a picture in its own size, as
// [Model.Classify] takes it. Weights exist once for all sizes, in each form that
// an algorithm wants. Of the sizes that were used last a Model keeps the rest as
// well, 32 of them and 64 MiB at most, so that another Session for one of them
// costs little more than its memory, of which [Model.Memory] tells.
//
// # The same bits
//
// On one tier ([Model.Kernels] names it) the outputs of an item are the same
// to the last bit whatever the batch, its place in it, its neighbours, the
// number of threads and the number of runs before. Tiers differ from one
// another by rounding, within the bound that package kernels states. The
// portable kernels round in the same way on every processor. Steps that compute
// with quantised numbers have the same bits on all tiers.
//
// NaN in an input makes the outputs that depend on it NaN: a damaged number
// never becomes a confident answer. Infinities follow the rules of arithmetic. A
// step that quantises numbers, which then cannot be NaN, makes the run's error
// [ErrNaN] of one.
//
// # Errors
//
// Test errors by errors.Is: [ErrClosed], [ErrBusy], [ErrBatch], [ErrSize],
// [ErrFault] and [ErrMemory] of Models and Sessions; weights.ErrFormat and
// weights.ErrVersion of model files, and those of package os; [ErrBlank],
// [ErrEmpty], [ErrTooLarge] and [ErrNoPicture] of pictures; [ErrNotClassifier] of
// classes, and [ErrNaN] of these and of runs. An index of an input or output that
// does not exist panics, as that of a slice does. Nothing that a file, a picture
// or a tensor holds makes the engine panic.
//
// # Closing
//
// Close gives memory back at once and is worth calling. Models and Sessions
// that are merely forgotten are closed when the garbage collector finds them.
// A Model can be closed while Sessions of it run: the file stays mapped until
// the last of them is closed, and new ones are refused with ErrClosed. So a
// service replaces a model by opening the new one, and closing the old.
//
// # Limits
//
// Convolutions, products and pools are of float32 or of quantised uint8; weights
// may be half precision, or int8. Moves (transpose, slice, concatenation and the
// like) take any element type; InputBytes and OutputBytes of a Session show
// inputs and outputs of other types than float32. All shapes but the batch and
// open dimensions are fixed when the model is frozen. Processors must be
// little-endian. A model has at most 8,192 steps, which have at most 65,536
// operands and results together.
//
// A file that nobody vouches for can ask for much memory, which
// SessionOptions.MaxMemory bounds, and for much time: [Model.Steps] and
// [Session.Steps] say beforehand how much work there is. A context given to [Session.RunContext]
// ends a run between two parts of a step, which in such a file can take long
// themselves. A picture that nobody vouches for is best refused by its size
// before it is decoded, as picture.Decode does: preparing one takes time for
// each of its pixels.
// SECURITY.md in the repository says what is promised.
//
// The environment variable INFER_KERNELS forces a tier, as
// [Options] does.
//
// # Compatibility
//
// Releases are numbered by semantic versioning. The promise covers
//
//   - this package, and package picture, all of them;
//   - of package weights: Open, Parse, Save, Marshal and Sections, Meta with the
//     types of its fields, and the errors. A Net's other fields, in terms of
//     package kernels, are for the engine and the importer;
//   - of package weights/onnx: Freeze, Options with tensor.F32 and tensor.F16
//     for its Weights, Report, Operators, and the error;
//   - of package tensor: Elem and its constants, Shape and Type, which others show;
//   - of package weights/digits: Data;
//   - the command.
//
// Packages kernels and asm exist for them alone and promise nothing. Before 1.0 a minor release may change what is
// exported; CHANGELOG.md says what and how to follow.
//
// A model file that one release reads is read by all later ones: a file of
// each version of the format is kept, and opened by the tests. The bits of the
// outputs are the same for one tier of one release. Another release
// may round differently, within the same bounds.
//
// The two latest releases of Go are supported.
package engine
