//go:build linux

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
)

// A Command is a program that exits with 0 if something is there.
type Command struct {
	// Args are the path of the program and its arguments, and Env is its environment.
	Args, Env []string
	// Shown is what messages call it.
	Shown string
	// Hide, unless it is nil, returns a text without the secrets in it: a program may print what is in its environment.
	Hide func(text string) string
}

// Address implements [service.Prober].
func (c Command) Address() string { return c.Shown }

// A Failure is why the program did not succeed.
type Failure struct {
	// Words are for people.
	Words string
	// Output is the end of what the program printed, in lines of printable characters without secrets.
	Output string

	hopeless bool
}

func (f *Failure) Error() string { return f.Words }

// Is reports whether a failure is [service.ErrHopeless].
func (f *Failure) Is(target error) bool { return target == service.ErrHopeless && f.hopeless }

// killed is how long processes may take to end after SIGKILL. One that waits for a disk or a file server can take for ever.
const killed = time.Second

// Probe runs the program once. Afterwards neither it runs nor a process that it left behind in its process group. The error is a *Failure, or
// the context's cause if it was cancelled.
func (c Command) Probe(ctx context.Context, limit time.Duration) error {
	if len(c.Args) == 0 {
		return errors.New("there is no program to run")
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	output, err := newOutput()
	if err != nil {
		return fmt.Errorf("running %s: %w", c.Shown, err)
	}
	status, err := c.run(bounded, output)
	text := output.finish(c.Hide)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errLate):
		return &Failure{Words: fmt.Sprintf("it did not end within %s", limit), Output: text}
	case errors.Is(err, syscall.EPERM):
		return &Failure{Words: fmt.Sprintf("it did not end within %s, and it takes the capability KILL to end it", limit), Output: text, hopeless: true}
	case err != nil:
		return &Failure{Words: err.Error()}
	case status.Signaled():
		return &Failure{Words: fmt.Sprintf("it was ended by the signal %s", status.Signal()), Output: text}
	case status.ExitStatus() != 0:
		return &Failure{Words: fmt.Sprintf("it ended with the exit code %d", status.ExitStatus()), Output: text}
	}
	return nil
}

// errLate reports a program that was killed because its time was over.
var errLate = errors.New("it did not end in time")

// run runs the program in a process group of its own until it ends or the context does, and kills what is left of the group.
func (c Command) run(ctx context.Context, out *output) (syscall.WaitStatus, error) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer nothing.Close()
	to := out.writer.Fd()
	pid, err := syscall.ForkExec(c.Args[0], c.Args, &syscall.ProcAttr{
		Env: c.Env, Files: []uintptr{nothing.Fd(), to, to}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("starting %s: %w", c.Args[0], err)
	}
	g := group{id: pid}
	ended := make(chan syscall.WaitStatus, 1)
	go func() { ended <- g.end() }() // ends with the group
	select {
	case status := <-ended:
		return status, nil
	case <-ctx.Done():
	}
	if err := g.kill(); err != nil {
		return 0, err
	}
	select {
	case <-ended:
	case <-time.After(killed):
	}
	return 0, errLate
}
