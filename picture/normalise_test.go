package picture

import (
	"image"
	"math"
	"testing"

	"github.com/infer-go/infer/weights"
)

// Grey pixels of the input's own size become what a photo of them becomes, but
// for the rounding of their luma; and both are the formula's.
func TestNormaliseGray(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
	}
	p := photo(weights.Stretch, weights.Gray, 16, 16)
	p.Scale, p.Mean[0], p.Std[0] = 1.0/255, 0.1307, 0.3081

	got, prepared := make([]float32, 256), make([]float32, 256)
	NormaliseGray(got, img.Pix, p)
	if _, err := Prepare(prepared, img, p, Planar); err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		want := (float64(i)*float64(p.Scale) - float64(p.Mean[0])) / float64(p.Std[0])
		if math.Abs(float64(v)-want) > 1e-6 || math.Abs(float64(prepared[i]-v)) > 2e-6 {
			t.Errorf("%d becomes %g alone, %g in a photo, want %g", i, v, prepared[i], want)
		}
	}
}
