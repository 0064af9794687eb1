package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/infer-go/infer/cmd/infer/internal/npy"
	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/internal/idx"
	"github.com/infer-go/infer/internal/score"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/onnx"
)

// A calibration is what a net is calibrated with, read as it is asked for.
type calibration struct {
	a       *app
	net     *weights.Net // with its preparation
	model   *engine.Model
	sources []itemSource
	ends    []int     // the number of items up to the end of each source
	floats  []float32 // the last item, if it was made of a picture
}

// An itemSource is a file with items.
type itemSource struct {
	path  string
	n     int
	array *idx.Array   // pictures
	npy   []*npy.Array // tensors, one for each input
}

// calibration opens what a net is to be calibrated with. Tensors and data sets
// are read, pictures later.
func (a *app) calibration(paths []string, net *weights.Net) (*calibration, error) {
	c := &calibration{a: a, net: net}
	for _, path := range paths {
		if err := c.open(path); err != nil {
			return nil, err
		}
	}
	n := 0
	for _, s := range c.sources {
		n += s.n
		c.ends = append(c.ends, n)
	}
	if len(net.Open) == 0 {
		return c, nil
	}
	// An open net of which only sizes are asked.
	data, err := weights.Marshal(net)
	if err != nil {
		return nil, err
	}
	c.model, err = engine.Parse(data)
	return c, err
}

// open finds out what there is at a path.
func (c *calibration) open(path string) error {
	if _, err := os.Stat(path); err != nil && !strings.Contains(path, ",") {
		return inFile(path, err)
	}
	first, _, several := strings.Cut(path, ",")
	several = several && len(files.FirstBytes(path)) == 0
	if !several {
		first = path
	}
	switch head := files.FirstBytes(first); {
	case several, bytes.HasPrefix(head, []byte("\x93NUMPY")):
		return c.openTensors(strings.Split(path, ","))
	case bytes.HasPrefix(head, []byte("\x00\x00")), bytes.HasPrefix(head, []byte("\x1f\x8b")):
		array, err := c.a.readIDX(path)
		if err != nil {
			return err
		}
		if len(array.Shape) != 3 {
			return inFile(path, fmt.Errorf("pictures have three dimensions, not %d", len(array.Shape)))
		}
		if err := c.checkPictures(path, array); err != nil {
			return err
		}
		c.sources = append(c.sources, itemSource{path: path, n: array.Len(), array: array})
		return nil
	}
	var fault error
	eachInArgument(path, func(file string, err error) bool {
		if err == nil {
			err = c.checkPictures(file, nil)
		}
		fault = err
		c.sources = append(c.sources, itemSource{path: file, n: 1})
		return err == nil
	})
	return fault
}

// checkPictures says whether pictures can become inputs.
func (c *calibration) checkPictures(path string, array *idx.Array) error {
	in := c.net.Values[c.net.Inputs[0]]
	switch {
	case len(c.net.Inputs) != 1 || in.Elem != tensor.F32:
		return inFile(path, errors.New("the net's inputs are not a picture of f32: calibrate it with .npy tensors"))
	case c.net.Meta.Preparation.Kind == weights.NoPicture && !c.ownSize(array):
		return inFile(path, errors.New("nothing says how a picture becomes the net's input: give --crop, --stretch or --pad, or --digits, or calibrate with .npy tensors"))
	}
	return nil
}

// ownSize says that the pictures of a data set are of the net's own size: what it
// was trained with, and taken as it is.
func (c *calibration) ownSize(array *idx.Array) bool {
	if array == nil || c.net.Meta.Preparation.Order != weights.Gray {
		return false
	}
	in := c.net.Values[c.net.Inputs[0]]
	return len(c.net.Open) == 0 && in.Shape.Volume() == array.Size()
}

