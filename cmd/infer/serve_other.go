//go:build !unix

package main

import "os"

// notifyReload does nothing where there is no SIGHUP: changes are seen anyway.
func notifyReload(chan<- os.Signal) {}
