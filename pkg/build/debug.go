package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// A Debugger looks at a command that failed, before the build ends and nothing is left of it. Nothing else is shown while it does.
type Debugger func(ctx context.Context, failed *FailedCommand) error

// A FailedCommand is a command that failed, with the file system that it left.
type FailedCommand struct {
	// Step is what people see the step called.
	Step string
	// Err is what the build will end with.
	Err *Error
	// Dir and User are where and as whom it ran.
	Dir, User string

	engine   gateway.Client
	op       *pb.Op
	exec     *pb.ExecOp
	mountIDs []string
}

// shell is the shell that every image has that has any.
// https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch03s04.html
const shell = "/bin/sh"

// ErrNoShell says that an image has no shell.
var ErrNoShell = errors.New("the image has no " + shell)

// failedCommand returns the command whose failure an error is about, if it is about one.
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

// Shell runs a shell where the command ran: with its environment, in its directory, as its user, and with the file system as the command
// left it. When there is one, attach is called for the terminal that it is to be used from. Shell returns when the shell ends, however it
// does. What was changed in it is lost.
func (f *FailedCommand) Shell(ctx context.Context, attach func() (*terminal.Terminal, error)) (err error) {
	container, err := f.engine.NewContainer(ctx, f.container())
	if err != nil {
		return fmt.Errorf("opening the file system of %s: %w", f.Step, err)
	}
	// Both to wait for the shell and to release its container fail with its exit code. That of a person's last command says nothing.
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

// container describes the container that the command ran in, with what became of its mounts.
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

// lacksShell says whether there is certainly no shell. An engine that cannot tell has to find out by starting it.
func (f *FailedCommand) lacksShell(ctx context.Context, container gateway.Container) bool {
	root := slices.IndexFunc(f.exec.Mounts, func(m *pb.Mount) bool { return m.Dest == "/" })
	_, err := container.StatFile(ctx, gateway.StatContainerRequest{StatRequest: gateway.StatRequest{Path: shell}, MountIndex: root})
	return err != nil && strings.Contains(err.Error(), syscall.ENOENT.Error())
}

// env returns the command's environment, and the type of this side's terminal unless the command knew one.
func (f *FailedCommand) env() []string {
	name := "TERM="
	known := slices.ContainsFunc(f.exec.Meta.Env, func(s string) bool { return strings.HasPrefix(s, name) })
	if here := os.Getenv("TERM"); here != "" && !known {
		return append(slices.Clip(f.exec.Meta.Env), name+here)
	}
	return f.exec.Meta.Env
}

// whileResizing waits for a process and tells it of changes of the window meanwhile.
func whileResizing(ctx context.Context, process gateway.ContainerProcess, sizes <-chan terminal.Size) error {
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
