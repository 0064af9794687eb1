// The command draw draws the pictures in testdata, one for each digit, each in
// another manner and format: go run ./testdata/draw, from the repository's
// root. They are strokes of a pen, and no part of any data set.
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

func main() {
	log.SetFlags(0)
	for _, p := range pictures {
		if err := p.write("testdata"); err != nil {
			log.Fatal(err)
		}
	}
}

// A picture is a digit on paper.
type picture struct {
	name          string
	width, height int
	pen           float64    // width of the line, as a share of the digit's height
	at            [4]float64 // the digit's box: left, top, width, height in pixels
	slant         float64    // how far the top leans to the right, as a share of the height
	paper, ink    color.NRGBA
	light         float64 // how much darker the page is at its far corner, 0…1
	noise         float64 // standard deviation, of 255
	encode        func(io.Writer, image.Image) error
}

var (
	white = color.NRGBA{255, 255, 255, 255}
	black = color.NRGBA{0, 0, 0, 255}
	none  = color.NRGBA{}
)

var pictures = []picture{
	{"0.png", 240, 240, 0.10, [4]float64{70, 40, 100, 150}, 0.08, white, black, 0, 0, png.Encode},
	{"1.png", 200, 260, 0.12, [4]float64{70, 50, 60, 150}, 0.05, black, white, 0, 0, png.Encode},
	{"2.jpg", 640, 480, 0.07, [4]float64{380, 90, 130, 190}, 0.10, color.NRGBA{240, 234, 214, 255}, color.NRGBA{30, 50, 150, 255}, 0.45, 5, asJPEG(80)},
	{"3.gif", 180, 180, 0.11, [4]float64{50, 30, 80, 120}, 0, color.NRGBA{255, 221, 51, 255}, color.NRGBA{204, 34, 34, 255}, 0, 0, asGIF},
	{"4.png", 220, 220, 0.09, [4]float64{60, 40, 100, 140}, 0.06, none, white, 0, 0, png.Encode},
	{"5.tiff", 600, 420, 0.11, [4]float64{40, 180, 120, 190}, 0.08, color.NRGBA{190, 190, 190, 255}, color.NRGBA{70, 60, 60, 255}, 0, 0, asTIFF},
	{"6.bmp", 160, 200, 0.12, [4]float64{40, 40, 80, 120}, 0.05, color.NRGBA{20, 40, 60, 255}, color.NRGBA{120, 220, 140, 255}, 0, 0, bmp.Encode},
	{"7.png", 200, 200, 0.09, [4]float64{55, 35, 90, 130}, 0.05, white, black, 0, 0, png.Encode},
	{"8.jpg", 800, 600, 0.06, [4]float64{150, 120, 190, 300}, 0.10, color.NRGBA{205, 208, 212, 255}, color.NRGBA{110, 110, 115, 255}, 0.35, 4, asJPEG(60)},
	{"9.webp", 120, 120, 0.11, [4]float64{35, 20, 52, 80}, 0.05, white, black, 0, 0, encodeWebP},
}

func asJPEG(quality int) func(io.Writer, image.Image) error {
	return func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: quality}) }
}

func asGIF(w io.Writer, m image.Image) error {
	p := image.NewPaletted(m.Bounds(), palette.WebSafe)
	draw.FloydSteinberg.Draw(p, p.Rect, m, image.Point{})
	return gif.Encode(w, p, nil)
}

func asTIFF(w io.Writer, m image.Image) error {
	return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
}

func (p picture) write(dir string) error {
	f, err := os.Create(filepath.Join(dir, p.name))
	if err != nil {
		return err
	}
	if err := p.encode(f, p.draw()); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return f.Close()
}

// draw mixes paper and ink by how much of each pixel the pen covers.
func (p picture) draw() image.Image {
	var lines [][]point
	for _, s := range strokes[p.name[0]-'0'] {
		line := s.points()
		for i, q := range line {
			line[i] = point{
				p.at[0] + p.at[2]*q.x + p.slant*p.at[3]*(0.5-q.y),
				p.at[1] + p.at[3]*q.y,
			}
		}
		lines = append(lines, line)
	}
	radius := p.pen * p.at[3] / 2
	rng := rand.New(rand.NewPCG(uint64(p.name[0]), 1))
	m := image.NewNRGBA(image.Rect(0, 0, p.width, p.height))
	for y := range p.height {
		for x := range p.width {
			d := math.Inf(1)
			for _, l := range lines {
				d = min(d, distance(point{float64(x) + 0.5, float64(y) + 0.5}, l))
			}
			cover := max(0, min(1, radius-d+0.5))
			light := 1 - p.light*(float64(x)/float64(p.width)+float64(y)/float64(p.height))/2
			m.SetNRGBA(x, y, mix(p.paper, p.ink, cover, light, p.noise*rng.NormFloat64()))
		}
	}
	return m
}

func mix(paper, ink color.NRGBA, cover, light, noise float64) color.NRGBA {
	if paper.A == 0 {
		ink.A = uint8(math.Round(255 * cover))
		return ink
	}
	channel := func(a, b uint8) uint8 {
		v := (float64(a)*(1-cover)+float64(b)*cover)*light + noise
		return uint8(max(0, min(255, math.Round(v))))
	}
	return color.NRGBA{channel(paper.R, ink.R), channel(paper.G, ink.G), channel(paper.B, ink.B), 255}
}
