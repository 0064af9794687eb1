package picture_test

import (
	"fmt"
	"image"
	_ "image/png" // the formats that Decode reads
	"log"
	"os"

	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/weights"
)

// A detector takes 400×300 pixels, to which pictures of any proportions are
// padded. A box that it finds there leads back to the picture.
func Example() {
	data, err := os.ReadFile("../testdata/7.png")
	if err != nil {
		log.Fatal(err)
	}
	img, err := picture.Decode(data)
	if err != nil {
		log.Fatal(err)
	}
	p := &weights.Preparation{ // of a model: engine.Model.Meta().Preparation
		Kind: weights.Photo, Fit: weights.Pad, Order: weights.RGB, Width: 400, Height: 300,
		Scale: 1.0 / 255, Std: [3]float32{1, 1, 1},
	}
	input := make([]float32, 300*400*3)
	placed, err := picture.Prepare(input, img, p, picture.Interleaved)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a picture of", img.Bounds().Size(), "lies at", placed.Input)

	x0, y0 := placed.ToPicture(80, 90) // corners of a box in the input
	x1, y1 := placed.ToPicture(200, 240)
	fmt.Printf("the box is (%g,%g)-(%g,%g) on the picture\n", x0, y0, x1, y1)
	// Output:
	// a picture of (200,200) lies at (50,0)-(350,300)
	// the box is (20,60)-(100,160) on the picture
}

// The box around a digit, wherever on the picture it was found.
func ExamplePrepare_digit() {
	page := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range page.Pix {
		page.Pix[i] = 230
	}
	for y := 200; y < 300; y++ { // a 1
		for x := 500; x < 515; x++ {
			page.Pix[page.PixOffset(x, y)] = 40
		}
	}
	p := &weights.Preparation{
		Kind: weights.Digit, Width: 28, Height: 28, Scale: 1.0 / 255, Std: [3]float32{1, 1, 1},
	}
	placed, err := picture.Prepare(make([]float32, 28*28), page, p, picture.Planar)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("(%g,%g)-(%g,%g)\n", placed.X0, placed.Y0, placed.X1, placed.Y1)
	// Output: (500,200)-(516,300)
}
