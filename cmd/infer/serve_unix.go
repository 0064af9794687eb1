//go:build unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// notifyReload asks for the signal upon which changed nets are loaded.
func notifyReload(c chan<- os.Signal) { signal.Notify(c, syscall.SIGHUP) }

// isInUse says whether an address cannot be listened at since somebody does.
func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
