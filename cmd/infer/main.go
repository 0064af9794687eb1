// The command infer says what is in a picture, and makes, inspects, measures
// and runs frozen nets. `infer --help` describes it.
//
// It does no arithmetic of its own: pictures and flags go in, words come
// out.
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

	// As shells have it for a program that a signal ends.
	exitInterrupted = 130
	exitTerminated  = 143
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
	return []command{classifyCommand, convertCommand, inspectCommand, evalCommand, runCommand, scoreCommand, serveCommand, benchCommand, cpuCommand, opsCommand, versionCommand, manualCommand(), completionCommand()}
}

// run is the whole command, and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: &output{w: stdout}, stderr: stderr}
	err := a.dispatch(args)
	if lost := a.stdout.err; lost != nil && (err == nil || err == errReported || errors.Is(err, lost)) {
		err = inFile("standard output", lost)
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case err == errNothingAsked:
		return exitUsage
	case errors.As(err, &usage):
		a.complain("%v (see infer --help)", err)
		return exitUsage
	case err != errReported:
		a.complain("%v", err)
	}
	return exitFailed
}

// errReported stands for errors that have been told to the user already.
var errReported = errors.New("some inputs failed")

// errNothingAsked stands for a command line that is empty, upon which the short
// help has been given.
var errNothingAsked = errors.New("nothing is asked")

// shortHelp says how to begin.
func (a *app) shortHelp() error {
	var names []string
	for _, c := range commands()[1:] {
		names = append(names, c.name)
	}
	fmt.Fprintf(a.stderr, `infer IMAGE|FOLDER...    say what is in pictures; without --model, one digit in each
infer COMMAND ...        %s
infer help COMMAND       describe a command; infer --help describes all
`, strings.Join(names, ", "))
	return errNothingAsked
}

// complain writes one line to standard error.
func (a *app) complain(format string, args ...any) {
	fmt.Fprintln(a.stderr, "infer: "+printable(fmt.Sprintf(format, args...)))
}

func (a *app) dispatch(args []string) error {
	cmd := classifyCommand
	if len(args) == 0 {
		return a.shortHelp()
	}
	word := args[0]
	if word == "--version" {
		word = versionCommand.name
	}
	switch c, ok := commandNamed(word); {
	case ok:
		cmd, args = c, args[1:]
	case word == "help":
		return a.helpOn(args[1:])
	case meant(word) != "":
		return usagef("no such file or command: %s; did you mean infer %s?", word, meant(word))
	case len(args) == 1 && isNothing(word):
		return fmt.Errorf("%s: no such file, nor a command", word)
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
		return prefixed(cmd.name, err)
	}
	return prefixed(cmd.name, do(a, rest))
}

// commandNamed is one of the verbs.
func commandNamed(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name && name != "" {
			return c, true
		}
	}
	return command{}, false
}

// helpOn prints help on the named commands, or on all.
func (a *app) helpOn(names []string) error {
	if len(names) == 0 {
		return a.help(commands()...)
	}
	var list []command
	for _, name := range names {
		c, ok := commandNamed(name)
		if !ok {
			if best := nearest(name); best != "" {
				return usagef("help: no such command: %s; did you mean infer help %s?", name, best)
			}
			return usagef("help: no such command: %s", name)
		}
		list = append(list, c)
	}
	return a.help(list...)
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
			fmt.Fprintf(&b, "      %-20s %s\n", strings.TrimSpace(dashed(f.Name)+" "+value), usage)
		})
	}
	if len(list) > 1 {
		b.WriteString("\n" + exitHelp)
	}
	_, err := a.stdout.Write(b.Bytes())
	return err
}

const exitHelp = `Exit status: 0 if all went well; 1 if an input failed, while the others were
answered; 2 if the command line is wrong; 130 or 143 if a signal ended it.
Answers go to standard output, everything else to standard error. A file named
- is standard input. To read a picture that has a command's name, write ./name.
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
