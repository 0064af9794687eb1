//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is how long the process has computed, in itself and in the system, on
// all processors together.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // of these arguments, there is none
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
