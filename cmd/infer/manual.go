package main

import (
	"flag"
	"fmt"
	"strings"
)

// manualCommand is not a variable, as it asks for all commands, and is one of them.
func manualCommand() command {
	return command{
		name: "manual",
		help: `Print the manual page, which man reads: infer manual > infer.1`,
		setup: func(flags *flag.FlagSet) func(*app, []string) error {
			return func(a *app, args []string) error {
				if len(args) > 0 {
					return usagef("%q is not expected", args[0])
				}
				_, err := a.stdout.Write([]byte(manual()))
				return err
			}
		},
	}
}

// manual is the help of all commands in the macros of man(7).
func manual() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH INFER 1 \"\" %s \"User Commands\"\n", roffArgument("infer "+version()))
	b.WriteString(".ad l\n.SH NAME\ninfer \\- frozen ConvNets, at the speed of the machine\n.SH SYNOPSIS\n")
	for i, c := range commands() {
		if i > 0 {
			b.WriteString(".br\n")
		}
		b.WriteString(".B infer")
		if c.name != "" {
			b.WriteString(" " + c.name)
		}
		b.WriteString("\n")
		if c.args != "" {
			b.WriteString(roffText(c.args) + "\n")
		}
	}
	b.WriteString(".SH COMMANDS\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, ".SS %s\n", roffArgument(strings.TrimSpace("infer "+c.name)))
		b.WriteString(roffText(strings.TrimSpace(c.help)) + "\n")
		for _, f := range flagsOf(c) {
			value, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", roffEscape(dashed(f.Name)))
			if value != "" {
				fmt.Fprintf(&b, " \\fI%s\\fR", roffEscape(value))
			}
			b.WriteString("\n" + roffText(usage) + "\n")
		}
	}
	b.WriteString(".SH EXIT STATUS\n" + roffText(strings.TrimSpace(exitHelp)) + "\n")
	return b.String()
}

// flagsOf lists a command's flags by name.
func flagsOf(c command) (list []*flag.Flag) {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	c.setup(flags)
	flags.VisitAll(func(f *flag.Flag) { list = append(list, f) })
	return list
}

// roffEscape keeps roff from seeing anything but letters in a text: hyphens
// stay hyphens, which can be copied into a shell.
func roffEscape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
}

// roffText is lines of text, none of which is a request.
func roffText(text string) string {
	lines := strings.Split(roffEscape(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// roffArgument is one argument of a request.
func roffArgument(text string) string {
	return `"` + strings.ReplaceAll(roffEscape(text), `"`, `""`) + `"`
}
