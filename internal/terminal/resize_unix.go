//go:build unix

package terminal

import (
	"os"
	"os/signal"
	"syscall"
)

func notifyOfResize(signals chan<- os.Signal) { signal.Notify(signals, syscall.SIGWINCH) }
