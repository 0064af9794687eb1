package main

import (
	"flag"
	"fmt"

	"github.com/infer-go/infer/detect"
	"github.com/infer-go/infer/weights"
)

// answerFlags tell what the outputs of a net mean.
type answerFlags struct {
	kind, head     string
	least, overlap float64
	most           int

	given map[string]bool // those that go with boxes alone, and are on the command line
}

func (f *answerFlags) declare(flags *flag.FlagSet) {
	f.given = map[string]bool{}
	flags.StringVar(&f.kind, "answer", "", "the net answers with `WHAT`: classes, detect (boxes), segment (a class for each pixel) or picture; classes if not given")
	flags.StringVar(&f.head, "head", "", "how outputs encode boxes and, unless other flags say so, how pictures are prepared: `NAME` is yolov5, yolov8, yolov10 (boxes that the net has chosen), yolox, yunet or ssd (RFB)")
	flags.Float64Var(&f.least, "least", 0, "omit boxes with a lower `SCORE`; if not given, the default of the head's authors")
	flags.Float64Var(&f.overlap, "overlap", 0, "omit boxes with more `OVERLAP` with a better box of their class, as intersection over union; if not given, the default of the head's authors")
	flags.IntVar(&f.most, "boxes", 300, "keep at most `N` boxes for a picture")
}

// note notes that a flag of some name is on the command line.
func (f *answerFlags) note(name string) {
	switch name {
	case "head", "least", "overlap", "boxes":
		f.given[name] = true
	}
}

// A preset is what a head's authors publish with it.
type preset struct {
	least, overlap float32
	preparation    weights.Preparation // without a size
}

// presets are those of the heads: of
// https://github.com/ultralytics/yolov5 (detect.py),
// https://github.com/ultralytics/ultralytics (cfg/default.yaml),
// https://github.com/Megvii-BaseDetection/YOLOX (demo/ONNXRuntime),
// https://github.com/opencv/opencv_zoo (face_detection_yunet),
// https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB.
var presets = map[detect.Head]preset{
	detect.YOLOv5: {0.25, 0.45, weights.Preparation{Order: weights.RGB, Fit: weights.Pad, Scale: 1. / 255, Std: ones}},
	detect.YOLOv8: {0.25, 0.7, weights.Preparation{Order: weights.RGB, Fit: weights.Pad, Scale: 1. / 255, Std: ones}},
	// What a net has chosen is not suppressed once more.
	detect.YOLOv10: {0.25, 1, weights.Preparation{Order: weights.RGB, Fit: weights.Pad, Scale: 1. / 255, Std: ones}},
	detect.YOLOX:   {0.3, 0.45, weights.Preparation{Order: weights.BGR, Fit: weights.Pad, Scale: 1, Std: ones}},
	detect.YuNet:   {0.6, 0.3, weights.Preparation{Order: weights.BGR, Fit: weights.Stretch, Scale: 1, Std: ones}},
	detect.SSD:     {0.7, 0.3, weights.Preparation{Order: weights.RGB, Fit: weights.Stretch, Scale: 1, Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128}}},
}

var ones = [3]float32{1, 1, 1}

// answer makes the flags into what the file says, and gives the preparation of
// a head's preset if it has one.
func (f *answerFlags) answer() (weights.Answer, *weights.Preparation, error) {
	if len(f.given) > 0 && f.kind != "detect" {
		return weights.Answer{}, nil, usagef("--head, --least, --overlap and --boxes go with --answer detect")
	}
	switch f.kind {
	case "", "classes":
		return weights.Answer{}, nil, nil
	case "segment":
		return weights.Answer{Kind: weights.Mask}, nil, nil
	case "picture":
		return weights.Answer{Kind: weights.Picture}, nil, nil
	case "detect":
	default:
		return weights.Answer{}, nil, usagef("--answer %s: it must be classes, detect, segment or picture", f.kind)
	}
	if f.head == "" {
		return weights.Answer{}, nil, usagef("--answer detect needs --head: yolov5, yolov8, yolov10, yolox, yunet or ssd")
	}
	head, err := detect.HeadNamed(f.head)
	if err != nil {
		return weights.Answer{}, nil, usagef("--head %s: it must be yolov5, yolov8, yolov10, yolox, yunet or ssd", f.head)
	}
	p := presets[head]
	a := weights.Answer{Kind: weights.Boxes, Head: head.String(), Least: p.least, Overlap: p.overlap, Most: f.most}
	for _, v := range []struct {
		name string
		from float64
		to   *float32
	}{{"least", f.least, &a.Least}, {"overlap", f.overlap, &a.Overlap}} {
		switch {
		case !(v.from >= 0 && v.from <= 1):
			return a, nil, usagef("--%s %v: it must be from 0 to 1", v.name, v.from)
		case f.given[v.name]:
			*v.to = float32(v.from)
		}
	}
	if f.most < 1 || f.most > weights.MostBoxes {
		return a, nil, usagef("--boxes %d: from 1 to %d", f.most, weights.MostBoxes)
	}
	return a, &p.preparation, nil
}

// answerString says what a net's outputs are.
func answerString(a weights.Answer) string {
	if a.Kind != weights.Boxes {
		return a.Kind.String()
	}
	return fmt.Sprintf("%s of %s, score at least %v, overlap at most %v, at most %d", a.Kind, a.Head, a.Least, a.Overlap, a.Most)
}
