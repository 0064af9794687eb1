package main

import (
	"fmt"
	"strings"
)

// count writes a number with commas.
func count[T int | int64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is a number, with commas, of things that are named in the plural:
// "1 step", "2 steps", "1 class".
func counted[T int | int64](n T, things string) string { return numbered(count(n), things) }

// numbered is counted for a number that is written already. What is written as
// 1 counts as one, be it rounded or not.
func numbered(n, things string) string {
	if n != "1" {
		return n + " " + things
	}
	if class, ok := strings.CutSuffix(things, "sses"); ok {
		return n + " " + class + "ss"
	}
	return n + " " + strings.TrimSuffix(things, "s")
}
