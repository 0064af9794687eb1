package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// quantiseFlags say how a float net is quantised.
type quantiseFlags struct {
	int8  bool
	paths names
	span  percentileFlag
	keep  names
}

func (q *quantiseFlags) declare(flags *flag.FlagSet) {
	flags.BoolVar(&q.int8, "int8", false, "make a net that computes in 8-bit integers; needs --calibrate")
	flags.Var(&q.paths, "calibrate", "calibrate the net with `PATH`: a picture, a folder of pictures, an IDX file, or a .npy tensor of one or more items (for a net with several inputs, a file for each: A.npy,B.npy); may be repeated, and more may follow OUT.frz")
	flags.Var(&q.span, "range", "range of numbers that integers stand for: `WHAT` is minmax, all that were seen, or percentile:99.99, all but a few; minmax if not given")
	flags.Var(&q.keep, "keep-float", "keep the model's node `NAME`, as inspect lists it, in float; may be repeated")
}

// check finds flags that do not fit together.
func (q *quantiseFlags) check() error {
	switch {
	case q.int8 && len(q.paths) == 0:
		return usagef("--int8 needs --calibrate: pictures or tensors such as the net will be given")
	case !q.int8 && (len(q.paths) > 0 || q.span != 0 || len(q.keep) > 0):
		return usagef("--calibrate, --range and --keep-float go with --int8")
	}
	return nil
}

// percentileFlag is how many of a hundred elements are within a range; 0 for all.
type percentileFlag float64

func (p *percentileFlag) String() string { return "" }

func (p *percentileFlag) Set(s string) error {
	if s == "minmax" {
		*p = 0
		return nil
	}
	text, ok := strings.CutPrefix(s, "percentile:")
	v, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil || !(v > 50 && v <= 100) {
		return fmt.Errorf("%q: it must be minmax, or percentile:99.99 with a number above 50, up to 100", s)
	}
	*p = percentileFlag(v)
	return nil
}
