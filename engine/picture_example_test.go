package engine_test

import (
	"fmt"
	"image"
	_ "image/png"
	"log"
	"os"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

// A service opens the model once. Classify prepares the picture and computes
// in a pooled Session, and may be called from any number of goroutines.
func ExampleModel_Classify() {
	model, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	file, err := os.Open("../testdata/7.png")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	img, _, err := image.Decode(file)
	if err != nil {
		log.Fatal(err)
	}

	classes, err := model.Classify(img, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(classes[0].Label)
	// Output: 7
}

// Several pictures are computed faster in one run than one by one: Prepare
// makes each into its part of the input.
func ExampleModel_Prepare() {
	model, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(engine.SessionOptions{Batch: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	for i, name := range []string{"../testdata/0.png", "../testdata/1.png"} {
		file, err := os.Open(name)
		if err != nil {
			log.Fatal(err)
		}
		img, _, err := image.Decode(file)
		file.Close()
		if err != nil {
			log.Fatal(err)
		}
		if err := model.Prepare(session.Input(0)[i*28*28:][:28*28], img); err != nil {
			log.Fatal(err)
		}
	}
	if err := session.Run(2); err != nil {
		log.Fatal(err)
	}
	for scores := session.Output(0); len(scores) > 0; scores = scores[10:] {
		best := 0
		for i, s := range scores[:10] {
			if s > scores[best] {
				best = i
			}
		}
		fmt.Println(best)
	}
	// Output:
	// 0
	// 1
}
