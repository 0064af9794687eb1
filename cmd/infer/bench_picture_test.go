package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBenchPicture(t *testing.T) {
	file := filepath.Join(testdata, "2.jpg")
	for _, whole := range []bool{false, true} {
		args := []string{"bench", "--picture", file, "--json", "--duration", "50ms"}
		if whole {
			args = append(args, "--whole")
		}
		// Allocations are the process's, and goroutines of other tests may be at
		// work still.
		var r pictureMeasurement
		for range 10 {
			r = pictureMeasurement{}
			decode(t, mustInfer(t, args...), &r, "model", "kernels", "picture", "whole", "runs", "decode_us", "prepare_us", "run_us", "total_us")
			if r.Run.Allocs == 0 {
				break
			}
		}
		if r.Picture != file || r.Whole != whole || r.Runs < 3 || r.Run.Allocs != 0 {
			t.Errorf("%+v", r)
		}
		sum := 0.0
		for _, s := range []stageTimes{r.Decode, r.Prepare, r.Run} {
			if !(s.Min >= 0 && s.Min <= s.P50 && s.P50 <= s.P90 && s.P90 <= s.P99 && s.P99 <= s.Max) {
				t.Errorf("%+v", s)
			}
			sum += s.Min
		}
		if r.Total.Min < sum {
			t.Errorf("all stages take %v, together %v", sum, r.Total.Min)
		}
	}
	if text := mustInfer(t, "bench", "--picture", file, "--duration", "10ms"); !strings.Contains(text, "decode") || !strings.Contains(text, "allocations") {
		t.Error(text)
	}
	mustFail(t, exitFailed, []string{"missing.png: no such file"}, "bench", "--picture", "missing.png")
	mustFail(t, exitFailed, []string{"bad.png: not a PNG"}, "bench", "--picture", write(t, "bad.png", []byte("no picture")))
	mustFail(t, exitUsage, []string{"--batch is not for a picture"}, "bench", "--picture", file, "--batch", "2")
	mustFail(t, exitUsage, []string{"--whole needs --picture"}, "bench", "--whole")
}
