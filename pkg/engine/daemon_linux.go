package engine

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/moby/buildkit/client"

	"github.com/pulpimg/pulpimg/pkg/registries"
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
	site
	places
	cmd      *exec.Cmd
	exited   chan struct{} // closed when the process has ended, and all others in its namespace
	waitErr  error         // what cmd.Wait returned; it may be read once exited is closed
	stopping atomic.Bool
}

// configure writes buildkitd's configuration, and the certificates that it trusts.
func (h home) configure(record running) error {
	text, err := withRegistries(config, record.Registries)
	if err == nil {
		err = os.WriteFile(h.config(), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the engine's configuration: %w", err)
	}
	if record.Trusted == "" {
		return nil
	}
	if err := os.WriteFile(h.trusted(), record.trusted, 0o600); err != nil {
		return fmt.Errorf("writing the certificates that the engine trusts: %w", err)
	}
	return nil
}

// withRegistries returns a configuration with registries.
// https://github.com/moby/buildkit/blob/v0.34.2/util/resolver/config/config.go
func withRegistries(config []byte, known map[string]registries.Host) ([]byte, error) {
	type pair struct {
		Key  string `toml:"key"`
		Cert string `toml:"cert"`
	}
	type registry struct {
		Mirrors  []string `toml:"mirrors,omitempty"`
		HTTP     *bool    `toml:"http,omitempty"`
		Insecure bool     `toml:"insecure,omitempty"`
		CA       []string `toml:"ca,omitempty"`
		Pairs    []pair   `toml:"keypair,omitempty"`
	}
	all := map[string]registry{}
	for host, h := range known {
		r := registry{Mirrors: h.Mirrors, Insecure: h.Unverified, CA: h.CAs}
		for _, p := range h.Pairs {
			r.Pairs = append(r.Pairs, pair{Key: p.Key, Cert: p.Cert})
		}
		if tls := len(h.CAs)+len(h.Pairs) > 0; tls || h.PlainHTTP {
			r.HTTP = &h.PlainHTTP // if it says nothing, the engine has localhost without TLS
		}
		all[host] = r
		if _, _, err := net.SplitHostPort(host); err == nil {
			continue
		}
		// The engine takes the names as they are in references.
		if h.PlainHTTP {
			all[host+":80"] = r
		}
		r.HTTP = new(bool)
		all[host+":443"] = r
	}
	if len(all) == 0 {
		return config, nil
	}
	text, err := toml.Marshal(map[string]any{"registry": all})
	return slices.Concat(config, []byte("\n"), text), err
}

// startDaemon runs the programs in bin. The caller holds the lock; from here on, the child holds it as well.
func startDaemon(ctx context.Context, s site, bin string, record running) (*daemon, error) {
	h := s.home
	if err := h.configure(record); err != nil {
		return nil, err
	}
	at, err := h.places()
	if err != nil {
		return nil, err
	}
	d := &daemon{site: s, places: at, exited: make(chan struct{})}
	record.Socket, record.Runtime = at.socket, at.runtime
	if err := h.writeRunning(record); err != nil {
		return nil, errors.Join(d.failure(notStarted, err), os.RemoveAll(at.tmp))
	}
	d.cmd = command(s, bin, at)
	if record.Trusted != "" {
		d.cmd.Env = append(d.cmd.Env, "SSL_CERT_FILE="+h.trusted())
	}
	if err := d.run(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(at.tmp))
	}
	return d, nil
}

// command returns the command that starts engine-init, which runs buildkitd.
func command(s site, bin string, at places) *exec.Cmd {
	h, ns := s.home, s.ns
	runtimeDir := ""
	if ns.isSet() {
		runtimeDir = at.runtime
	}
	cmd := exec.Command(filepath.Join(bin, initProgram), "-remove", at.tmp, "-runtime-dir", runtimeDir, "-users", h.users(), "--",
		filepath.Join(bin, "buildkitd"),
		"--config", h.config(),
		"--root", h.state(),
		"--addr", "unix://"+at.socket,
		"--oci-worker-binary", filepath.Join(bin, "runc"))
	cmd.Dir = string(h)
	cmd.Env = append(environment(os.Environ(), bin), ns.environment(runtimeDir)...)
	cmd.ExtraFiles = []*os.File{s.lock.file}
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

// run starts the command. Its output goes to the log, and it ends when nobody uses the engine any more.
func (d *daemon) run(ctx context.Context) error {
	log, err := newLog(d.home.log())
	if err != nil {
		return err
	}
	defer log.Close()
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.ns.start(ctx, d.cmd); err != nil {
		// The last two are for limits that a namespace around this one may have.
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EUSERS) {
			err = &UnusableError{NamespacesRefused, fmt.Errorf("%w: it needs the rights to make namespaces and to mount file systems", err)}
		}
		return fmt.Errorf("starting the embedded engine: %w", err)
	}
	go func() { // ends with the engine, which may be after this process has left it to others
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
	c, err := dial(starting, d.socket)
	close(stop)
	<-watched
	if err == nil {
		if err = d.dropTracing(d.runtime, d.cmd.Process.Pid); err == nil {
			return c, nil
		}
		return nil, errors.Join(err, c.Close())
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // it ends when this process leaves it, unless others wait for it
	}
	d.kill()
	if cause := context.Cause(starting); cause != nil {
		err = cause
	}
	return nil, d.failure(notStarted, err)
}

const notStarted = "the embedded engine did not start"

// tracingName is where in /run, or in what stands for it, buildkitd accepts traces from the commands that it runs. If it exists, buildkitd
// mounts it into their containers.
// https://github.com/moby/buildkit/blob/v0.34.2/util/appdefaults/appdefaults_unix.go
const tracingName = "buildkit/otel-grpc.sock"

// dropTracing removes the socket for traces in the mount namespace of a process of the engine: the commands of a build must see nothing of
// the engine. Of several processes that use the engine, the first one finds it.
func (s site) dropTracing(runtimeDir string, pid int) error {
	if !s.ns.isSet() {
		runtimeDir = "/run"
	}
	socket := filepath.Join("/proc", strconv.Itoa(pid), "root", runtimeDir, tracingName)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the engine's socket for traces: %w", err)
	}
	return nil
}

// dial waits until the socket accepts connections, and then until buildkitd answers.
func dial(ctx context.Context, socket string) (*client.Client, error) {
	if err := awaitSocket(ctx, socket); err != nil {
		return nil, err
	}
	c, err := client.New(ctx, "unix://"+socket)
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
	return d.failure(endedUnexpectedly, d.waitErr)
}

const endedUnexpectedly = "the embedded engine ended unexpectedly"

// leave ends the use of the engine by this process. If nobody else uses it, leave waits for its end, and kills it if that takes too long.
func (d *daemon) leave(users *lock) error {
	d.stopping.Store(true)
	ended, err := d.home.leave(users)
	if errors.Is(err, errStays) {
		d.kill()
		return fmt.Errorf("%w and was killed", err)
	}
	if ended {
		<-d.exited
	}
	return err
}

// kill ends the engine at once: with engine-init, the kernel kills all other processes of its namespace.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may have ended already
	<-d.exited
}
