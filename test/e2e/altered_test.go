package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A rawManifest is a manifest that is published as it is.
type rawManifest []byte

func (m rawManifest) RawManifest() ([]byte, error)        { return m, nil }
func (m rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// A sharedSet is a set of records under its tag.
type sharedSet struct {
	tag      name.Tag
	manifest map[string]any
}

// setsOf reads the sets that a repository has.
func setsOf(t *testing.T, repository string) []sharedSet {
	t.Helper()
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(repo)
	if err != nil {
		t.Fatal(err)
	}
	var out []sharedSet
	for _, tag := range tags {
		if !strings.HasPrefix(tag, "key-") {
			continue
		}
		s := sharedSet{tag: repo.Tag(tag)}
		desc, err := remote.Get(s.tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(desc.Manifest, &s.manifest); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// put writes a manifest under the tag.
func (s sharedSet) put(t *testing.T, manifest map[string]any) {
	t.Helper()
	data, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Put(s.tag, rawManifest(data)); err != nil {
		t.Fatal(err)
	}
}

const recordsAnnotation = "org.pulpimg.records"

// altered returns the manifest with something else in its annotation.
func (s sharedSet) altered(annotation string) map[string]any {
	out := maps.Clone(s.manifest)
	out["annotations"] = map[string]any{recordsAnnotation: annotation}
	return out
}

func (s sharedSet) annotation() string {
	return s.manifest["annotations"].(map[string]any)[recordsAnnotation].(string)
}

// sealed returns the manifest with other records, and their checksum.
func (s sharedSet) sealed(t *testing.T, change func(set map[string]any)) map[string]any {
	t.Helper()
	var set map[string]any
	_, content, _ := strings.Cut(strings.TrimPrefix(s.annotation(), "1 "), " ")
	if err := json.Unmarshal([]byte(content), &set); err != nil {
		t.Fatal(err)
	}
	change(set)
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return s.altered(fmt.Sprintf("1 %s %s", hex.EncodeToString(sum[:]), data))
}

// eachRecord calls a function for all records of a set.
func eachRecord(change func(record map[string]any)) func(map[string]any) {
	return func(set map[string]any) {
		for _, r := range set["records"].([]any) {
			change(r.(map[string]any))
		}
	}
}

// otherDigest is the digest of nothing that there is.
const otherDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// alterations are what may have become of a set in a registry, and whether the program says so: a record that only does not count is no news.
var alterations = []struct {
	name   string
	warns  bool
	change func(t *testing.T, s sharedSet) map[string]any
}{
	{"another format", true, func(_ *testing.T, s sharedSet) map[string]any { return s.altered("2" + s.annotation()[1:]) }},
	{"cut", true, func(_ *testing.T, s sharedSet) map[string]any {
		return s.altered(s.annotation()[:len(s.annotation())/2])
	}},
	{"another checksum", true, func(_ *testing.T, s sharedSet) map[string]any { return s.altered(s.annotation() + " ") }},
	{"no records", true, func(_ *testing.T, s sharedSet) map[string]any { return s.altered("") }},
	{"another key", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, func(set map[string]any) { set["key"] = otherDigest })
	}},
	{"records of other keys", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) { r["key"] = otherDigest }))
	}},
	{"made on something else", false, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) { r["on"] = otherDigest }))
	}},
	{"another result", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) { r["result"] = otherDigest }))
	}},
	{"another blob", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) { r["blob"].(map[string]any)["digest"] = otherDigest }))
	}},
	{"another size", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) { r["blob"].(map[string]any)["size"] = 12 }))
	}},
	{"another media type", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) {
			r["blob"].(map[string]any)["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
		}))
	}},
	{"a field of another version", true, func(t *testing.T, s sharedSet) map[string]any {
		return s.sealed(t, eachRecord(func(r map[string]any) { r["more"] = true }))
	}},
	{"other layers", true, func(_ *testing.T, s sharedSet) map[string]any {
		out := maps.Clone(s.manifest)
		layers := slices.Clone(out["layers"].([]any))
		out["layers"] = layers[:len(layers)-1]
		return out
	}},
	{"the records of another set", true, func(t *testing.T, s sharedSet) map[string]any {
		for _, other := range setsOf(t, s.tag.Repository.Name()) {
			if other.tag != s.tag {
				return other.manifest
			}
		}
		return s.altered("") // it is the only one
	}},
}

