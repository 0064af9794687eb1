package spelling

import (
	"slices"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"conv1", "conv1", 0}, {"conv", "vonc", 2}, {"ab", "ba", 2}} {
		if got := Distance(c.a, c.b); got != c.want || Distance(c.b, c.a) != got {
			t.Errorf("from %q to %q it is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"conv10", "relu", "conv1", "conv2", "conv1", "layer1.0.conv1"}
	if got := Nearest("conv1", words, 2); !slices.Equal(got, []string{"conv1", "conv10"}) {
		t.Errorf("nearest are %q", got)
	}
	if got := Nearest("batchnorm", words, 2); len(got) != 0 {
		t.Errorf("near %q", got)
	}
}
