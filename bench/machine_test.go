package main

import "testing"

func TestMachine(t *testing.T) {
	m := measureMachine()
	t.Logf("%+v", m)
	if m.Peak <= 0 || m.L1 <= 0 || m.Memory <= 0 {
		t.Errorf("%+v", m)
	}
}
