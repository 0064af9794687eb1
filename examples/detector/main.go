// Detector finds things on a picture, and draws their boxes into it.
//
//	infer convert yunet.onnx yunet.frz --answer detect --head yunet
//	go run ./examples/detector -model yunet.frz -out boxes.png street.jpg
package main

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log"
	"os"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/picture"
)

func main() {
	model := flag.String("model", "", "the detector's file")
	out := flag.String("out", "boxes.png", "where to write the picture with boxes")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("one picture, please")
	}
	if err := detect(*model, flag.Arg(0), *out); err != nil {
		log.Fatal(err)
	}
}

func detect(model, path, out string) (err error) {
	m, err := engine.Open(model)
	if err != nil {
		return err
	}
	defer m.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	img, err := picture.Decode(data) // upright, and refused if it is too large
	if err != nil {
		return err
	}
	found, err := m.Detect(img)
	if err != nil {
		return err
	}
	canvas := image.NewNRGBA(img.Bounds())
	draw.Draw(canvas, canvas.Rect, img, canvas.Rect.Min, draw.Src)
	for _, d := range found { // boxes are in the picture's own pixels
		fmt.Printf("%s %.2f at %.0f,%.0f, %.0f×%.0f\n", d.Label, d.Score, d.X, d.Y, d.Width, d.Height)
		frame(canvas, image.Rect(int(d.X), int(d.Y), int(d.X+d.Width), int(d.Y+d.Height)))
	}

	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return png.Encode(file, canvas)
}

// frame draws the four sides of a box.
func frame(canvas draw.Image, r image.Rectangle) {
	const width = 2
	ink := image.NewUniform(color.NRGBA{R: 255, A: 255})
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+width)}, {image.Pt(r.Min.X, r.Max.Y-width), r.Max},
		{r.Min, image.Pt(r.Min.X+width, r.Max.Y)}, {image.Pt(r.Max.X-width, r.Min.Y), r.Max},
	} {
		draw.Draw(canvas, side, ink, image.Point{}, draw.Src)
	}
}
