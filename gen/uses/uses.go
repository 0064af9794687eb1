// Package uses records what each register of a kernel is used for, and writes
// the register map above the kernel.
package uses

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Map is the uses of the registers of one kind, by number.
type Map[R ~int] map[R][]string

// Note records a use of a register from here on.
func (m Map[R]) Note(r R, use string) {
	if !slices.Contains(m[r], use) {
		m[r] = append(m[r], use)
	}
}

// List is the map in words: what each of these registers has been used for, in
// that order, neighbours of the same uses together. Kind begins their names.
func (m Map[R]) List(kind string, registers []R) (parts []string) {
	for i := 0; i < len(registers); {
		use := strings.Join(m[registers[i]], ", then ")
		j := i + 1
		for j < len(registers) && strings.Join(m[registers[j]], ", then ") == use && registers[j] == registers[j-1]+1 {
			j++
		}
		name := fmt.Sprintf("%s%d", kind, int(registers[i]))
		switch last := fmt.Sprintf("%s%d", kind, int(registers[j-1])); {
		case j == i+2:
			name += ", " + last
		case j > i+2:
			name += "…" + last
		}
		if use != "" {
			parts = append(parts, name+" "+use)
		}
		i = j
	}
	return parts
}

// Wrap joins parts into the lines of a comment.
func Wrap(line string, parts []string) (lines []string) {
	for i, p := range parts {
		if i > 0 {
			line += "; "
		}
		if utf8.RuneCountInString(line+p) > 90 {
			lines = append(lines, strings.TrimSpace(line))
			line = ""
		}
		line += p
	}
	return append(lines, line+".")
}
