package main

import (
	"flag"
	"fmt"
	"strings"
)

// completionCommand is not a variable, as it asks for all commands, and is one of them.
func completionCommand() command {
	return command{
		name: "completion",
		args: "bash|zsh|fish",
		help: `
Print a script that completes commands and flags in a shell:
    bash: source <(infer completion bash)
    zsh:  source <(infer completion zsh)
    fish: infer completion fish | source`,
		setup: func(flags *flag.FlagSet) func(*app, []string) error {
			return func(a *app, args []string) error {
				if len(args) != 1 {
					return usagef("give one shell: bash, zsh or fish")
				}
				script, ok := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[args[0]]
				if !ok {
					return usagef("no completions for %s: bash, zsh or fish", args[0])
				}
				_, err := a.stdout.Write([]byte(script()))
				return err
			}
		},
	}
}

// verbs are the names of the commands that have one.
func verbs() (names []string) {
	for _, c := range commands() {
		if c.name != "" {
			names = append(names, c.name)
		}
	}
	return names
}

// dashedFlags are a command's flags as they are written.
func dashedFlags(c command) (names []string) {
	for _, f := range flagsOf(c) {
		names = append(names, dashed(f.Name))
	}
	return names
}

// oneLine is the first sentence of a command's help.
func oneLine(c command) string {
	text := strings.Join(strings.Fields(c.help), " ")
	for _, end := range []string{". ", ": ", "; "} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimSuffix(text, ".")
}

func bashCompletion() string {
	var b strings.Builder
	b.WriteString(`_infer() {
  local word=${COMP_WORDS[COMP_CWORD]} flags
  case ${COMP_WORDS[1]} in
`)
	for _, c := range commands() {
		if c.name != "" {
			fmt.Fprintf(&b, "    %s) flags=%q ;;\n", c.name, strings.Join(dashedFlags(c), " "))
		}
	}
	fmt.Fprintf(&b, "    *) flags=%q ;;\n", strings.Join(dashedFlags(classifyCommand), " "))
	fmt.Fprintf(&b, `  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [[ $COMP_CWORD == 1 ]]; then
    COMPREPLY=($(compgen -W %q -- "$word") $(compgen -f -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _infer infer
`, strings.Join(append(verbs(), "help"), " "))
	return b.String()
}

func zshCompletion() string {
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	var b strings.Builder
	b.WriteString("#compdef infer\n_infer() {\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    local -a verbs=(\n")
	for _, c := range commands() {
		if c.name != "" {
			fmt.Fprintf(&b, "      %s\n", quote(c.name+":"+oneLine(c)))
		}
	}
	b.WriteString("    )\n    _describe command verbs\n    _files\n    return\n  fi\n  case $words[2] in\n")
	arguments := func(c command) {
		b.WriteString(" _arguments")
		for _, f := range flagsOf(c) {
			value, usage := flag.UnquoteUsage(f)
			usage = strings.NewReplacer("[", "(", "]", ")", ":", ",").Replace(usage)
			spec := dashed(f.Name) + "[" + usage + "]"
			if value != "" {
				spec += ":" + value + ":_files"
			}
			b.WriteString(" \\\n      " + quote(spec))
		}
		b.WriteString(" \\\n      '*:file:_files' ;;\n")
	}
	for _, c := range commands() {
		if c.name != "" {
			fmt.Fprintf(&b, "    %s)", c.name)
			arguments(c)
		}
	}
	b.WriteString("    *)")
	arguments(classifyCommand)
	b.WriteString("  esac\n}\ncompdef _infer infer\n")
	return b.String()
}

func fishCompletion() string {
	quote := func(text string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
	}
	var b strings.Builder
	all := strings.Join(verbs(), " ")
	for _, c := range commands() {
		condition := "not __fish_seen_subcommand_from " + all
		if c.name != "" {
			fmt.Fprintf(&b, "complete -c infer -n __fish_use_subcommand -a %s -d %s\n", c.name, quote(oneLine(c)))
			condition = "__fish_seen_subcommand_from " + c.name
		}
		for _, f := range flagsOf(c) {
			value, usage := flag.UnquoteUsage(f)
			kind := "-l"
			if len(f.Name) == 1 {
				kind = "-s"
			}
			required := ""
			if value != "" {
				required = " -r"
			}
			fmt.Fprintf(&b, "complete -c infer -n %s %s %s%s -d %s\n", quote(condition), kind, f.Name, required, quote(usage))
		}
	}
	return b.String()
}
