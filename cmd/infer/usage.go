package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/infer-go/infer/internal/spelling"
)

// A usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// prefixed puts a command's name before its usage errors.
func prefixed(name string, err error) error {
	var usage usageError
	if name == "" || !errors.As(err, &usage) {
		return err
	}
	return usageError{fmt.Errorf("%s: %w", name, usage.error)}
}

// atLeastOne checks the number that a flag gives.
func atLeastOne(name string, n int) error {
	if n < 1 {
		return usagef("--%s %d: at least 1", name, n)
	}
	return nil
}

// isGiven reports whether a flag is on the command line.
func isGiven(flags *flag.FlagSet, name string) (given bool) {
	flags.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

// dashed is a flag's name as it is written here.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// parse parses flags that may stand anywhere between the arguments, and
// returns the arguments. After -- everything is an argument.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usageError{flagError(flags, err)}
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

// flagError is an error of package flag in the words of this command. That
// package has no types for them.
func flagError(flags *flag.FlagSet, err error) error {
	text := err.Error()
	if _, name, ok := strings.Cut(text, "flag provided but not defined: -"); ok {
		return fmt.Errorf("no such flag: %s", dashed(name))
	}
	if _, name, ok := strings.Cut(text, "flag needs an argument: -"); ok {
		value, _ := flag.UnquoteUsage(flags.Lookup(name))
		return fmt.Errorf("%s needs an argument, %s", dashed(name), value)
	}
	parts := regexp.MustCompile(`(?s)^invalid .*value ".*" for (?:flag )?-(\S+): (.*)$`).FindStringSubmatch(text)
	if parts == nil {
		return err
	}
	name, reason := dashed(parts[1]), parts[2]
	if g, ok := flags.Lookup(parts[1]).Value.(flag.Getter); ok {
		switch g.Get().(type) {
		case int:
			return fmt.Errorf("%s needs a number", name)
		case time.Duration:
			return fmt.Errorf("%s needs a time, such as 3s", name)
		case bool:
			return fmt.Errorf("%s takes no value", name)
		}
	}
	return fmt.Errorf("%s: %s", name, reason)
}

// meant is the command that a word was most likely meant to be, which is no
// file and cannot be one of a picture; "" if there is none.
func meant(word string) string {
	if !isNothing(word) {
		return ""
	}
	return nearest(word)
}

// isNothing says that a word is no file, and cannot be one of a picture.
func isNothing(word string) bool {
	if word == "" || strings.ContainsAny(word, `-./\`) {
		return false
	}
	_, err := os.Stat(word)
	return err != nil
}

// nearest is the command whose name is most like a word; "" if none is.
func nearest(word string) string {
	best, least := "", len(word)
	for _, c := range commands() {
		// Of short names, little may be wrong: cat is no cpu.
		if d := spelling.Distance(word, c.name); 2*d < len(c.name) && d < least {
			best, least = c.name, d
		}
	}
	return best
}
