//go:build !unix

package terminal

import "os"

// notifyOfResize does nothing: there is no such signal.
func notifyOfResize(chan<- os.Signal) {}
