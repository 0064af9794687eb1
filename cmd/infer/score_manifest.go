package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/weights/digits"
)

// A manifest says what a part was made of, and what is in it: PART.json.
type manifest struct {
	Model string `json:"model"` // digests
	List  string `json:"list"`
	Flags string `json:"flags"`
	result

	// These are told, and not compared: on other kernels the last bits may differ.
	Version string `json:"version"`
	Kernels string `json:"kernels"`
}

// A result is what a part holds.
type result struct {
	Pictures int    `json:"pictures"`
	Failed   int    `json:"failed"` // of the pictures, those without an answer
	Bytes    int64  `json:"bytes"`
	Digest   string `json:"digest"`
}

// manifest is what a job makes its part of.
func (j *job) manifest(list string) (*manifest, error) {
	model := newDigest()
	if j.model == "" {
		model.Write(digits.Data)
	} else if err := model.read(string(j.model)); err != nil {
		return nil, err
	}
	flags := newDigest()
	fmt.Fprintf(flags, "--top %d --shard %s --images %q", j.top, &j.shard, j.images)
	return &manifest{Model: model.String(), List: list, Flags: flags.String()}, nil
}

// readManifest is that of a part, if both are whole.
func readManifest(part string) (*manifest, bool) {
	data, err := os.ReadFile(part + ".json")
	if err != nil {
		return nil, false
	}
	m := new(manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, false
	}
	sum := newDigest()
	return m, sum.read(part) == nil && sum.String() == m.Digest
}

// same says that a part was made of the same.
func (m *manifest) same(as *manifest) bool {
	return m.Model == as.Model && m.List == as.List && m.Flags == as.Flags
}

func (m *manifest) write(a *app, part string) error {
	line, err := answers.Line(m)
	if err != nil {
		return err
	}
	return a.save(part+".json", func(w io.Writer) error {
		_, err := w.Write(line)
		return err
	})
}

// A digest is a SHA-256.
type digest struct{ hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

func (d digest) String() string { return fmt.Sprintf("sha256:%x", d.Sum(nil)) }

// read adds what is in a file.
func (d digest) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return inFile(file, err)
	}
	defer f.Close()
	if _, err := io.Copy(d, f); err != nil {
		return inFile(file, err)
	}
	return nil
}
