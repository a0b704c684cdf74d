package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/internal/terminal"
)

// A Debugger examines a command that failed, while the build still holds its file system. The progress display has ended by then.
type Debugger func(ctx context.Context, failed *FailedCommand) error

// A FailedCommand is a command that failed, with the file system that it left.
type FailedCommand struct {
	// Step is the name under which people see the step.
	Step string
	// Err is the error that the build will end with.
	Err *Error
	// Dir and User are the directory and the user that it ran in and as.
	Dir, User string

	engine   gateway.Client
	op       *pb.Op
	exec     *pb.ExecOp
	mountIDs []string
}

// A Terminal is what a person uses a shell with.
type Terminal interface {
	io.ReadWriteCloser
	// Sizes delivers the size of the window, the first time at once and then when it changes.
	Sizes() <-chan TerminalSize
}

// A TerminalSize is the size of a window in characters.
type TerminalSize = terminal.Size

// shell is the shell of every image that has one.
// https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch03s04.html
const shell = "/bin/sh"

// ErrNoShell reports that an image has no shell.
var ErrNoShell = errors.New("the image has no " + shell)

// failedCommand returns the command whose failure an error reports, or nil if it reports none.
func failedCommand(err error, engine gateway.Client) *FailedCommand {
	var solve *errdefs.SolveError
	if !errors.As(err, &solve) || solve.Op.GetExec() == nil || len(solve.MountIDs) != len(solve.Op.GetExec().Mounts) {
		return nil
	}
	exec := solve.Op.GetExec()
	return &FailedCommand{
		Step:   failedStep(err),
		Dir:    exec.Meta.Cwd,
		User:   cmp.Or(exec.Meta.User, "root"),
		engine: engine, op: solve.Op, exec: exec, mountIDs: solve.MountIDs,
	}
}

// Shell runs a shell in place of the command: with its environment, in its directory, as its user, and with the file system as the command
// left it. If the image has a shell, Shell calls attach for the terminal to connect it to. Shell returns when the shell ends, whatever its
// exit code. Changes that were made in the shell are lost.
func (f *FailedCommand) Shell(ctx context.Context, attach func() (Terminal, error)) (err error) {
	container, err := f.engine.NewContainer(ctx, f.container())
	if err != nil {
		return fmt.Errorf("opening the file system of %s: %w", f.Step, err)
	}
	// When the shell ends with a code other than 0, the process and the release of its container both fail with it. That is no error of the
	// build: it only shows how the last typed command ended.
	defer func() { err = errors.Join(unlessExit(err), unlessExit(container.Release(context.WithoutCancel(ctx)))) }()
	if f.lacksShell(ctx, container) {
		return ErrNoShell
	}
	t, err := attach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	process, err := container.Start(ctx, gateway.StartRequest{
		Args: []string{shell}, Env: f.env(), SecretEnv: f.exec.Secretenv,
		User: f.exec.Meta.User, Cwd: f.exec.Meta.Cwd, SecurityMode: f.exec.Security,
		Tty: true, Stdin: t, Stdout: t, Stderr: t,
	})
	if err != nil {
		return fmt.Errorf("starting a shell in %s: %w", f.Step, err)
	}
	return whileResizing(ctx, process, t.Sizes())
}

// unlessExit returns an error unless it is the exit code of a process.
func unlessExit(err error) error {
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// container describes the container that the command ran in, with its mounts as the command left them.
func (f *FailedCommand) container() gateway.NewContainerRequest {
	mounts := make([]gateway.Mount, len(f.exec.Mounts))
	for i, m := range f.exec.Mounts {
		mounts[i] = gateway.Mount{
			Selector: m.Selector, Dest: m.Dest, ResultID: f.mountIDs[i], Readonly: m.Readonly,
			MountType: m.MountType, CacheOpt: m.CacheOpt, SecretOpt: m.SecretOpt, SSHOpt: m.SSHOpt,
		}
	}
	return gateway.NewContainerRequest{
		Mounts: mounts, NetMode: f.exec.Network, Hostname: f.exec.Meta.Hostname, ExtraHosts: f.exec.Meta.ExtraHosts,
		Platform: f.op.Platform, Constraints: f.op.Constraints,
	}
}

// lacksShell reports whether there is certainly no shell. For any other answer of the engine, starting the shell will show it.
func (f *FailedCommand) lacksShell(ctx context.Context, container gateway.Container) bool {
	root := slices.IndexFunc(f.exec.Mounts, func(m *pb.Mount) bool { return m.Dest == "/" })
	_, err := container.StatFile(ctx, gateway.StatContainerRequest{StatRequest: gateway.StatRequest{Path: shell}, MountIndex: root})
	return err != nil && strings.Contains(err.Error(), syscall.ENOENT.Error())
}

// env returns the command's environment, with the TERM of this process unless the command has its own.
func (f *FailedCommand) env() []string {
	name := "TERM="
	known := slices.ContainsFunc(f.exec.Meta.Env, func(s string) bool { return strings.HasPrefix(s, name) })
	if here := os.Getenv("TERM"); here != "" && !known {
		return append(slices.Clip(f.exec.Meta.Env), name+here)
	}
	return f.exec.Meta.Env
}

// whileResizing waits for a process, and passes on changes of the window's size meanwhile.
func whileResizing(ctx context.Context, process gateway.ContainerProcess, sizes <-chan TerminalSize) error {
	var resizing sync.WaitGroup
	ended := make(chan struct{})
	resizing.Go(func() {
		for {
			select {
			case <-ended:
				return
			case size := <-sizes:
				if err := process.Resize(ctx, gateway.WinSize{Rows: uint32(size.Rows), Cols: uint32(size.Columns)}); err != nil {
					return // it has ended
				}
			}
		}
	})
	defer resizing.Wait()
	defer close(ended)
	return process.Wait()
}
