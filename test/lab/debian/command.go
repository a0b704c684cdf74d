package debian

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a command that was asked to stop may clean up after
// itself: mmdebstrap unmounts and removes a file system tree.
const stopGrace = 30 * time.Second

// Command describes a program of the host to run to its end.
type Command struct {
	Args  []string
	Env   []string // added to the environment of this process
	Dir   string
	Stdin io.Reader
}

// Run runs the command and waits for it. What it prints is kept back and
// becomes part of the error if it fails. Cancelling ctx sends it SIGTERM.
func (c Command) Run(ctx context.Context) error {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Stdin = c.Dir, c.Stdin
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", c.Args[0], context.Cause(ctx))
	default:
		return fmt.Errorf("%s: %w\n%s", c.Args[0], err, lastLines(output.String(), 20))
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