// alteredSpec makes what can be told from what is wrong.
const alteredSpec = `version: 1
name: altered
registry: docker.io/lab
tag: "1"
images:
  base:
    from: docker.io/library/fedora:20
    steps:
      - run: echo one >/one
      - run: echo two >/two
  role:
    from: base
    steps: [ files: { from: script, to: /usr/bin/role, owner: daemon } ]
`

// alteredScript is so large that registries are told of its layer.
func alteredScript() string { return strings.Repeat("a script", 256<<10/8) }

// Whatever becomes of the records in a registry, no image is wrong, and what is wrong with them is said once.
func TestMachines_alteredRecords(t *testing.T) {
	env.lanes.own.enter(t)
	spec := specFile(t, alteredSpec, map[string]string{"script": alteredScript()})
	push := func(p program, args ...string) outcome {
		return p.build(t, append([]string{"-f", spec, "--registry", registry(t), "--push", "--progress", "plain"}, args...)...).ok(t)
	}
	p := cold(t) // with an engine that knows its commands, so that a build takes no longer than it must
	push(p)
	sets := append(setsOf(t, registry(t)+"/base"), setsOf(t, registry(t)+"/role")...)
	if len(sets) != 3 {
		t.Fatalf("there are %d sets, want one for each command and one for the role's file", len(sets))
	}
	for _, test := range alterations {
		for _, s := range sets {
			s.put(t, test.change(t, s))
		}
		forget(t, p)
		out := push(p)
		if said := strings.Count(out.stderr, "nothing is taken from"); test.warns && said != 1 || !test.warns && said != 0 {
			t.Errorf("%s: it warns %d times:\n%s", test.name, said, out.stderr)
		}
		checkAltered(t, test.name)
		for _, s := range sets { // as it was
			s.put(t, s.manifest)
		}
	}
}

// forget removes all that the machine knows, but leaves its engine what that has.
func forget(t *testing.T, p program) {
	t.Helper()
	for _, part := range []string{"layers", "images"} {
		root(t, "rm", "-rf", p.cache+"/pulpimg/"+part)
	}
}

// checkAltered compares the images with what the spec says.
func checkAltered(t *testing.T, when string) {
	t.Helper()
	image := pulled(t, registry(t)+"/role:1")
	want := map[string]string{"one": "one\n", "two": "two\n", "usr/bin/role": alteredScript()}
	files, err := contents(image, want)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if !maps.Equal(files, want) {
		t.Errorf("%s: the image has other contents in some of %q", when, slices.Sorted(maps.Keys(files)))
	}
}

func pulled(t *testing.T, reference string) v1.Image {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// contents returns the contents of some files in an image, whose layers have to be those of its config.
func contents(image v1.Image, wanted map[string]string) (_ map[string]string, err error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, l := range layers {
		if i+3 < len(layers) { // the base is not at issue
			continue
		}
		r, err := l.Uncompressed()
		if err != nil {
			return nil, err
		}
		var content bytes.Buffer
		if _, err := io.Copy(&content, r); err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(content.Bytes()); hex.EncodeToString(sum[:]) != config.RootFS.DiffIDs[i].Hex {
			return nil, fmt.Errorf("layer %d is %x, and the config says %s", i, sum, config.RootFS.DiffIDs[i])
		}
		archive := tar.NewReader(&content)
		for {
			header, err := archive.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
			if file := strings.TrimPrefix(header.Name, "/"); wanted[file] != "" {
				data, err := io.ReadAll(archive)
				if err != nil {
					return nil, err
				}
				out[file] = string(data)
			}
		}
	}
	return out, nil
}
