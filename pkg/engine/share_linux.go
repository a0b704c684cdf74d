package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// Any number of processes of one user share an embedded engine. Two locks in its directory decide which of them starts it and when it ends:
//
//   - users: shared by each process that uses the engine. engine-init waits until it gets the lock alone, and then ends the engine.
//   - lock: held alone, by the process that starts the engine, and then by engine-init until nothing runs any more.
//
// A process shares users first, so the engine that it finds does not end. Then it tries to get lock: if it does, it starts the engine;
// otherwise an engine runs, or another process starts one, and it connects to that.

// runningFormat is the version of what running.json holds. A record of another version is of an engine that cannot be shared.
const runningFormat = 2

// running describes the engine that runs in a directory. Whoever starts the engine writes it before.
type running struct {
	Format int `json:"format"`
	// Bundle is the ID of the programs.
	Bundle string `json:"bundle"`
	// Socket is where buildkitd listens.
	Socket string `json:"socket"`
	// Runtime is the directory that stands for /run in a user namespace.
	Runtime string `json:"runtime"`
	// Registries are those that it reaches in a way of their own.
	Registries map[string]registries.Host `json:"registries,omitempty"`
	// Trusted is the digest of the certificates that it trusts instead of those of the system, or empty.
	Trusted string `json:"trusted,omitempty"`
	// Environment is what of the starter's environment changes what the engine does.
	Environment []string `json:"environment,omitempty"`
	// Start makes the records of two starts different.
	Start int64 `json:"start"`

	trusted []byte // the certificates, in PEM; only whoever starts the engine has them
	any     bool   // an engine with other settings serves as well; only in what is wanted
}

// relevant are the variables by which an engine reaches registries and servers.
var relevant = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// newRunning describes an engine that this process would start.
func newRunning(bundleID string, config *registries.Config, environ []string) (running, error) {
	r := running{Format: runningFormat, Bundle: bundleID, Start: time.Now().UnixNano()}
	if config != nil {
		trusted, err := config.Bundle()
		if err != nil {
			return running{}, err
		}
		if r.Registries, r.trusted = config.Hosts(), trusted; len(trusted) > 0 {
			r.Trusted = digest.FromBytes(trusted).String()
		}
	}
	for _, assignment := range environ {
		name, value, _ := strings.Cut(assignment, "=")
		if value != "" && slices.Contains(relevant, strings.ToUpper(name)) {
			r.Environment = append(r.Environment, assignment)
		}
	}
	slices.Sort(r.Environment)
	return r, nil
}

// serves reports whether an engine does all that another one would do. It may know more registries that have no TLS.
func (r running) serves(wanted running) bool {
	if r.Format != wanted.Format || r.Bundle != wanted.Bundle {
		return false
	}
	if wanted.any {
		return true
	}
	if r.Trusted != wanted.Trusted || !slices.Equal(r.Environment, wanted.Environment) {
		return false
	}
	for host, here := range r.Registries {
		there, ok := wanted.Registries[host]
		if here.PlainHTTP && !ok {
			there.PlainHTTP = true
		}
		if !reflect.DeepEqual(here, there) {
			return false
		}
	}
	for host := range wanted.Registries {
		if _, ok := r.Registries[host]; !ok {
			return false
		}
	}
	return true
}

func (h home) readRunning() (*running, error) {
	data, err := os.ReadFile(h.running())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which engine runs: %w", err)
	}
	var r running
	if json.Unmarshal(data, &r) != nil {
		return &running{}, nil // of no version that is known
	}
	return &r, nil
}

func (h home) writeRunning(r running) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(h.running(), data, 0o600); err != nil {
		return fmt.Errorf("recording which engine runs: %w", err)
	}
	return nil
}

// Errors of join.
var (
	errNoEngine    = errors.New("no engine runs")
	errOtherEngine = errors.New("the engine that runs has other settings")
)

// joinPatience is how long a process waits for an engine that another one starts before it tells the user.
const joinPatience = 2 * time.Second

// join connects to the engine that runs, or that another process is starting. The caller shares the users' lock.
func (s site) join(ctx context.Context, wanted running, notice func(string)) (c *client.Client, socket string, err error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	told := false
	for began := time.Now(); ; {
		if c, socket, err = s.connect(ctx, wanted); c != nil || err != nil {
			return c, socket, err
		}
		switch isLocked, pid, err := locked(s.home.lock()); {
		case err != nil:
			return nil, "", err
		case !isLocked:
			return nil, "", errNoEngine
		case !told && notice != nil && time.Since(began) > joinPatience:
			told = true
			notice(fmt.Sprintf("another pulpimg (pid %d) uses the engine; waiting for it", pid))
		}
		select {
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// connect makes one attempt to connect to the engine of the record. The client is nil if there is none that answers yet.
func (s site) connect(ctx context.Context, wanted running) (*client.Client, string, error) {
	found, err := s.home.readRunning()
	if found == nil || err != nil {
		return nil, "", err
	}
	if !found.serves(wanted) {
		return nil, "", errOtherEngine
	}
	pid, err := peer(found.Socket)
	if err != nil {
		return nil, "", nil // it does not listen yet, or no longer
	}
	if pid == 0 {
		return nil, "", errOtherEngine // it is in another container, with which it will end
	}
	limited, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	c, err := dial(limited, found.Socket)
	if ctx.Err() != nil {
		return nil, "", context.Cause(ctx)
	}
	if err != nil {
		return nil, "", nil // it has ended meanwhile
	}
	// The record is written before the engine starts. If it is another one now, so may be the engine.
	again, err := s.home.readRunning()
	if err == nil && reflect.DeepEqual(found, again) {
		if err = s.dropTracing(found.Runtime, pid); err == nil {
			return c, found.Socket, nil
		}
	}
	return nil, "", errors.Join(err, c.Close())
}

// peer returns the process that listens at a socket, or 0 if it is in a PID namespace that this process does not see.
// https://man7.org/linux/man-pages/man7/unix.7.html (SO_PEERCRED)
func peer(socket string) (pid int, err error) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid, errors.Join(err, controlErr)
}

// leave ends the use of the engine. If nobody else uses it, leave returns when the engine has ended and nothing of it runs any more. It
// reports whether the engine has ended.
func (h home) leave(users *lock) (ended bool, err error) {
	if err := users.release(); err != nil {
		return false, err
	}
	for deadline := time.Now().Add(stopTime); time.Now().Before(deadline); time.Sleep(socketPoll) {
		runs, _, err := locked(h.lock())
		if err != nil || !runs {
			return err == nil, err
		}
		if others, err := shared(h.users()); err != nil || others {
			return false, err
		}
	}
	return false, fmt.Errorf("%w within %s", errStays, stopTime)
}

// errStays reports that an engine without users does not end.
var errStays = errors.New("the embedded engine did not end")
