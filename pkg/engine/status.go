package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Info describes an engine.
type Info struct {
	Kind     Kind   `json:"kind"`
	Address  string `json:"address,omitempty"`  // of a remote engine
	Dir      string `json:"dir,omitempty"`      // where the embedded engine keeps its files
	BuildKit string `json:"buildkit,omitempty"` // version of buildkitd; empty in a pulpimg without an engine
	Runc     string `json:"runc,omitempty"`     // version of the embedded runc
	Running  bool   `json:"running"`
	// Mode is how the embedded engine runs for this user; it is empty if it cannot, and for a remote engine.
	Mode Mode `json:"mode,omitempty"`
	// Unusable is why the embedded engine cannot run here, or nil.
	Unusable *UnusableError `json:"unusable,omitempty"`
	PID      int            `json:"pid,omitempty"` // of the pulpimg that runs the embedded engine; 0 if there is none, or it is unknown
	// DiskUsage is in bytes: what the embedded engine's directory takes on disk, or what a remote engine says that its cache takes.
	DiskUsage int64              `json:"disk_usage"`
	Platforms []ocispec.Platform `json:"platforms,omitempty"`
	// HasCache reports whether the embedded engine may store more than its programs. Only a running engine can list it.
	HasCache bool `json:"-"`
	// Records are what a remote engine stores.
	Records []Record `json:"-"`
}

// Mode is how the embedded engine runs.
type Mode string

const (
	Root     Mode = "root"     // as root of the machine
	Rootless Mode = "rootless" // as root of a user namespace; build steps have process namespaces of their own, as with root
)

// Status describes the engine of the options. It starts none: what it says of the embedded engine comes from its files and its lock. A
// remote engine is asked; the error is an [ErrUnreachable] if it does not answer.
func Status(ctx context.Context, o Options) (*Info, error) {
	if o.Address != "" {
		return remoteStatus(ctx, o)
	}
	return embeddedStatus(ctx, o)
}

func remoteStatus(ctx context.Context, o Options) (info *Info, err error) {
	e, err := connect(ctx, o.Address, o.TLS)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	workers, err := e.client.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the engine at %s about itself: %w", o.Address, err)
	}
	usage, err := e.client.DiskUsage(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the engine at %s what it stores: %w", o.Address, err)
	}
	return &Info{
		Kind:      Remote,
		Address:   o.Address,
		BuildKit:  versionOf(workers),
		Running:   true,
		DiskUsage: total(usage),
		Records:   recordsOf(usage),
		Platforms: platformsOf(workers),
	}, nil
}

func versionOf(workers []*client.WorkerInfo) string {
	if len(workers) == 0 {
		return ""
	}
	return workers[0].BuildkitVersion.Version
}

func total(usage []*client.UsageInfo) int64 {
	var n int64
	for _, u := range usage {
		n += u.Size
	}
	return n
}
