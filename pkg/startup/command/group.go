//go:build linux

package command

import (
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A group is a process group whose first process is a child of this one. Its number belongs to it until that child is reaped, and afterwards
// as long as the group has processes.
type group struct {
	id int

	mu     sync.Mutex
	reaped bool
}

// kill kills the processes of the group. It is an error if none of them can be killed.
func (g *group) kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reaped {
		return nil
	}
	if err := syscall.Kill(-g.id, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// end waits until the first process has ended, kills the others and reaps them all: the first process of a container becomes the parent of
// those that have lost theirs. It returns how the first process ended.
func (g *group) end() syscall.WaitStatus {
	// Nobody else reaps the child, so there is nothing that could fail here.
	_ = again(func() error { return unix.Waitid(unix.P_PID, g.id, nil, unix.WEXITED|unix.WNOWAIT, nil) })
	_ = g.kill() // who cannot be killed now cannot be killed at all
	var status syscall.WaitStatus
	g.mu.Lock()
	_ = again(func() error {
		_, err := syscall.Wait4(g.id, &status, 0, nil)
		return err
	})
	g.reaped = true
	g.mu.Unlock()
	for again(func() error {
		_, err := syscall.Wait4(-g.id, nil, 0, nil)
		return err
	}) == nil {
	}
	return status
}

// again calls a function until no signal interrupts it.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
