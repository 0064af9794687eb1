//go:build !unix

package main

import "time"

var began = time.Now()

// cpuTime is the time that has passed: what the process has computed is not known
// finely here.
func cpuTime() time.Duration { return time.Since(began) }
