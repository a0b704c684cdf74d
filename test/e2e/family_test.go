package e2e

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// pulpImages are the images of specs/pulp.yaml, in build order.
var pulpImages = []string{"pulp-base", "pulp-beat", "pulp-resource-manager", "pulp-worker"}

const pulpTag = ":2.4"

// pulpRegistry is where pulp puts the family.
func pulpRegistry() string { return env.lab.Registry + env.place + "/pulp" }

func pulpSpec() string { return filepath.Join(env.root, "specs", "pulp.yaml") }

// published is what came of building and publishing specs/pulp.yaml as it is, which is done once.
var published struct {
	once sync.Once
	outcome
}

func pulp(t *testing.T) result {
	t.Helper()
	published.once.Do(func() {
		published.outcome = warm().build(t, "-f", pulpSpec(), "--push", "--registry", pulpRegistry(), "--format", "json")
	})
	return published.result(t)
}

// The four images of Pulp are in the registry, and valid.
func TestFamily_valid(t *testing.T) {
	built := pulp(t)
	env.lanes.own.enter(t)
	var names []string
	for _, img := range built.Images {
		names = append(names, img.Image)
		remote := image(t, pulpRegistry()+"/"+img.Image+pulpTag)
		if digest, err := remote.Digest(); err != nil || digest.String() != img.Digest {
			t.Errorf("%s: the registry has %s (%v), and %s was built", img.Image, digest, err, img.Digest)
		}
		t.Run(img.Image, func(t *testing.T) {
			// What `crane validate --remote` does: every digest and size is that of the content.
			if err := validate.Image(remote); err != nil {
				t.Error(err)
			}
		})
	}
	if diff := cmp.Diff(pulpImages, names); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// The first layers of each role are those of the base.
func TestFamily_sharedLayers(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	base := layerDigests(t, image(t, pulpRegistry()+"/pulp-base"+pulpTag))
	from := layerDigests(t, image(t, env.lab.Registry+"/fedora:20"))
	if diff := cmp.Diff(from, base[:len(from)]); diff != "" {
		t.Errorf("pulp-base does not begin with the layers of fedora:20 (-want +got):\n%s", diff)
	}
	for _, role := range pulpImages[1:] {
		own := layerDigests(t, image(t, pulpRegistry()+"/"+role+pulpTag))
		if len(own) <= len(base) {
			t.Errorf("%s has no layer of its own: %v", role, own)
			continue
		}
		if diff := cmp.Diff(base, own[:len(base)]); diff != "" {
			t.Errorf("%s does not begin with the layers of pulp-base (-want +got):\n%s", role, diff)
		}
	}
}

// Only the roles have an entrypoint.
func TestFamily_entrypoints(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	for _, name := range pulpImages {
		c := config(t, image(t, pulpRegistry()+"/"+name+pulpTag)).Config
		want := []string{"/usr/share/pulpimg/start"}
		if name == "pulp-base" {
			want = nil
		}
		if !slices.Equal(c.Entrypoint, want) {
			t.Errorf("%s: Entrypoint %q, want %q", name, c.Entrypoint, want)
		}
		if len(c.Cmd) > 0 {
			t.Errorf("%s has a Cmd: %q", name, c.Cmd)
		}
	}
}

func TestFamily_labelsAndVolumes(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	for name, volumes := range map[string]map[string]struct{}{
		"pulp-base":             nil,
		"pulp-beat":             nil,
		"pulp-resource-manager": nil,
		"pulp-worker":           {"/var/lib/pulp": {}, "/var/www": {}},
	} {
		c := config(t, image(t, pulpRegistry()+"/"+name+pulpTag)).Config
		if title := c.Labels["org.opencontainers.image.title"]; title != name {
			t.Errorf("%s has the title %q", name, title)
		}
		if c.Labels["org.opencontainers.image.description"] == "" {
			t.Errorf("%s has no description: %q", name, c.Labels)
		}
		if diff := cmp.Diff(volumes, c.Volumes); diff != "" {
			t.Errorf("%s: volumes (-want +got):\n%s", name, diff)
		}
	}
}

// The layers and the history of an image agree.
func TestFamily_history(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	for _, name := range pulpImages {
		img := image(t, pulpRegistry()+"/"+name+pulpTag)
		c := config(t, img)
		made := slices.DeleteFunc(slices.Clone(c.History), func(h v1.History) bool { return h.EmptyLayer })
		if len(made) != len(layers(t, img)) || len(made) != len(c.RootFS.DiffIDs) {
			t.Errorf("%s: %d layers, %d diff IDs, and a history of %d layers", name, len(layers(t, img)), len(c.RootFS.DiffIDs), len(made))
		}
	}
}
