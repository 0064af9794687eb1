package detect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Head is a way in which outputs encode boxes, named after the detectors that
// use it. C is the number of classes, N that of boxes, and width and height are
// the input's.
type Head uint8

const (
	// YOLOv5 is one output [1, N, 5+C]: middle x and y, width and height in
	// pixels, whether there is an object, and the classes' probabilities given
	// that; a score is the product. YOLOv7 uses it too.
	// https://github.com/ultralytics/yolov5, models/yolo.py, Detect
	YOLOv5 Head = iota + 1

	// YOLOv8 is one output [1, 4+C, N]: middle x and y, width and height in
	// pixels, and the classes' scores. YOLO11 uses it too. It may be transposed,
	// [1, N, 4+C], if N is the number of cells of the usual grids.
	// https://github.com/ultralytics/ultralytics, nn/modules/head.py, Detect
	YOLOv8

	// YOLOX is one output [1, N, 5+C] of the cells of three grids, whose cells
	// are 8, 16 and 32 pixels wide, each grid row by row: for stride s and a
	// cell in column i and row j the middle is ((x+i)·s, (y+j)·s), the size
	// (exp(w)·s, exp(h)·s). Whether there is an object, and the classes, are
	// probabilities; a score is their product.
	// https://github.com/Megvii-BaseDetection/YOLOX, yolox/models/yolo_head.py
	YOLOX

	// YuNet is twelve outputs, cls_8, cls_16, cls_32, obj_8, …, bbox_8, …,
	// kps_8, …, of the cells of three grids: [1, cells, 1] for the class and
	// for the object, both clamped to 0…1, of whose product a score is the
	// square root; [1, cells, 4] for a box as in YOLOX; [1, cells, 10] for
	// landmarks, which are not decoded. There is one class. The outputs are
	// identified by these names or, if they have other names, by this order.
	// https://github.com/opencv/opencv, modules/objdetect/src/face_detect.cpp
	YuNet

	// SSD is two outputs: scores [1, N, 1+C], where class 0 is the background
	// and does not count, and boxes [1, N, 4], decoded: left, top, right and
	// bottom as fractions of width and height. The output with more than four
	// numbers per box, or with "score" in its name, holds the scores. RFB-320
	// and RFB-640 use it.
	// https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB
	SSD

	// YOLOv10 is one output [1, N, 6] of boxes that the net itself has chosen:
	// left, top, right and bottom in pixels, the score, and the class. Other
	// versions have it too when they are exported with suppression. The number
	// of classes does not follow from it.
	// https://github.com/THU-MIG/yolov10, ultralytics/nn/modules/head.py, v10Detect
	YOLOv10
)

// LastHead is the Head with the largest value.
const LastHead = YOLOv10

var headNames = [...]string{YOLOv5: "yolov5", YOLOv8: "yolov8", YOLOX: "yolox", YuNet: "yunet", SSD: "ssd", YOLOv10: "yolov10"}

// String returns the name by which HeadNamed finds the Head.
func (h Head) String() string {
	if int(h) < len(headNames) && h > 0 {
		return headNames[h]
	}
	return fmt.Sprintf("head %d", uint8(h))
}

// HeadNamed returns the Head with the given name: yolov5, yolov8, yolov10, yolox,
// yunet or ssd, in upper or lower case.
func HeadNamed(name string) (Head, error) {
	if i := slices.Index(headNames[1:], strings.ToLower(name)); i >= 0 {
		return Head(i + 1), nil
	}
	return 0, fmt.Errorf("detect: unknown head %q: it must be one of %s", name, strings.Join(headNames[1:], ", "))
}

// Errors that callers may need to distinguish.
var (
	// ErrOutputs is wrapped by errors about outputs that do not have the form
	// of a Head.
	ErrOutputs = errors.New("detect: these are not the outputs of such a head")

	// ErrNaN says that a score, or a coordinate of a box, is not a finite
	// number.
	ErrNaN = errors.New("detect: a score or a box is not a finite number")
)

