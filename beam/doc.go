// Package inferbeam runs frozen nets in pipelines of Apache Beam: as many
// pictures as there are, on as many machines as a runner has.
//
//	pipeline, s := beam.NewPipelineWithRoot()
//	paths := inferbeam.Match(s, "gs://bucket/photos/*.jpg")
//	answers, bad := inferbeam.Classify(s, inferbeam.Options{Model: "net.frz"}, paths)
//
// Classify answers pictures: files by their paths, files by their bytes, or blocks
// of grey pixels. Run computes on raw tensors. The model is opened once for a
// process; a DoFn's instance has a session for each of its threads, and computes
// in batches across the elements of a bundle. What a runner processes again gives
// the same again, in every bit where the same kernels compute.
//
// Names travel between machines, not pixels: the sources of this package, Match,
// List, IDX and Tar, shuffle paths and ranges, and the files are read where they
// are computed.
package inferbeam
