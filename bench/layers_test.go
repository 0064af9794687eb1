package main

import "testing"

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"": "", "größ": "größ", "größer": "grö…", "猫猫猫猫猫": "猫猫猫…"} {
		if got := cut(text, 4); got != want {
			t.Errorf("%q is cut to %q, want %q", text, got, want)
		}
	}
}
