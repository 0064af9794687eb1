//go:build !unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// notifyReload does nothing where there is no SIGHUP: changes are seen anyway.
func notifyReload(chan<- os.Signal) {}

// inUse is Windows's WSAEADDRINUSE.
const inUse syscall.Errno = 10048

// isInUse says whether an address cannot be listened at since somebody does.
func isInUse(err error) bool { return errors.Is(err, inUse) }