// openTensors reads a tensor for each input: of one item, or of several.
func (c *calibration) openTensors(files []string) error {
	if len(files) != len(c.net.Inputs) {
		return inFile(strings.Join(files, ","), fmt.Errorf("%s, where the net has %s", counted(len(files), "tensors"), counted(len(c.net.Inputs), "inputs")))
	}
	s := itemSource{path: files[0]}
	for i, file := range files {
		data, err := c.a.readFile(file, maxTensor)
		if err != nil {
			return err
		}
		array, err := npy.Read(bytes.NewReader(data))
		if err != nil {
			return inFile(file, err)
		}
		in := c.net.Values[c.net.Inputs[i]]
		want := slices.Clone(in.Shape)
		for _, d := range c.net.Open {
			for _, at := range d.At {
				if at.Input == i {
					want[at.Dim] = -1
				}
			}
		}
		// A dimension of items can be the first one, or stand in front of it.
		shape := array.Shape
		if len(shape) != len(want)+1 {
			if len(want) > 0 && want[0] == 1 {
				want = want[1:]
			} else {
				shape = append([]int{1}, shape...)
			}
		}
		n, ok := items(shape, append([]int{-1}, want...), true)
		switch {
		case array.Elem != in.Elem:
			return inFile(file, fmt.Errorf("its elements are %v, but input %q takes %v", array.Elem, in.Name, in.Elem))
		case !ok:
			return inFile(file, fmt.Errorf("shape %s, but input %q takes %s, or several of these", tensor.Dims(array.Shape...), in.Name, tensor.Dims(in.Shape...)))
		case i > 0 && n != s.n:
			return inFile(file, fmt.Errorf("%s, but %s has %d", counted(n, "items"), files[0], s.n))
		}
		s.n = n
		item := slices.Clone(in.Shape)
		copy(item[len(item)-len(want):], shape[1:])
		s.npy = append(s.npy, &npy.Array{Elem: array.Elem, Shape: item, Data: array.Data})
	}
	c.sources = append(c.sources, s)
	return nil
}

func (c *calibration) Len() int {
	if len(c.ends) == 0 {
		return 0
	}
	return c.ends[len(c.ends)-1]
}

// of is where item i is: which one of what source.
func (c *calibration) of(i int) (*itemSource, int) {
	k := sort.SearchInts(c.ends, i+1)
	s := &c.sources[k]
	return s, i - (c.ends[k] - s.n)
}

// inItem is an error about an item, which names its file.
func (c *calibration) inItem(e *onnx.ItemError) error {
	s, i := c.of(e.Item)
	if s.n > 1 {
		return inFile(s.path, fmt.Errorf("item %d: %w", i, e.Err))
	}
	return files.PictureError(s.path, e.Err)
}

func (c *calibration) Item(i int) ([]onnx.Tensor, error) {
	s, i := c.of(i)
	if s.npy != nil {
		var item []onnx.Tensor
		for _, a := range s.npy {
			t := tensor.Type{Elem: a.Elem, Shape: a.Shape}
			item = append(item, onnx.Tensor{Type: t, Data: a.Data[i*t.Bytes():][:t.Bytes()]})
		}
		return item, nil
	}
	if s.array == nil {
		data, err := c.a.readPicture(s.path)
		if err != nil {
			return nil, err
		}
		img, err := picture.Decode(data)
		if err != nil {
			return nil, err
		}
		return c.picture(img)
	}
	pix := s.array.Item(i)
	if c.ownSize(s.array) {
		p := c.net.Meta.Preparation
		if p.Kind == weights.NoPicture {
			p = score.FromZeroToOne
		}
		x := c.input(c.net.Values[c.net.Inputs[0]].Shape)
		picture.NormaliseGray(c.floats, pix, &p)
		return x, nil
	}
	h, w := s.array.Shape[1], s.array.Shape[2]
	return c.picture(&image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, h)})
}

// picture makes an item of a picture.
func (c *calibration) picture(img image.Image) ([]onnx.Tensor, error) {
	net := c.net
	if c.model != nil {
		sizes, err := c.model.PictureSizes(img.Bounds())
		if err != nil {
			return nil, err
		}
		if net, err = c.net.Shaped(sizes); err != nil {
			return nil, err
		}
	}
	x := c.input(net.Values[net.Inputs[0]].Shape)
	_, err := picture.Prepare(c.floats, img, &net.Meta.Preparation, picture.Planar)
	return x, err
}

// input is an item of one tensor of a shape, whose elements are floats.
func (c *calibration) input(shape tensor.Shape) []onnx.Tensor {
	t := tensor.Floats(shape...)
	data := tensor.AlignedBytes(t.Bytes())
	c.floats = tensor.Slice[float32](data)
	return []onnx.Tensor{{Type: t, Data: data}}
}
