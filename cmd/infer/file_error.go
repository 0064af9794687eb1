package main

import "github.com/infer-go/infer/internal/files"

// inFile is an error about a file, which it names once, and first.
func inFile(file string, err error) error { return files.Error(file, err) }
