//go:build linux

// Command engine-init is process 1 of the PID namespace in which pulpimg runs
// its buildkitd. It exists so that the engine ends when pulpimg ends, however
// that happens: when process 1 of a PID namespace exits, the kernel kills
// everything else in it (pid_namespaces(7)), build containers included, which
// no signal to buildkitd alone can promise.
//
//	engine-init [-remove DIR] COMMAND [ARG...]
//
// Standard input is the lifeline: a pipe whose other end only pulpimg holds.
// The kernel closes that end when pulpimg exits or is killed; engine-init then
// ends COMMAND, everything else in the namespace, and itself. Descriptor 3, when
// given, is pulpimg's lock on the engine's directory. engine-init holds it so
// that the lock is free only once nothing uses the directory any more.
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

// grace is how long COMMAND has to end by itself after SIGTERM.
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

// run starts the command and returns its exit code once nothing but this
// process is left in the namespace.
func run(argv []string) (int, error) {
	if os.Getpid() != 1 || len(argv) == 0 {
		return 64, errors.New("this is a part of pulpimg and not meant to be called by hand")
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
		return 1, fmt.Errorf("start %s: %w", argv[0], err)
	}
	exited := make(chan syscall.WaitStatus, 1)
	empty := make(chan struct{})
	go reap(pid, exited, empty)

	status, forced := supervise(pid, exited)
	// -1 is every process that this one may signal: the namespace.
	syscall.Kill(-1, syscall.SIGKILL)
	<-empty
	if forced {
		return 1, fmt.Errorf("%s did not end within %s and was killed", argv[0], grace)
	}
	return exitCode(status), nil
}

// supervise returns when the command has exited, or, after the lifeline is cut,
// has had its time to.
func supervise(pid int, exited <-chan syscall.WaitStatus) (status syscall.WaitStatus, forced bool) {
	cut := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // however it ends, the lifeline is cut
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

// reap collects every process that ends, orphans of build containers included,
// as process 1 must. It reports the status of pid, and closes empty when there
// is no child left.
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

// exitCode is the shell's convention: 128 and the signal's number for a command
// that a signal ended.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
