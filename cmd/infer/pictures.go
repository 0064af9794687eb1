package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infer-go/infer/internal/files"
)

// A pictureList says which pictures are meant: those of the arguments, then those
// whose paths stand in a file, a path a line.
type pictureList struct {
	args      []string
	filesFrom string // "" is none, - is standard input
}

// several says that answers are told apart by names.
func (l pictureList) several() bool {
	return len(l.args) != 1 || l.filesFrom != "" || isFolder(l.args[0])
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// each calls f for every path, in order, and with an error for what is none. It
// ends when f returns false.
func (l pictureList) each(a *app, f func(path string, err error) bool) {
	for _, arg := range l.args {
		if !eachInArgument(arg, f) {
			return
		}
	}
	if l.filesFrom == "" {
		return
	}
	in := a.stdin
	if l.filesFrom != "-" {
		file, err := os.Open(l.filesFrom)
		if err != nil {
			f(l.filesFrom, inFile(l.filesFrom, err))
			return
		}
		defer file.Close()
		in = file
	}
	err := eachLine(in, func(path string) bool { return eachInArgument(path, f) })
	if err != nil {
		f(l.filesFrom, inFile(l.filesFrom, err))
	}
}

// eachLine calls f for every line that is not empty, however it ends, until f
// returns false.
func eachLine(r io.Reader, f func(line string) bool) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"); line != "" && !f(line) || err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// eachInArgument does so for one path that was named: all in it if it is a
// folder, otherwise itself, whatever it is called.
func eachInArgument(path string, f func(path string, err error) bool) bool {
	if path == "-" || !isFolder(path) {
		return f(path, nil)
	}
	found := false
	more := eachInFolder(path, func(path string, err error) bool {
		found = true
		return f(path, err)
	})
	if !found {
		return f(path, inFile(path, errors.New("the folder contains no pictures")))
	}
	return more
}

// eachInFolder does so for a folder, in order of names: its regular files with a
// picture's extension, and what is in its folders. What is hidden is left out,
// links are not followed.
func eachInFolder(folder string, f func(path string, err error) bool) bool {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			if !eachInFolder(path, f) {
				return false
			}
		case entry.Type().IsRegular() && files.IsPicture(path):
			if !f(path, nil) {
				return false
			}
		}
	}
	return err == nil || f(folder, inFile(folder, err))
}

// check refuses what cannot be meant.
func (l pictureList) check() error {
	inputs := 0
	for _, arg := range append(slices.Clone(l.args), l.filesFrom) {
		if arg == "-" {
			inputs++
		}
	}
	switch {
	case len(l.args) == 0 && l.filesFrom == "":
		return usagef("no picture is given")
	case inputs > 1:
		return usagef("standard input is named %s", map[bool]string{true: "twice", false: fmt.Sprint(inputs, " times")}[inputs == 2])
	}
	return nil
}
