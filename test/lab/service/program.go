package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is a process to be.
type program struct {
	args []string
	env  []string                    // added to this process's
	ping func(context.Context) error // nil means that it answers
}

// process is a program that was started.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has been waited for
}

// pingInterval is the time between two looks at a server that is starting.
const pingInterval = 20 * time.Millisecond

// start starts the program in the folder and returns when it answers. What it
// prints is added to the file log there.
func (p program) start(ctx context.Context, dir string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	// In a group of its own a terminal's Ctrl-C does not reach it: the servers
	// stay until the command that uses them has ended. Go keeps the threads
	// that Pdeathsig is about until the process ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	running := &process{cmd, make(chan struct{})}
	go func() { // ends with the child, which kill ends
		defer close(running.exited)
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
	}()
	if err := running.waitUntil(ctx, p.ping); err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("%s: %w\n%s", filepath.Base(p.args[0]), err, lastLines(string(text), 20)), running.kill())
	}
	return running, nil
}

// waitUntil returns when ping succeeds.
func (p *process) waitUntil(ctx context.Context, ping func(context.Context) error) error {
	for {
		err := ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		case <-p.exited:
			return errors.New(p.cmd.ProcessState.String())
		case <-time.After(pingInterval):
		}
	}
}

// kill ends the process and waits for its end.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited
	return nil
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
