package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/infer-go/infer/engine"
)

var cpuCommand = command{
	name: "cpu",
	help: `
Show the processor, its features, the tiers compiled into this program, and
which of them is used and why. INFER_KERNELS=NAME forces one.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		return func(a *app, args []string) error {
			if len(args) > 0 {
				return usagef("%q is not expected", args[0])
			}
			return a.cpu()
		}
	},
}

func (a *app) cpu() error {
	brand := cpuid.CPU.BrandName
	if brand == "" {
		brand = "unknown"
	}
	fmt.Fprintf(a.stdout, "processor  %s, %s/%s, %s for this program\n", brand, runtime.GOOS, runtime.GOARCH, counted(runtime.GOMAXPROCS(0), "threads"))
	fmt.Fprintf(a.stdout, "features   %s\n", strings.Join(cpuid.CPU.FeatureSet(), " "))

	chosen, err := engine.DefaultTier()
	if err != nil {
		return err
	}
	why := "the fastest that this processor runs"
	if name := os.Getenv(engine.TierVar); name != "" {
		why = engine.TierVar + " asks for them"
	}
	for _, t := range engine.Tiers() {
		state := "not supported by this processor"
		switch {
		case t.Name == chosen:
			state = "chosen: " + why
		case t.Supported:
			state = "supported"
		}
		needs := ""
		if len(t.Features) > 0 {
			needs = ", with " + strings.Join(t.Features, ", ")
		}
		fmt.Fprintf(a.stdout, "kernels    %s%s: %s\n", t.Name, needs, state)
	}
	return nil
}
