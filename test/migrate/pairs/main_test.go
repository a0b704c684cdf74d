package pairs

import (
	"context"
	"encoding/json"
	"errors"
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

// A bench is what all pairs are built on.
type bench struct {
	lab      inlab.Lab
	engine   *engine.Engine
	policy   *spb.Policy
	cache    build.Cache
	layout   *layout.Layout // where the images of specs are
	frontend images.Frontend
	reader   *images.Reader
}

// on is set by TestMain, before any test runs.
var on bench

func TestMain(m *testing.M) {
	inlab.Main("pairs", func(l inlab.Lab) (int, error) { return run(m, l) })
}

func run(m *testing.M, l inlab.Lab) (code int, err error) {
	dir, err := os.MkdirTemp("", "pulpimg-pairs-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	on = bench{lab: l, reader: images.NewReader(), cache: build.Cache{Dir: filepath.Join(dir, "cache")}}
	data, err := os.ReadFile(l.Policy)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(data, &on.policy); err != nil {
		return 0, err
	}
	if on.layout, err = layout.Open(context.Background(), filepath.Join(dir, "layout")); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, on.layout.Close()) }()
	blobs, err := layout.OpenBlobs(filepath.Join(dir, "blobs"))
	if err != nil {
		return 0, err
	}
	if on.engine, err = engine.Start(context.Background(), engine.Options{CacheDir: filepath.Join(dir, "engine")}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, on.engine.Close()) }()
	on.frontend = images.Frontend{Client: on.engine.Client(), Policy: on.policy, Blobs: blobs}
	return m.Run(), nil
}
