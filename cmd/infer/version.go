package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/infer-go/infer/engine"
)

var versionCommand = command{
	name: "version",
	help: `
Show the version of this program, the revision from which it was built, the
version of Go, and the tier in use.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		return func(a *app, args []string) error {
			if len(args) > 0 {
				return usagef("%q is not expected", args[0])
			}
			return a.version()
		}
	},
}

func (a *app) version() error {
	fmt.Fprintf(a.stdout, "infer      %s\n", version())
	if r := revision(); r != "" {
		fmt.Fprintf(a.stdout, "revision   %s\n", r)
	}
	fmt.Fprintf(a.stdout, "go         %s, %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	tier, err := engine.DefaultTier()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "kernels    %s\n", tier)
	return nil
}

// release is set by the linker where archives of a release are made.
var release string

// version is that of this module: "devel" if it was not built as a release.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return strings.Trim(info.Main.Version, "()")
	}
	return "devel"
}

// revision is what version control knew of the source; "" if it was not asked.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	r, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			r = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", with changes"
		}
	}
	if r == "" {
		return ""
	}
	return r + changed
}
