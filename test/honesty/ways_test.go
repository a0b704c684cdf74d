package honesty

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// forms are those that bases have in registries. Of Docker's types, zstd has one that its own programs do not write.
var forms = map[string]form{
	"docker-gzip": ofDocker,
	"docker-zstd": {types.DockerManifestSchema2, types.DockerConfigJSON, "application/vnd.docker.image.rootfs.diff.tar.zstd", compression.ZStd},
	"oci-gzip":    {types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer, compression.GZip},
	"oci-zstd":    {types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayerZStd, compression.ZStd},
}

// TestWays_giveTheSameDigests builds with an engine, then something else without one, of what is kept, and that once more with an engine, in a
// cache that has nothing. The images are the same, byte by byte.
func TestWays_giveTheSameDigests(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		if err := pushBaseAs(forms[name], name, name); err != nil {
			t.Fatal(err)
		}
		policy, err := on.policyFor(name, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range subjects(t) {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				s.policy = policy
				bothWays(t, s)
			})
		}
	}
}

func bothWays(t *testing.T, s *subject) {
	t.Helper()
	cache := func() string { return filepath.Join(t.TempDir(), "pulpimg") }
	s.cache = cache()
	first, err := s.build(t)
	if err != nil {
		t.Fatal(err)
	}
	changeWithoutCommands(t, s, first.family)
	s.noEngine = true
	without, err := s.build(t)
	if err != nil {
		t.Fatal(err)
	}
	s.cache, s.noEngine = cache(), false
	with, err := s.build(t)
	if err != nil {
		t.Fatal(err)
	}
	if ran := with.commands(); ran != "" {
		t.Fatalf("the engine does not have what it made: %s", ran)
	}
	if first.commands() != "" { // this test has to be one of builds without an engine
		s.cache, s.noEngine = cache(), true
		if _, err := s.build(t); err == nil {
			t.Error("a build ran commands where no engine can start")
		}
	}
	before, now, again := first.digests(), without.digests(), with.digests()
	for name, digest := range now {
		if digest == before[name] {
			t.Errorf("%s is what it was before the change", name)
		}
		if digest != again[name] {
			t.Errorf("%s is %s without an engine, and %s with one", name, digest, again[name])
		}
	}
}

// changeWithoutCommands changes all images, and all layers of files where no builder is needed for that, so that no command has to run.
func changeWithoutCommands(t *testing.T, s *subject, f *family.Family) {
	t.Helper()
	text := s.read(t, s.file)
	if strings.Contains(text, "\nlabels:") {
		text = strings.Replace(text, "\nlabels: {", "\nlabels: { org.example.way: other,", 1)
	} else {
		text += "\nlabels: { org.example.way: other }\n"
	}
	s.write(t, s.file, text)
	if !slices.ContainsFunc(f.Images, func(i *family.Image) bool { return i.Unpublished }) {
		s.how.created = time.Unix(1e9, 0)
	}
}
