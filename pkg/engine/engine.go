package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/moby/buildkit/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// Kind is one of the two kinds of engines.
type Kind string

const (
	Embedded Kind = "embedded" // inside this binary, and run as its child
	Remote   Kind = "remote"   // a buildkitd that runs elsewhere
)

// Options choose an engine. The zero value chooses the embedded engine in its default directory.
type Options struct {
	// Address is the address of a remote engine, in BuildKit's notation: unix://PATH, tcp://HOST:PORT, ssh://USER@HOST,
	// docker-container://NAME, podman-container://NAME, nerdctl-container://NAME or kube-pod://POD. If it is empty, the engine is the embedded one.
	Address string
	// TLS is for a remote engine at a tcp:// address.
	TLS TLS
	// CacheDir is where the embedded engine keeps its files, in a folder "engine". If it is empty, it is "pulpimg" in os.UserCacheDir.
	CacheDir string
	// Registries says how the embedded engine reaches registries; nil stands for nothing special. A remote engine has a configuration of
	// its own.
	Registries *registries.Config
	// AnySettings has Start join an embedded engine that runs with other settings, such as other proxies, instead of waiting for its end. It
	// is for work that reaches no registry.
	AnySettings bool
	// Notice is called with a line for the user, such as why the engine waits. It may be nil.
	Notice func(string)
}

// TLS names the files for a connection with TLS. The zero value stands for a connection without TLS.
type TLS struct {
	CACert     string // of the authority that signed the engine's certificate; if empty, those of the system
	Cert, Key  string // of this client
	ServerName string // the name that the engine's certificate is for; if empty, the host of the address
}

// Engine is a running BuildKit. The caller of [Start] must Close it.
type Engine struct {
	kind    Kind
	address string
	client  *client.Client
	content string       // see Content
	err     func() error // see Err; nil if the engine is remote
	close   func() error
}

// Start connects to the engine of the options, or starts the embedded one, and returns once it answers. The context is for the start alone:
// a started engine runs until Close.
//
// Only one embedded engine runs in a cache directory. While another process has it, Start says so once through Notice and waits. It waits
// forever for an Engine of the same process that is never closed.
//
// The error is an [ErrUnreachable] if nothing answers at the address, and an [UnusableError] if the embedded engine cannot run here.
func Start(ctx context.Context, o Options) (*Engine, error) {
	if o.Address != "" {
		return connect(ctx, o.Address, o.TLS)
	}
	return startEmbedded(ctx, o)
}

// Client returns a client of the engine. Close closes it.
func (e *Engine) Client() *client.Client { return e.client }

// Kind reports whether the engine is embedded or remote.
func (e *Engine) Kind() Kind { return e.kind }

// Address returns where the engine listens, for other clients of BuildKit.
func (e *Engine) Address() string { return e.address }

// Content returns the directory with the blobs of an embedded engine, as an OCI image layout has them. They are the engine's: they may go at any
// time, and nobody else changes them. It is empty if the engine is remote, or its blobs cannot be read.
func (e *Engine) Content() string { return e.content }

// Platforms returns the platforms that the engine can run: its own first, then those that it emulates.
func (e *Engine) Platforms(ctx context.Context) ([]ocispec.Platform, error) {
	if e.client == nil {
		return nil, errNotStarted
	}
	workers, err := e.client.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the engine for its platforms: %w", err)
	}
	return platformsOf(workers), nil
}

// platformsOf returns the platforms of the first worker, which is the one that BuildKit builds with by default.
func platformsOf(workers []*client.WorkerInfo) []ocispec.Platform {
	if len(workers) == 0 {
		return nil
	}
	return workers[0].Platforms
}

// Err returns why an embedded engine has ended before Close, with the end of its log; it is nil in all other cases. A caller asks for it
// when a call of the client has failed.
func (e *Engine) Err() error {
	if e.err == nil {
		return nil
	}
	return e.err()
}

// Close ends the connection and, if the engine is embedded, the engine with everything that runs in it. When it returns, no process is
// left.
func (e *Engine) Close() error {
	if e.close == nil {
		return nil
	}
	return e.close()
}

// errNotStarted is about an Engine that is not one of Start.
var errNotStarted = errors.New("the engine was never started")

// once returns a function that calls f when it is called first, and returns the same result each time.
func once(f func() error) func() error { return sync.OnceValue(f) }
