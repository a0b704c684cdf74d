package engine

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
)

const (
	// startTime is how long buildkitd has to answer. It takes a tenth of a second,
	// unless the machine is overloaded or a large state needs repair.
	startTime = 60 * time.Second
	// stopTime is how long it has to end. engine-init allows 3 s before it kills.
	stopTime = 10 * time.Second
	// socketPoll is the time between two checks whether buildkitd listens.
	socketPoll = 2 * time.Millisecond
)

// config is buildkitd's whole configuration, but for paths.
//
//go:embed buildkitd.toml
var config []byte

// daemon is a running buildkitd, with engine-init above it.
type daemon struct {
	home     home
	cmd      *exec.Cmd
	socket   string
	lifeline *os.File      // see engine-init
	exited   chan struct{} // closed once the process, and with it the namespace, is gone
	waitErr  error         // of cmd.Wait; to be read after exited
	stopping atomic.Bool
}

// withRegistries adds the registries with plain HTTP to a configuration.
func withRegistries(config []byte, plainHTTP []string) []byte {
	out := bytes.Clone(config)
	for _, host := range plainHTTP {
		out = fmt.Appendf(out, "\n[registry.%q]\n  http = true\n", host)
	}
	return out
}

// startDaemon runs the programs in bin. The caller holds the lock, and the child
// holds it too from here on.
func startDaemon(h home, bin string, l *lock, plainHTTP []string) (*daemon, error) {
	if err := os.WriteFile(h.config(), withRegistries(config, plainHTTP), 0o600); err != nil {
		return nil, fmt.Errorf("write the engine's configuration: %w", err)
	}
	socket, tmp, err := h.listenAt()
	if err != nil {
		return nil, err
	}
	d := &daemon{home: h, socket: socket, exited: make(chan struct{})}
	d.cmd = command(h, bin, socket, tmp, l)
	if err := d.run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return d, nil
}

// command is engine-init, told to run buildkitd.
func command(h home, bin, socket, tmp string, l *lock) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, "engine-init"), "-remove", tmp, "--",
		filepath.Join(bin, "buildkitd"),
		"--config", h.config(),
		"--root", h.state(),
		"--addr", "unix://"+socket,
		"--oci-worker-binary", filepath.Join(bin, "runc"))
	cmd.Dir = string(h)
	cmd.Env = environment(os.Environ(), bin)
	cmd.ExtraFiles = []*os.File{l.file}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// Because of the namespaces, nothing outlives the engine; see engine-init.
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		// A process group of its own: Ctrl-C in a terminal then reaches pulpimg alone, which decides how to end.
		Setsid: true,
	}
	return cmd
}

// environment is the user's (for proxies), without variables that would configure the daemon.
func environment(env []string, bin string) []string {
	var out []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "BUILDKIT"), strings.HasPrefix(name, "OTEL_"), strings.HasPrefix(name, "JAEGER_"),
			strings.HasPrefix(name, "LISTEN_"), name == "NOTIFY_SOCKET":
		case name == "PATH":
			out = append(out, "PATH="+bin+string(os.PathListSeparator)+strings.TrimPrefix(kv, "PATH="))
		default:
			out = append(out, kv)
		}
	}
	return out
}

// run starts the command with its log and its lifeline.
func (d *daemon) run() error {
	log, err := newLog(d.home.log())
	if err != nil {
		return err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the embedded engine: %w", err)
	}
	defer r.Close()
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = r, log, log
	if err := d.cmd.Start(); err != nil {
		w.Close()
		if errors.Is(err, syscall.EPERM) {
			err = fmt.Errorf("%w: it needs the rights to make namespaces and to mount (in a container: --privileged), or use --engine ADDR", err)
		}
		return fmt.Errorf("start the embedded engine: %w", err)
	}
	d.lifeline = w
	go func() {
		d.waitErr = d.cmd.Wait()
		close(d.exited)
	}()
	return nil
}

func (d *daemon) address() string { return "unix://" + d.socket }

// ready returns a client once buildkitd answers it.
func (d *daemon) ready(ctx context.Context) (*client.Client, error) {
	limited, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("it did not answer within %s", startTime))
	defer cancel()
	starting, failed := context.WithCancelCause(limited)
	defer failed(nil)
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-d.exited:
			failed(fmt.Errorf("it ended at once: %w", d.waitErr))
		case <-stop:
		}
	}()
	c, err := d.dial(starting)
	close(stop)
	<-watched
	if err == nil {
		if err = d.dropTracing(); err == nil {
			return c, nil
		}
		return nil, errors.Join(err, c.Close())
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if cause := context.Cause(starting); cause != nil {
		err = cause
	}
	return nil, d.failure("the embedded engine does not start", err)
}

// tracingSocket is where buildkitd accepts traces from the commands that it runs. While it exists, buildkitd mounts it into them.
// https://github.com/moby/buildkit/blob/v0.34.2/util/appdefaults/appdefaults_unix.go
const tracingSocket = "run/buildkit/otel-grpc.sock"

// dropTracing removes the socket for traces, in the daemon's mount namespace: a build's commands must not see anything of the builder.
func (d *daemon) dropTracing() error {
	socket := filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "root", tracingSocket)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep the engine's socket for traces from build steps: %w", err)
	}
	return nil
}

// dial waits until the socket takes connections, and then until buildkitd answers
// through it.
func (d *daemon) dial(ctx context.Context) (*client.Client, error) {
	if err := awaitSocket(ctx, d.socket); err != nil {
		return nil, err
	}
	c, err := client.New(ctx, d.address())
	if err != nil {
		return nil, err
	}
	if err := c.Wait(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// awaitSocket waits until a socket accepts connections. BuildKit's own client would
// wait a second between two attempts. It is not enough that the socket exists: between
// bind(2) and listen(2) it refuses connections, and the client then waits two seconds.
func awaitSocket(ctx context.Context, socket string) error {
	tick := time.NewTicker(socketPoll)
	defer tick.Stop()
	for {
		if c, err := net.Dial("unix", socket); err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// err is nil as long as the daemon runs, and when it was told to end.
func (d *daemon) err() error {
	select {
	case <-d.exited:
	default:
		return nil
	}
	if d.stopping.Load() {
		return nil
	}
	return d.failure("the embedded engine ended in the middle of its work", d.waitErr)
}

// stop ends the daemon and everything in its namespace, and returns when all is gone.
func (d *daemon) stop() error {
	d.stopping.Store(true)
	d.lifeline.Close()
	select {
	case <-d.exited:
		return nil
	case <-time.After(stopTime):
	}
	// The kernel then kills what is in the namespace, before Wait returns.
	d.cmd.Process.Kill()
	<-d.exited
	return fmt.Errorf("the embedded engine did not end within %s and was killed", stopTime)
}
