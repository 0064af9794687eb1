// Package detect converts a detector's outputs to boxes: it decodes the heads
// of the most widely published families of detectors, and keeps only the best
// of boxes that overlap.
//
//	decoder, err := detect.New(detect.YOLOX, outputs, 416, 416)
//	…
//	boxes, err := decoder.Decode(nil, values, 0.25)
//	boxes = detect.Suppress(boxes, 0.45, 300)
//
// Boxes are in pixels of the input; a picture.Placement converts these to the
// picture's own. engine.Model.Detect does all of this.
package detect
