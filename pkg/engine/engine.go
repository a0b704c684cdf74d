package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/moby/buildkit/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Kind tells the two sorts of engine apart.
type Kind string

const (
	Embedded Kind = "embedded" // carried by this binary, run as its child
	Remote   Kind = "remote"   // somebody else's buildkitd
)

// Options choose an engine. The zero value is the embedded one in the default place.
type Options struct {
	// Address of a remote engine, in BuildKit's notation: unix://PATH,
	// tcp://HOST:PORT, ssh://USER@HOST, docker-container://NAME,
	// podman-container://NAME, nerdctl-container://NAME, kube-pod://POD.
	// Empty means the embedded engine.
	Address string
	// TLS is for a remote engine at a tcp:// address.
	TLS TLS
	// CacheDir is where the embedded engine keeps its files, in a folder
	// "engine". Empty means pulpimg in os.UserCacheDir.
	CacheDir string
	// PlainHTTP are the registries, HOST or HOST:PORT, that the embedded engine pulls from over plain HTTP, apart from this machine. A remote
	// engine has a configuration of its own.
	PlainHTTP []string
	// Notice is called with a line for the user, such as why the engine waits. It may be nil.
	Notice func(string)
}

// TLS names the files for a connection with TLS. The zero value means none.
type TLS struct {
	CACert     string // the authority that signed the engine's certificate; empty: the system's
	Cert, Key  string // this client's own
	ServerName string // expected in the engine's certificate; empty: the host of the address
}

// Engine is a running BuildKit. The caller of [Start] must Close it.
type Engine struct {
	kind    Kind
	address string
	client  *client.Client
	daemon  *daemon // nil when remote
	close   func() error
}

// Start finds the engine of the options, or starts the embedded one, and returns
// once it answers. The context bounds the start alone: an engine that is started
// runs until Close.
//
// Only one embedded engine runs in a cache directory. While another process has
// it, Start says so once through Notice and waits; it never returns if that
// other is an Engine of this same process which is not closed.
//
// An address at which nothing answers is an [ErrUnreachable].
func Start(ctx context.Context, o Options) (*Engine, error) {
	if o.Address != "" {
		return connect(ctx, o.Address, o.TLS)
	}
	return startEmbedded(ctx, o)
}

// Client talks to the engine. It is closed with the engine.
func (e *Engine) Client() *client.Client { return e.client }

// Kind reports whether the engine is this binary's own.
func (e *Engine) Kind() Kind { return e.kind }

// Address is where the engine listens, for other clients of BuildKit.
func (e *Engine) Address() string { return e.address }

// Platforms are what the engine can run, its own first. A platform that it
// emulates is among them.
func (e *Engine) Platforms(ctx context.Context) ([]ocispec.Platform, error) {
	workers, err := e.client.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its platforms: %w", err)
	}
	return platformsOf(workers), nil
}

// platformsOf are the first worker's: it is the one that BuildKit solves with by default.
func platformsOf(workers []*client.WorkerInfo) []ocispec.Platform {
	if len(workers) == 0 {
		return nil
	}
	return workers[0].Platforms
}

// Err says why an embedded engine that should be running is not, with the end of
// its log; otherwise it is nil. To be asked after a call of the client failed.
func (e *Engine) Err() error {
	if e.daemon == nil {
		return nil
	}
	return e.daemon.err()
}

// Close ends the connection and, when the engine is embedded, the engine with
// everything that runs in it. When it returns, no process is left.
func (e *Engine) Close() error { return e.close() }

// once returns a close function that may be called more than once.
func once(f func() error) func() error { return sync.OnceValue(f) }
