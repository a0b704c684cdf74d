package baseimage

import (
	"archive/tar"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestFilesIsTheSameEveryTimeAndValid(t *testing.T) {
	first, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.Write(t.TempDir(), first)
	if err != nil {
		t.Fatal(err)
	}
	written, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(written); err != nil {
		t.Error(err)
	}
	second, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digest(t, second), digest(t, first); got != want {
		t.Errorf("second digest %s, first %s", got, want)
	}
}

func TestFilesHasADifferentImageForEachPlatform(t *testing.T) {
	index, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[v1.Hash]string{}
	for i, want := range Platforms() {
		desc := manifest.Manifests[i]
		if got := desc.Platform.String(); got != want.String() {
			t.Errorf("image %d is for %s, want %s", i, got, want)
		}
		if other, ok := seen[desc.Digest]; ok {
			t.Errorf("the images for %s and %s are the same", want, other)
		}
		seen[desc.Digest] = want.String()
		img, err := index.Image(desc.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{
			"drwxr-xr-x etc", "-rw-r--r-- etc/os-release", "Lrwxrwxrwx lib -> usr/lib", "drwxr-xr-x run", "dtrwxrwxrwx tmp",
			"drwxr-xr-x usr", "drwxr-xr-x usr/lib", "drwxr-xr-x var", "Lrwxrwxrwx var/run -> /run",
		}, list(t, img)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
	}
}

func TestBaseImagesKeepTheLayerBelowAndHaveNoEntrypoint(t *testing.T) {
	layer, err := newLayer([]entry{file("below", "text")})
	if err != nil {
		t.Fatal(err)
	}
	base, err := newRecipe("amd64").image(layer)
	if err != nil {
		t.Fatal(err)
	}
	fedora, err := Fedora(base)
	if err != nil {
		t.Fatal(err)
	}
	centos, err := CentOS(fedora)
	if err != nil {
		t.Fatal(err)
	}
	for name, img := range map[string]v1.Image{"fedora": fedora, "centos": centos} {
		dir := t.TempDir()
		if err := writeLayout(dir, img); err != nil {
			t.Fatal(err)
		}
		written, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(written); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Config.Entrypoint != nil || !slices.Equal(config.Config.Cmd, []string{"/bin/bash"}) {
			t.Errorf("%s: Entrypoint %q, Cmd %q", name, config.Config.Entrypoint, config.Config.Cmd)
		}
		if !slices.Contains(list(t, img), "-rw-r--r-- below") {
			t.Errorf("%s misses the file of the layer below", name)
		}
		if !slices.Contains(list(t, img), "-rwxr-xr-x usr/bin/yum") {
			t.Errorf("%s has no yum", name)
		}
	}
}

func TestTheKeyChangesWithTheArchitectureOnly(t *testing.T) {
	keys := map[string]bool{}
	for _, arch := range []string{"amd64", "arm64", "amd64"} {
		key, err := Key(arch)
		if err != nil {
			t.Fatal(err)
		}
		keys[key] = true
	}
	if len(keys) != 2 {
		t.Errorf("two architectures, asked for three times, have %d keys", len(keys))
	}
}

func TestTheAptSourcesAreReadFromStandardInput(t *testing.T) {
	args := newRecipe("amd64").args("root", "out.tar")
	if got := args[len(args)-3:]; !slices.Equal(got, []string{"bookworm", "out.tar", "-"}) {
		t.Errorf("mmdebstrap's operands are %q", got)
	}
	if joined := strings.Join(args, " "); strings.Contains(joined, "://") {
		t.Errorf("an address in mmdebstrap's arguments: %s", joined)
	}
}

func digest(t *testing.T, d interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	h, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// list returns the image's files, sorted as they are in its layers.
func list(t *testing.T, img v1.Image) []string {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	var lines []string
	for tr := tar.NewReader(r); ; {
		header, err := tr.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		line := header.FileInfo().Mode().String() + " " + header.Name
		if header.Linkname != "" {
			line += " -> " + header.Linkname
		}
		lines = append(lines, line)
	}
}
