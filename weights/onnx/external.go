package onnx

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// externalData says where a tensor's data lie when they are not in the model.
type externalData struct {
	location       string
	offset, length int64
	hasLength      bool
}

// entry reads one StringStringEntryProto of external_data.
func (e *externalData) entry(f field) error {
	var key, value string
	err := f.each(func(f field) (err error) {
		switch f.num {
		case 1: // key
			key, err = f.string()
		case 2: // value
			value, err = f.string()
		}
		return err
	})
	if err != nil {
		return err
	}
	switch key {
	case "location":
		e.location = value
	case "offset":
		e.offset, err = strconv.ParseInt(value, 10, 64)
	case "length":
		e.length, err = strconv.ParseInt(value, 10, 64)
		e.hasLength = true
	}
	return err
}

// read reads external data. The path is resolved inside the model's folder:
// os.Root lets neither .. nor a symbolic link lead out of it.
func (d *decoder) read(e externalData) ([]byte, error) {
	if d.dir == nil {
		return nil, fmt.Errorf("its data are in another file, %q, which was not given: freeze the model from a file in the same folder", e.location)
	}
	f, err := d.dir.Open(e.location)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("external data: %q is not a regular file", e.location)
	}
	if e.offset < 0 || e.offset > info.Size() {
		return nil, fmt.Errorf("external data: offset %d of %q with %d bytes", e.offset, e.location, info.Size())
	}
	if !e.hasLength {
		e.length = info.Size() - e.offset
	}
	if e.length < 0 || e.length > info.Size()-e.offset {
		return nil, fmt.Errorf("external data: %d bytes from %d on in %q with %d bytes", e.length, e.offset, e.location, info.Size())
	}
	data := make([]byte, e.length)
	if _, err := f.ReadAt(data, e.offset); err != nil && !(errors.Is(err, io.EOF) && e.length == 0) {
		return nil, fmt.Errorf("external data: %w", err)
	}
	return data, nil
}
