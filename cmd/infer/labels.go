package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// readLabels reads a line for each class. Lines at the end may be empty.
func (a *app) readLabels(file string) ([]string, error) {
	data, err := a.readFile(file, 16<<20)
	if err != nil {
		return nil, err
	}
	text := strings.TrimPrefix(string(data), "\ufeff") // some editors begin a file so
	var labels []string
	for line := range strings.Lines(text) {
		labels = append(labels, strings.TrimSpace(line))
	}
	for len(labels) > 0 && labels[len(labels)-1] == "" {
		labels = labels[:len(labels)-1]
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%s: it contains no labels", file)
	}
	for i, label := range labels {
		switch {
		case label == "":
			return nil, fmt.Errorf("%s: line %d is empty", file, i+1)
		case !utf8.ValidString(label):
			return nil, fmt.Errorf("%s: line %d is not UTF-8", file, i+1)
		}
	}
	return labels, nil
}
