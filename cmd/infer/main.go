// The command infer says what is in a picture, and makes, inspects, measures
// and runs frozen nets. `infer --help` describes it.
//
// It holds no arithmetic: pictures and flags in, words out.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // at least one input failed
	exitUsage  = 2 // the command line is wrong
)

// An app is one call of the command.
type app struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer
}

// A command is one of infer's verbs. The one without a name reads pictures.
type command struct {
	name string
	args string // of the usage line
	help string

	// setup declares flags and returns what carries the command out.
	setup func(flags *flag.FlagSet) func(a *app, args []string) error
}

func commands() []command {
	return []command{classifyCommand, convertCommand, inspectCommand, evalCommand, runCommand, benchCommand, cpuCommand, opsCommand}
}

// run is the whole command, and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: &output{w: stdout}, stderr: stderr}
	err := a.dispatch(args)
	if a.stdout.err != nil {
		err = errors.Join(err, fmt.Errorf("writing the output: %w", a.stdout.err))
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		a.complain("%v (infer --help tells more)", err)
		return exitUsage
	case err != errReported:
		a.complain("%v", err)
	}
	return exitFailed
}

// errReported stands for errors that have been told to the user already.
var errReported = errors.New("some inputs failed")

// A usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// complain writes one line to standard error.
func (a *app) complain(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Fprintln(a.stderr, "infer: "+printable(strings.Join(strings.Fields(line), " ")))
}

func (a *app) dispatch(args []string) error {
	cmd := classifyCommand
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name != "" && c.name == args[0] {
				cmd, args = c, args[1:]
				break
			}
		}
		if args := args; len(args) > 0 && cmd.name == "" && args[0] == "help" {
			return a.help(commands()...)
		}
	}
	flags := flag.NewFlagSet("infer", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	do := cmd.setup(flags)
	rest, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp) && cmd.name == "":
		return a.help(commands()...)
	case errors.Is(err, flag.ErrHelp):
		return a.help(cmd)
	case err != nil:
		return usageError{prefixed(cmd.name, err)}
	}
	return prefixed(cmd.name, do(a, rest))
}

// prefixed puts a command's name before its usage errors.
func prefixed(name string, err error) error {
	var usage usageError
	if name == "" || !errors.As(err, &usage) {
		return err
	}
	return usageError{fmt.Errorf("%s: %w", name, usage.error)}
}

// parse parses flags that may stand anywhere between the arguments, and
// returns the arguments. After -- everything is an argument.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, errors.New(strings.Replace(err.Error(), "flag provided but not defined: -", "no such flag: --", 1))
		}
		left := flags.Args()
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		if len(left) == 0 {
			return rest, nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// help prints what commands do, and their flags.
func (a *app) help(list ...command) error {
	var b bytes.Buffer
	for i, c := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintln(&b, strings.Join(strings.Fields("infer "+c.name+" "+c.args), " "))
		fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(strings.TrimSpace(c.help), "\n", "\n    "))
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		c.setup(flags)
		flags.VisitAll(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			dashes := "--"
			if len(f.Name) == 1 {
				dashes = "-"
			}
			fmt.Fprintf(&b, "      %-20s %s\n", strings.TrimSpace(dashes+f.Name+" "+value), usage)
		})
	}
	if len(list) > 1 {
		b.WriteString("\n" + exitHelp)
	}
	_, err := a.stdout.Write(b.Bytes())
	return err
}

const exitHelp = `Exit code: 0 if all went well; 1 if an input failed, while the others were
answered; 2 if the command line is wrong. Answers go to standard output,
everything else to standard error. A file named - is standard input. A picture
that has a command's name is given as ./name.
`

// An output is standard output. It remembers the first error.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}
