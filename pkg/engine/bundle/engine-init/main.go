//go:build linux

// Command engine-init is process 1 of the PID namespace in which pulpimg runs its buildkitd. It makes the engine end when pulpimg ends,
// however that happens: when process 1 of a PID namespace exits, the kernel kills all other processes in it (pid_namespaces(7)), those of
// build containers included. A signal to buildkitd could not do that.
//
//	engine-init [-remove DIR] COMMAND [ARG...]
//
// Standard input is the lifeline: a pipe whose other end only pulpimg holds. The kernel closes that end when pulpimg exits or is killed.
// Then engine-init ends COMMAND, all other processes in the namespace, and itself. Descriptor 3, if it is given, is pulpimg's lock on the
// engine's directory. engine-init holds it too, so that the lock is free only when nothing uses the directory.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// grace is how long COMMAND may take to end after SIGTERM.
const grace = 3 * time.Second

// lockFD is the number of the inherited lock (the first of exec.Cmd.ExtraFiles).
const lockFD = 3

func main() {
	remove := flag.String("remove", "", "a `directory` to remove at the end")
	flag.Parse()
	code, err := run(flag.Args())
	if *remove != "" {
		err = errors.Join(err, os.RemoveAll(*remove))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine-init:", err)
	}
	os.Exit(code)
}

// run starts the command, and returns its exit code when this process is the last one in the namespace.
func run(argv []string) (int, error) {
	if os.Getpid() != 1 || len(argv) == 0 {
		return 64, errors.New("engine-init is a part of pulpimg, which starts it")
	}
	syscall.CloseOnExec(lockFD)
	if err := mounts(); err != nil {
		return 1, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 1, err
	}
	defer null.Close()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{null.Fd(), os.Stdout.Fd(), os.Stderr.Fd()},
	})
	if err != nil {
		return 1, fmt.Errorf("starting %s: %w", argv[0], err)
	}
	exited := make(chan syscall.WaitStatus, 1)
	empty := make(chan struct{})
	go reap(pid, exited, empty)

	status, forced := supervise(pid, exited)
	// -1 stands for all processes that this one may signal, which are those of the namespace.
	syscall.Kill(-1, syscall.SIGKILL)
	<-empty
	if forced {
		return 1, fmt.Errorf("%s did not end within %s and was killed", argv[0], grace)
	}
	return exitCode(status), nil
}

// supervise waits until the command has exited. When the lifeline is cut, it tells the command to end, and waits no longer than grace.
func supervise(pid int, exited <-chan syscall.WaitStatus) (status syscall.WaitStatus, forced bool) {
	cut := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // the lifeline is cut when this ends, with an error or without
		close(cut)
	}()
	select {
	case status = <-exited:
		return status, false
	case <-cut:
	}
	syscall.Kill(pid, syscall.SIGTERM)
	select {
	case status = <-exited:
		return status, false
	case <-time.After(grace):
		return 0, true
	}
}

// reap waits for all processes that end, orphans of build containers included, as process 1 must. It sends the status of pid to exited, and
// closes empty when there is no child left.
func reap(pid int, exited chan<- syscall.WaitStatus, empty chan<- struct{}) {
	defer close(empty)
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil: // ECHILD
			return
		case got == pid:
			exited <- status
		}
	}
}

// exitCode returns the exit code as shells do: for a command that a signal ended, 128 plus the number of the signal.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
