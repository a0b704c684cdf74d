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
	// startTime is how long buildkitd may take until it answers. It takes a tenth of a second, unless the machine is overloaded or a large
	// state needs repair.
	startTime = 60 * time.Second
	// stopTime is how long it may take to end. engine-init kills it after 3 s.
	stopTime = 10 * time.Second
	// socketPoll is the time between two checks whether buildkitd listens.
	socketPoll = 2 * time.Millisecond
)

// config is buildkitd's configuration: all of it except the paths, which are flags.
//
//go:embed buildkitd.toml
var config []byte

// initProgram is the name of engine-init in the bundle.
const initProgram = "engine-init"

// daemon is a running buildkitd, with engine-init above it.
type daemon struct {
	home     home
	ns       userns
	cmd      *exec.Cmd
	socket   string
	lifeline *os.File      // see engine-init
	exited   chan struct{} // closed when the process has ended, and all others in its namespace
	waitErr  error         // what cmd.Wait returned; it may be read once exited is closed
	stopping atomic.Bool
}

// withRegistries returns a configuration with registries that are asked over plain HTTP.
func withRegistries(config []byte, plainHTTP []string) []byte {
	out := bytes.Clone(config)
	for _, host := range plainHTTP {
		out = fmt.Appendf(out, "\n[registry.%q]\n  http = true\n", host)
	}
	return out
}

// startDaemon runs the programs in bin. The caller holds the lock; from here on, the child holds it as well.
func startDaemon(ctx context.Context, r remover, bin string, l *lock, plainHTTP []string) (*daemon, error) {
	h, ns := r.home, r.ns
	if err := os.WriteFile(h.config(), withRegistries(config, plainHTTP), 0o600); err != nil {
		return nil, fmt.Errorf("writing the engine's configuration: %w", err)
	}
	socket, tmp, err := h.listenAt()
	if err != nil {
		return nil, err
	}
	d := &daemon{home: h, ns: ns, socket: socket, exited: make(chan struct{})}
	d.cmd = command(h, bin, socket, tmp, l, ns)
	if err := d.run(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return d, nil
}

// command returns the command that starts engine-init, which runs buildkitd.
func command(h home, bin, socket, tmp string, l *lock, ns userns) *exec.Cmd {
	runtimeDir := ""
	if ns.isSet() {
		runtimeDir = h.runtime()
	}
	cmd := exec.Command(filepath.Join(bin, initProgram), "-remove", tmp, "-runtime-dir", runtimeDir, "--",
		filepath.Join(bin, "buildkitd"),
		"--config", h.config(),
		"--root", h.state(),
		"--addr", "unix://"+socket,
		"--oci-worker-binary", filepath.Join(bin, "runc"))
	cmd.Dir = string(h)
	cmd.Env = append(environment(os.Environ(), bin), ns.environment(runtimeDir)...)
	cmd.ExtraFiles = []*os.File{l.file}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// All processes of the engine are in one PID namespace and end with it; see engine-init.
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		// In a process group of its own, the engine gets no signal when the user presses Ctrl-C: pulpimg decides how to end it.
		Setsid: true,
	}
	return cmd
}

// environment returns the user's environment, which may name proxies, without the variables that would configure buildkitd.
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

// run starts the command. Its output goes to the log, and it ends when the lifeline closes.
func (d *daemon) run(ctx context.Context) error {
	log, err := newLog(d.home.log())
	if err != nil {
		return err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting the embedded engine: %w", err)
	}
	defer r.Close()
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = r, log, log
	if err := d.ns.start(ctx, d.cmd); err != nil {
		w.Close()
		if errors.Is(err, syscall.EPERM) {
			err = &UnusableError{NamespacesRefused, fmt.Errorf("%w: it needs the rights to make namespaces and to mount file systems", err)}
		}
		return fmt.Errorf("starting the embedded engine: %w", err)
	}
	d.lifeline = w
	go func() {
		d.waitErr = d.cmd.Wait()
		close(d.exited)
	}()
	return nil
}

func (d *daemon) address() string { return "unix://" + d.socket }

// ready waits until buildkitd answers, and returns a client for it.
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
	return nil, d.failure("the embedded engine did not start", err)
}

// tracingSocket is where buildkitd accepts traces from the commands that it runs. If it exists, buildkitd mounts it into their containers.
// https://github.com/moby/buildkit/blob/v0.34.2/util/appdefaults/appdefaults_unix.go
const tracingSocket = "run/buildkit/otel-grpc.sock"

// dropTracing removes the socket for traces in the daemon's mount namespace: the commands of a build must see nothing of the engine.
func (d *daemon) dropTracing() error {
	place := tracingSocket
	if d.ns.isSet() {
		place = filepath.Join(d.home.runtime(), "buildkit/otel-grpc.sock")
	}
	socket := filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "root", place)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the engine's socket for traces: %w", err)
	}
	return nil
}

// dial waits until the socket accepts connections, and then until buildkitd answers.
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

// awaitSocket waits until a socket accepts connections. BuildKit's client would wait a second between two attempts. To wait until the
// socket exists is not enough: between bind(2) and listen(2) it refuses connections, and the client then waits two seconds.
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

// err returns an error when the daemon has ended without being told to.
func (d *daemon) err() error {
	select {
	case <-d.exited:
	default:
		return nil
	}
	if d.stopping.Load() {
		return nil
	}
	return d.failure("the embedded engine ended unexpectedly", d.waitErr)
}

// stop ends the daemon and all processes in its namespace, and waits for their end.
func (d *daemon) stop() error {
	d.stopping.Store(true)
	d.lifeline.Close()
	select {
	case <-d.exited:
		return nil
	case <-time.After(stopTime):
	}
	// With it, the kernel kills all other processes of the namespace before Wait returns.
	d.cmd.Process.Kill()
	<-d.exited
	return fmt.Errorf("the embedded engine did not end within %s and was killed", stopTime)
}
