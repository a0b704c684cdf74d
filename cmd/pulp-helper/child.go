//go:build linux

package main

import (
	"context"
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pulpimg/pulpimg/internal/signals"
)

// A child is a process that this one waits for. After the child has ended, its ID may be another process's, and gets no signals.
type child struct {
	mu    sync.Mutex
	pid   int
	ended bool
}

// runChild runs a program, waits for it and returns its exit code. When a signal ends the context, the program gets that signal. Meanwhile
// this process also reaps orphans, as the first process of a container has to. To signal a program of another user takes CAP_KILL: without the
// permission, it calls untold, which does not return.
func runChild(ctx context.Context, args, env []string, untold func()) (code int, err error) {
	pid, err := syscall.ForkExec(args[0], args, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}})
	if err != nil {
		return 0, err
	}
	c := &child{pid: pid}
	stop := context.AfterFunc(ctx, func() {
		if c.signal(cause(ctx)) != nil {
			untold()
		}
	})
	defer stop()
	for {
		status, ended, err := c.reap()
		if err != nil {
			return 0, err
		}
		if ended {
			return exitCode(status), nil
		}
	}
}

// cause returns the signal that ended a context.
func cause(ctx context.Context) syscall.Signal {
	var signalled signals.Error
	if errors.As(context.Cause(ctx), &signalled) {
		return signalled.Signal
	}
	return syscall.SIGTERM
}

func (c *child) signal(s syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	return syscall.Kill(c.pid, s)
}

// reap waits until any process has ended, and reports whether it was the child.
func (c *child) reap() (status syscall.WaitStatus, ended bool, err error) {
	if err := again(func() error { return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil) }); err != nil {
		return 0, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var pid int
	err = again(func() (err error) {
		pid, err = syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		return err
	})
	c.ended = err == nil && pid == c.pid
	return status, c.ended, err
}

// again calls a function until no signal interrupts it.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// exitCode returns the exit code of a process as shells have it.
// https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html
func exitCode(status syscall.WaitStatus) int {
	const bySignal = 128
	if status.Signaled() {
		return bySignal + int(status.Signal())
	}
	return status.ExitStatus()
}
