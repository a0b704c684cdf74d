package parity

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	spb "github.com/moby/buildkit/sourcepolicy/pb"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A bench is what all tests build on.
type bench struct {
	engine *engine.Engine
	policy *spb.Policy
	cache  build.Cache
	layout *layout.Layout // where the first way leaves its images
	blobs  *layout.Blobs  // where the second does
	read   map[string][]entry
}

// on is set by TestMain, before any test runs.
var on bench

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "pulpimg-parity-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	on.read = map[string][]entry{}
	if on.policy, err = labPolicy(); err != nil {
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
	return m.Run(), nil
}

// labPolicy leads what the specs name to the lab.
func labPolicy() (*spb.Policy, error) {
	file := os.Getenv("LAB_POLICY")
	if file == "" {
		return nil, errors.New("there is no lab: run the tests with bin/lab run -- go test ./test/parity/")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var policy spb.Policy
	return &policy, json.Unmarshal(data, &policy)
}
