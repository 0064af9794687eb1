//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyReload asks for the signal upon which changed nets are loaded.
func notifyReload(c chan<- os.Signal) { signal.Notify(c, syscall.SIGHUP) }
