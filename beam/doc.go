// Package inferbeam runs frozen nets in Apache Beam pipelines, for any number
// of pictures, on as many machines as a runner has.
//
//	pipeline, s := beam.NewPipelineWithRoot()
//	paths := inferbeam.Match(s, "gs://bucket/photos/*.jpg")
//	answers, bad := inferbeam.Classify(s, inferbeam.Options{Model: "net.frz"}, paths)
//
// Classify answers pictures: files by their paths, files by their bytes, or
// blocks of grey pixels. Run computes on raw tensors. The model is opened once
// per process; an instance of a DoFn has a session for each of its threads, and
// computes in batches across the elements of a bundle. Elements that a runner
// processes again give the same results, to the last bit on the same tier.
//
// Names travel between machines, not pixels: the sources in this package,
// Match, List, IDX and Tar, shuffle paths and ranges, and files are read where
// they are computed.
package inferbeam
