package site

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pulpimg/pulpimg/test/lab/baseimage"
)

// start starts a lab in the user's own lab folder, so that what takes long to
// make is made once on a machine.
func start(t *testing.T) Values { return startWith(t, false) }

// startWith starts a lab with or without services.
func startWith(t *testing.T, services bool) Values {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	lab, err := Start(t.Context(), Config{
		Dir:      filepath.Join(cache, "pulpimg-lab"),
		Services: services,
		Log:      func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab.Values()
}

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestTheRegistryServesTheStandIns(t *testing.T) {
	lab := start(t)
	base := layers(t, reference(t, lab.Registry+"/fedora:20"))
	if len(base) != 2 { // Debian, and yum on top of it
		t.Errorf("fedora:20 has %d layers, want 2", len(base))
	}
	centos := layers(t, reference(t, lab.Registry+"/centos:7"))
	if diff := cmp.Diff(base, centos[:len(base)]); diff != "" {
		t.Errorf("the layers of fedora:20 and the first ones of centos:7:\n%s", diff)
	}
	index, err := remote.Index(reference(t, lab.Registry+"/files:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	for _, platform := range baseimage.Platforms() {
		img, err := remote.Image(reference(t, lab.Registry+"/files:1"), remote.WithPlatform(platform))
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Architecture != platform.Architecture {
			t.Errorf("for %s the image is one for %s", platform.Architecture, config.Architecture)
		}
	}
	if _, err := remote.Head(reference(t, lab.AuthRegistry+"/fedora:20")); err == nil {
		t.Error("the guarded registry serves everyone")
	}
	if _, err := remote.Head(reference(t, lab.AuthRegistry+"/fedora:20"),
		remote.WithAuth(&authn.Basic{Username: lab.AuthUser, Password: lab.AuthPassword})); err != nil {
		t.Error(err)
	}
}

// layers validates the image and returns its layers' digests.
func layers(t *testing.T, ref name.Reference) []string {
	t.Helper()
	img, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Errorf("%s: %v", ref, err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, layer := range manifest.Layers {
		digests = append(digests, layer.Digest.String())
	}
	return digests
}

func TestTheBaseImageHasWhatThePackagesAndTheTestsNeed(t *testing.T) {
	img, err := remote.Image(reference(t, start(t).Registry+"/centos:7"))
	if err != nil {
		t.Fatal(err)
	}
	files := contents(t, img, "lib", "var/run", "tmp", "usr/bin/yum", "usr/bin/celery", "etc/dnf/vars/releasever",
		"etc/apt/sources.list", "etc/resolv.conf", "etc/passwd")
	passwd := files["etc/passwd"]
	delete(files, "etc/passwd")
	if !strings.Contains(passwd, "\napache:x:48:48:") {
		t.Errorf("no user apache with the number 48:\n%s", passwd)
	}
	if diff := cmp.Diff(map[string]string{
		"lib":                     "-> usr/lib",
		"var/run":                 "-> /run",
		"tmp":                     "dtrwxrwxrwx",
		"usr/bin/yum":             "-rwxr-xr-x",
		"usr/bin/celery":          "-rwxr-xr-x",
		"etc/dnf/vars/releasever": "7\n",
	}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// contents returns what is notable of those of the named files that the image
// has: a link's target, a directory's or program's mode, a file's text.
func contents(t *testing.T, img v1.Image, names ...string) map[string]string {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	found := map[string]string{}
	for tr := tar.NewReader(r); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if filepath.Clean(header.Name) == name {
				found[name] = notable(t, header, tr)
			}
		}
	}
}

func notable(t *testing.T, header *tar.Header, body io.Reader) string {
	t.Helper()
	mode := header.FileInfo().Mode()
	switch {
	case mode.Type() == fs.ModeSymlink:
		return "-> " + header.Linkname
	case mode.IsDir(), mode&0o111 != 0:
		return mode.String()
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTwoLabsAtOnceShareNothingThatTheyChange(t *testing.T) {
	first, second := start(t), start(t)
	if first.Registry == second.Registry || first.RepoURL == second.RepoURL || first.Policy == second.Policy {
		t.Fatalf("two labs at once: %+v and %+v", first, second)
	}
	files, err := baseimage.Files()
	if err != nil {
		t.Fatal(err)
	}
	// A lab's registry keeps what earlier runs pushed, and the second may have been another run's first.
	image := "/only/first:" + strings.ToLower(rand.Text())
	if err := remote.WriteIndex(reference(t, first.Registry+image), files); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Head(reference(t, second.Registry+image)); err == nil {
		t.Error("what is pushed to the first is in the second")
	}
}
