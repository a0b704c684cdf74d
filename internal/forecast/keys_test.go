package forecast_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A place is where somebody has the files of a spec, and how they got there.
type place struct {
	name        string
	file, dir   os.FileMode // what a umask leaves
	at          time.Time
	owner       int // if the test may choose one
	environment map[string]string
}

// places are machines and users that have the same spec and the same files.
var places = []place{
	{name: "one machine", file: 0o644, dir: 0o755, at: time.Unix(1_700_000_000, 0)},
	{
		name: "another machine", file: 0o600, dir: 0o700, at: time.Unix(1_000_000_000, 0), owner: 65534,
		environment: map[string]string{
			"HOME": "/nonexistent", "LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "Asia/Kathmandu", "HTTP_PROXY": "http://proxy.test",
			"SOURCE_DATE_EPOCH": "7", "PATH": "/nowhere", "USER": "nobody",
		},
	},
}

// lay puts the files of testdata/keys into a directory.
func (p place) lay(t *testing.T, dir string) {
	t.Helper()
	spec, err := os.ReadFile("testdata/keys/f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"f.yaml": string(spec), "folder/a": "a", "folder/run.sh": "#!/bin/sh\n", "folder/sub/b": "b"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), p.dir); err != nil {
			t.Fatal(err)
		}
		mode := p.file
		if filepath.Ext(name) == ".sh" {
			mode |= 0o100
		}
		if err := os.WriteFile(name, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, p.at, p.at); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 && p.owner != 0 {
			if err := os.Chown(name, p.owner, p.owner); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink("sub/b", filepath.Join(dir, "folder", "link")); err != nil {
		t.Fatal(err)
	}
}

// The keys of steps of all kinds. When they change, everything runs again for everybody who has the next version: change them only if the
// same values make another layer.
func TestKeys_golden(t *testing.T) {
	got := map[string]string{}
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			for name, value := range p.environment {
				t.Setenv(name, value)
			}
			w := newWorld(t, amd64, arm64)
			p.lay(t, w.dir)
			f := familytest.Load(t, filepath.Join(w.dir, "f.yaml"))
			families := make([]*family.Family, len(w.platforms))
			for i, on := range w.platforms {
				var err error
				if families[i], err = f.For(family.Target{OS: on.OS, Arch: on.Architecture}); err != nil {
					t.Fatal(err)
				}
			}
			seen, err := forecast.New(t.Context(), families, w.platforms, w.Sources)
			if err != nil {
				t.Fatal(err)
			}
			got[p.name] = keysOf(seen)
			golden.Compare(t, "testdata/keys.golden", got[p.name])
		})
	}
	if diff := cmp.Diff(got[places[0].name], got[places[1].name]); diff != "" {
		t.Errorf("the keys are other ones on another machine (-one +other):\n%s", diff)
	}
}

func keysOf(f *forecast.Forecast) string {
	var b strings.Builder
	for _, image := range f.Images {
		fmt.Fprintf(&b, "%s for %s\n", image.Source.Name, image.Platform.Architecture)
		for at, step := range image.Steps {
			fmt.Fprintf(&b, "  %s %s\n", step.Key, image.Source.Steps[at].Title())
		}
	}
	return b.String()
}
