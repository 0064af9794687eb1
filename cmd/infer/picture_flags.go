package main

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// pictureFlags tell how a picture becomes the input of a net.
type pictureFlags struct {
	digits, crop, stretch, pad bool
	resize                     int
	channels                   string
	scale, mean, std           numbers

	some   bool                 // at least one of them is given
	preset *weights.Preparation // what is taken if none is; nil for none
}

func (p *pictureFlags) declare(flags *flag.FlagSet) {
	p.scale.set(1.0 / 255)
	p.std.set(1)
	flags.BoolVar(&p.digits, "digits", false, "pictures of digits, prepared as MNIST's: input 1×28×28, ink 1 on 0")
	flags.BoolVar(&p.crop, "crop", false, "photos: scale the shorter side, cut out the middle")
	flags.BoolVar(&p.stretch, "stretch", false, "photos: scale both sides, whatever the proportions")
	flags.BoolVar(&p.pad, "pad", false, "photos: scale the longer side, fill the rest with the mean")
	flags.IntVar(&p.resize, "resize", 0, "scale the shorter side to `N` pixels before --crop cuts; without it, to the input's size")
	flags.StringVar(&p.channels, "channels", "", "order of the `CHANNELS`: gray, rgb or bgr; by the input's shape if not given")
	flags.Var(&p.scale, "scale", "`FACTOR`, such as 1 or 1/255; 1/255 if not given")
	flags.Var(&p.mean, "mean", "`MEAN` of all channels, or of each: 0.485,0.456,0.406; 0 if not given")
	flags.Var(&p.std, "std", "standard `DEVIATION` of all channels, or of each; 1 if not given")
}

// given notes that a flag of some name is on the command line.
func (p *pictureFlags) given(name string) {
	switch name {
	case "digits", "crop", "stretch", "pad", "resize", "channels", "scale", "mean", "std":
		p.some = true
	}
}

// check finds flags that contradict each other.
func (p *pictureFlags) check() error {
	n := 0
	for _, b := range []bool{p.digits, p.crop, p.stretch, p.pad} {
		if b {
			n++
		}
	}
	switch {
	case n > 1:
		return usagef("--digits, --crop, --stretch and --pad exclude each other")
	case p.resize < 0:
		return usagef("--resize %d: it must be positive", p.resize)
	case p.resize > 0 && (p.stretch || p.pad || p.digits):
		return usagef("--resize goes only with --crop")
	case p.resize > math.MaxInt32:
		return usagef("--resize %d: at most %d", p.resize, math.MaxInt32)
	case p.scale.count == 3:
		return usagef("--scale is one number, for all channels")
	case p.scale.of[0] == 0:
		return usagef("--scale must not be 0")
	case slices.Contains(p.std.of[:], 0):
		return usagef("--std must not be 0")
	}
	switch p.channels {
	case "", "gray", "rgb", "bgr":
		return nil
	}
	return usagef("--channels %s: it must be gray, rgb or bgr", p.channels)
}

// preparation makes the flags into what the file says, for the first input of
// a net.
func (p *pictureFlags) preparation(net *weights.Net) (weights.Preparation, error) {
	if !p.some && p.preset == nil {
		return weights.Preparation{}, nil
	}
	in := net.Values[net.Inputs[0]]
	if len(net.Inputs) != 1 || len(in.Shape) != 4 || in.Shape[0] != 1 || in.Shape[1] != 1 && in.Shape[1] != 3 {
		return weights.Preparation{}, fmt.Errorf("input %q of shape %s cannot take a picture: 1×1×height×width or 1×3×height×width can", in.Name, tensor.Dims(in.Shape...))
	}
	prep := weights.Preparation{
		Kind:   weights.Photo,
		Fit:    weights.Crop,
		Order:  weights.RGB,
		Height: in.Shape[2], Width: in.Shape[3],
		Resize: p.resize,
		Scale:  p.scale.of[0],
		Mean:   p.mean.of,
		Std:    p.std.of,
	}
	if !p.some {
		q := p.preset
		prep.Order, prep.Fit, prep.Scale, prep.Mean, prep.Std = q.Order, q.Fit, q.Scale, q.Mean, q.Std
	}
	switch {
	case p.digits:
		prep.Kind = weights.Digit
		if in.Shape[1] != 1 || in.Shape[2] != 28 || in.Shape[3] != 28 {
			return prep, fmt.Errorf("--digits prepares an input of 1×1×28×28, and %q is %s", in.Name, tensor.Dims(in.Shape...))
		}
	case p.stretch:
		prep.Fit = weights.Stretch
	case p.pad:
		prep.Fit = weights.Pad
	}
	if in.Shape[1] == 1 {
		prep.Order = weights.Gray
	}
	for _, d := range net.Open {
		for _, at := range d.At {
			switch at {
			case weights.Axis{Dim: 2}:
				prep.Height = 0
			case weights.Axis{Dim: 3}:
				prep.Width = 0
			}
		}
	}
	switch {
	case p.channels == "gray" && in.Shape[1] != 1, p.channels != "" && p.channels != "gray" && in.Shape[1] != 3:
		return prep, fmt.Errorf("--channels %s does not fit the input %q of %s", p.channels, in.Name, counted(in.Shape[1], "channels"))
	case max(p.mean.count, p.std.count) > in.Shape[1]:
		return prep, fmt.Errorf("--mean and --std of three channels do not fit the input %q of one", in.Name)
	case p.channels == "bgr":
		prep.Order = weights.BGR
	}
	return prep, nil
}

// numbers are one for each channel. As a flag, one number stands for three,
// and a number may be a fraction.
type numbers struct {
	of    [3]float32
	count int // as many are given, 0, 1 or 3
}

func (n *numbers) String() string { return "" }

// set sets all to a value that is not given.
func (n *numbers) set(v float32) { n.of = [3]float32{v, v, v} }

func (n *numbers) Set(s string) error {
	parts := strings.Split(s, ",")
	if len(parts) != 1 && len(parts) != 3 {
		return fmt.Errorf("one number or three, not %d", len(parts))
	}
	n.count = len(parts)
	for i := range n.of {
		v, err := fraction(parts[min(i, len(parts)-1)])
		if err != nil {
			return err
		}
		n.of[i] = v
	}
	return nil
}

// fraction reads 0.5 or 1/2.
func fraction(s string) (float32, error) {
	above, below, isFraction := strings.Cut(strings.TrimSpace(s), "/")
	v, err := strconv.ParseFloat(above, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	if isFraction {
		w, err := strconv.ParseFloat(below, 64)
		if err != nil || w == 0 {
			return 0, fmt.Errorf("%q is not a number", s)
		}
		v /= w
	}
	if v != v || v > 1e30 || v < -1e30 {
		return 0, fmt.Errorf("%q is out of range", s)
	}
	return float32(v), nil
}
