package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/infer-go/infer/internal/idx"
	"github.com/infer-go/infer/internal/score"
)

// A source has the pictures of a batch job, in order.
type source struct {
	file   *os.File
	digest string
	count  int

	// each calls f for the pictures from the first to the one before the last,
	// some at a time, until f returns false.
	each func(first, last int, f func([]score.Picture) bool) error
}

func (s *source) Close() { s.file.Close() }

// scoredTogether is how many pictures a thread takes at a time.
const scoredTogether = 64

// openSource opens the pictures of a job. A list is read twice, since nothing of
// it is kept: it may be longer than memory.
func (a *app) openSource(j *job) (*source, error) {
	path := j.list + j.images
	file, err := os.Open(path)
	if err != nil {
		return nil, inFile(path, err)
	}
	s := &source{file: file}
	if j.images != "" {
		err = s.openImages(path)
	} else {
		err = s.openList(a)
	}
	if err != nil {
		file.Close()
		return nil, inFile(path, err)
	}
	return s, nil
}

func (s *source) openImages(path string) error {
	sum := newDigest()
	if _, err := io.Copy(sum, s.file); err != nil {
		return err
	}
	s.digest = sum.String()
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	items, err := idx.Open(s.file, maxDataSet)
	if err != nil {
		return err
	}
	if len(items.Shape) != 3 {
		return fmt.Errorf("pictures have three dimensions, not %d", len(items.Shape))
	}
	s.count = items.Len()
	s.each = func(first, last int, f func([]score.Picture) bool) error {
		for i := first; i < last; i += scoredTogether {
			n := min(scoredTogether, last-i)
			data, err := items.Read(i, n)
			if err != nil {
				return inFile(path, err)
			}
			pictures := make([]score.Picture, n)
			for k := range pictures {
				pictures[k] = score.Picture{
					Name:   score.Name(path, i+k),
					Pixels: data[k*items.Size():][:items.Size()],
					Height: items.Shape[1], Width: items.Shape[2],
				}
			}
			if !f(pictures) {
				return nil
			}
		}
		return nil
	}
	return nil
}

func (s *source) openList(a *app) error {
	sum := newDigest()
	if err := eachLine(io.TeeReader(s.file, sum), func(string) bool { s.count++; return true }); err != nil {
		return err
	}
	s.digest = sum.String()
	if s.count == 0 {
		return errors.New("the list contains no pictures")
	}
	s.each = func(first, last int, f func([]score.Picture) bool) error {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		var pictures []score.Picture
		i, more := 0, true
		err := eachLine(s.file, func(path string) bool {
			if i >= first && i < last {
				pictures = append(pictures, score.Picture{Name: path, File: func() ([]byte, error) { return score.ReadFile(path) }})
			}
			i++
			if len(pictures) == scoredTogether || i == last {
				more = f(pictures)
				pictures = nil
			}
			return more && i < last
		})
		switch {
		case err != nil:
			return err
		case more && i < last:
			return errors.New("the list has become shorter")
		}
		return nil
	}
	return nil
}
