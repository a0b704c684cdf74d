package honesty

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/log"
	spb "github.com/moby/buildkit/sourcepolicy/pb"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/registries"
	"github.com/pulpimg/pulpimg/test/inlab"
)

// A bench is what all tests use.
type bench struct {
	lab     inlab.Lab
	program string // pulpimg
	dir     string // for what is made here; the program's cache is in it
	shell   []byte // the program of the base
	place   string // in the lab's registry, for what this run publishes
	server  string // that has the files of URLs
	policy  *spb.Policy
	// policyFile has the policy for the program.
	policyFile string
}

// on is set by TestMain, before any test runs.
var on bench

func TestMain(m *testing.M) {
	flag.Parse()
	inlab.Main("honesty", func(l inlab.Lab) (int, error) { return run(m, l) })
}

func run(m *testing.M, l inlab.Lab) (code int, err error) {
	if err := log.SetLevel("error"); err != nil { // containerd's warnings are about the disk
		return 0, err
	}
	on.lab, on.place = l, fmt.Sprintf("%s/honesty%d", l.Registry, time.Now().UnixNano())
	if on.program, err = inlab.Program(); err != nil {
		return 0, err
	}
	if on.dir, err = os.MkdirTemp("", "pulpimg-honesty-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(on.dir)) }()
	if on.shell, err = shell(on.dir); err != nil {
		return 0, err
	}
	for _, name := range []string{"base", "other"} {
		if err := pushBase(name, name); err != nil {
			return 0, err
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "# %s\n", r.URL.Path)
	}))
	defer server.Close()
	if err := on.writePolicy(strings.TrimPrefix(server.URL, "http://")); err != nil {
		return 0, err
	}
	// One engine runs for all builds.
	config, err := registries.Load(registries.Options{})
	if err != nil {
		return 0, err
	}
	e, err := engine.Start(context.Background(), engine.Options{CacheDir: cacheDir(), Registries: config})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return m.Run(), nil
}

// cacheDir is the cache of the program.
func cacheDir() string { return filepath.Join(on.dir, "pulpimg") }
