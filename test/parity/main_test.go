package parity

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	spb "github.com/moby/buildkit/sourcepolicy/pb"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/test/images"
	"github.com/pulpimg/pulpimg/test/inlab"
)

// A bench is what all tests build on.
type bench struct {
	lab      inlab.Lab
	engine   *engine.Engine
	policy   *spb.Policy
	cache    build.Cache
	layout   *layout.Layout // where the first way leaves its images
	blobs    *layout.Blobs  // where the second does
	reader   *images.Reader
	frontend images.Frontend
}

// on is set by TestMain, before any test runs.
var on bench

func TestMain(m *testing.M) {
	flag.Parse()
	inlab.Main("parity", func(l inlab.Lab) (int, error) { return run(m, l) })
}

func run(m *testing.M, l inlab.Lab) (code int, err error) {
	on.lab = l
	dir, err := os.MkdirTemp("", "pulpimg-parity-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	on.reader = images.NewReader()
	if on.policy, err = readPolicy(l.Policy); err != nil {
		return 0, err
	}
	on.cache = build.Cache{Dir: filepath.Join(dir, "cache")}
	if on.layout, err = layout.Open(context.Background(), filepath.Join(dir, "layout")); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, on.layout.Close()) }()
	if on.blobs, err = layout.OpenBlobs(filepath.Join(dir, "blobs")); err != nil {
		return 0, err
	}
	if on.engine, err = engine.Start(context.Background(), engine.Options{CacheDir: filepath.Join(dir, "engine")}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, on.engine.Close()) }()
	on.frontend = images.Frontend{Client: on.engine.Client(), Policy: on.policy, Blobs: on.blobs}
	return m.Run(), nil
}

// readPolicy reads the policy that leads what the specs name to the lab.
func readPolicy(file string) (*spb.Policy, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var policy spb.Policy
	return &policy, json.Unmarshal(data, &policy)
}
