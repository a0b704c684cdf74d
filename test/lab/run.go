package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pulpimg/pulpimg/test/lab/site"
)

// runCommand starts a lab, runs the command with the lab's values in its
// environment, ends the lab, and returns the command's exit code.
func runCommand(ctx context.Context, config site.Config, argv []string) (int, error) {
	lab, err := site.Start(ctx, config)
	if err != nil {
		return 0, err
	}
	code, err := runChild(ctx, argv, append(os.Environ(), lab.Values().Env()...))
	return code, errors.Join(err, lab.Close())
}

// runChild runs the command to its end and forwards signals to it.
func runChild(ctx context.Context, argv, env []string) (int, error) {
	// The kernel sends Pdeathsig when the thread that started the child ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := ctx.Err(); err != nil { // signalled before we listened
		return 0, context.Cause(ctx)
	}

	child := exec.Command(argv[0], argv[1:]...)
	child.Env = env
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	// On a terminal the child has to stay in the foreground group, and the
	// terminal itself sends it the signals of the keyboard. Elsewhere it gets a
	// group of its own, so that what it has started is signalled along with it.
	onTerminal := isTerminal(os.Stdin)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: !onTerminal}
	if err := child.Start(); err != nil {
		return 0, fmt.Errorf("starting the command: %w", err)
	}

	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	for {
		select {
		case err := <-exited:
			return exitCode(child.ProcessState, err)
		case s := <-signals:
			forward(child.Process.Pid, s.(syscall.Signal), onTerminal)
		}
	}
}

// forward passes a signal on to the child. That it has just ended is no error.
func forward(pid int, s syscall.Signal, onTerminal bool) {
	switch {
	case !onTerminal:
		_ = syscall.Kill(-pid, s)
	case s != syscall.SIGINT: // the terminal has sent that one
		_ = syscall.Kill(pid, s)
	}
}

// exitCode is the exit code of the child, or what a shell makes of its signal.
func exitCode(state *os.ProcessState, err error) (int, error) {
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("waiting for the command: %w", err)
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
