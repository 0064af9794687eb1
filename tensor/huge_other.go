//go:build !linux

package tensor

// preferHuge does nothing where the system does not take advice.
func preferHuge([]byte) {}