// An Output is an output of a detector for one picture.
type Output struct {
	Name  string
	Shape []int // dimension 0 is 1, or omitted
}

// A Decoder converts the outputs of one detector to boxes, for one size of
// input. It is immutable, and any number of goroutines may use it.
type Decoder struct {
	head    Head
	classes int
	lengths []int // elements of each output
	order   []int // the outputs that decode takes, in its order
	decode  func(dst []Box, out [][]float32, least float32) []Box
}

// New returns the Decoder for the outputs of a detector with an input of
// width×height pixels. Errors wrap ErrOutputs and say which output is wrong,
// and how.
func New(head Head, outputs []Output, width, height int) (*Decoder, error) {
	if head < 1 || head > LastHead {
		return nil, fmt.Errorf("detect: there is no %v", head)
	}
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("detect: an input of %d×%d pixels", width, height)
	}
	d := &Decoder{head: head}
	for _, o := range outputs {
		n := 1
		for _, s := range o.Shape {
			n *= s
		}
		d.lengths = append(d.lengths, n)
	}
	var err error
	switch head {
	case YOLOv5:
		err = d.yolov5(outputs)
	case YOLOv8:
		err = d.yolov8(outputs, width, height)
	case YOLOX:
		err = d.yolox(outputs, width, height)
	case YuNet:
		err = d.yunet(outputs, width, height)
	case SSD:
		err = d.ssd(outputs, width, height)
	case YOLOv10:
		err = d.yolov10(outputs)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%v): %w", ErrOutputs, head, err)
	}
	return d, nil
}

// Classes returns the number of classes, without the background; 0 if the outputs
// do not tell.
func (d *Decoder) Classes() int { return d.classes }

// Decode appends to dst the boxes of one picture whose score is at least least,
// each with the class of its highest score, the first of several equal ones.
// outputs has the order of New's, and each must have the length that its shape
// says.
//
// The other error is ErrNaN.
func (d *Decoder) Decode(dst []Box, outputs [][]float32, least float32) ([]Box, error) {
	if len(outputs) != len(d.lengths) {
		return dst, fmt.Errorf("detect: %d outputs where there should be %d", len(outputs), len(d.lengths))
	}
	for i, x := range outputs {
		if len(x) != d.lengths[i] {
			return dst, fmt.Errorf("detect: output %d has %d elements where there should be %d", i, len(x), d.lengths[i])
		}
	}
	var in [12][]float32
	for i, o := range d.order {
		in[i] = outputs[o]
	}
	before := len(dst)
	dst = d.decode(dst, in[:len(d.order)], least)
	if slices.ContainsFunc(dst[before:], func(b Box) bool { return !b.finite() }) {
		return dst[:before], ErrNaN
	}
	return dst, nil
}

// matrix is an output's shape without the leading 1: its rows and columns.
func matrix(o Output) (rows, columns int, err error) {
	s := o.Shape
	if len(s) == 3 && s[0] == 1 {
		s = s[1:]
	}
	if len(s) != 2 || s[0] < 1 || s[1] < 1 {
		return 0, 0, fmt.Errorf("output %q of shape %v is not a matrix", o.Name, o.Shape)
	}
	return s[0], s[1], nil
}

// only is the matrix of the only output.
func (d *Decoder) only(outputs []Output) (rows, columns int, err error) {
	if len(outputs) != 1 {
		return 0, 0, fmt.Errorf("there should be one output, not %d", len(outputs))
	}
	d.order = []int{0}
	return matrix(outputs[0])
}

// best is the greatest of scores that lie step apart, and its place. NaN is the
// greatest there is.
func best(scores []float32, step int) (class int, score float32) {
	score = scores[0]
	for i := step; i < len(scores); i += step {
		if v := scores[i]; v > score || v != v {
			class, score = i/step, v
		}
	}
	return class, score
}
