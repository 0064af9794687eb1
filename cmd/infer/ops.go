package main

import (
	"flag"
	"fmt"

	"github.com/infer-go/infer/weights/onnx"
)

var opsCommand = command{
	name: "ops",
	help: `List the ONNX operators that convert supports, with their opsets.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		return func(a *app, args []string) error {
			if len(args) > 0 {
				return usagef("%q is not expected", args[0])
			}
			for _, op := range onnx.Operators() {
				fmt.Fprintln(a.stdout, op)
			}
			return nil
		}
	},
}
