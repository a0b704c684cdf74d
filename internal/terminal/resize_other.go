//go:build !unix

package terminal

import "os"

// notifyOfResize does nothing: these systems have no such signal.
func notifyOfResize(chan<- os.Signal) {}
