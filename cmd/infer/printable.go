package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is text from a file, fit for a terminal: characters that control
// it, or turn the direction of writing, and bytes that are no UTF-8 are
// written as Go does, "\x1b". A stranger's label could otherwise hide or
// forge what is around it.
func printable(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control) || r == utf8.RuneError && size == 1 {
			b.WriteString(strings.Trim(strconv.QuoteToASCII(text[:size]), `"`))
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// maxName is how many characters of a step's name a table shows: exporters
// write names of whole paths, and a table of them would fit no terminal.
const maxName = 50

// cut is text of at most n characters: what is longer ends in an ellipsis.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
