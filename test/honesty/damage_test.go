package honesty

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// With all of them, the tests take minutes.
var every = flag.Int("every", 10, "damage each N-th field and file of a kind; 1 damages all")

// damagedSpec needs no engine once it was built: so what it is made of then is what is kept.
const damagedSpec = `
version: 1
name: damaged
registry: registry.example.com/damaged
tag: "1"
images:
  one:
    from: docker.io/library/debian:1
    steps:
      - run: echo one
      - files: { from: file.txt, to: /srv/, owner: nobody }
      - repo: { url: "https://repos.example.com/x.repo", to: /etc/yum.repos.d/x.repo }
  two:
    from: scratch
    steps:
      - files: { image: one, from: /srv/file.txt, to: /etc/ }
  three:
    from: docker.io/library/debian:2
    steps:
      - run: echo three
`

// A damage is done to something that is kept.
type damage struct {
	name string
	do   func(t *testing.T, file string)
}

// ofFiles are those that can be done to any file.
func ofFiles() []damage {
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	change := func(with func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			t.Helper()
			data, err := os.ReadFile(file)
			must(t, err)
			must(t, os.Remove(file)) // it may be in several places
			must(t, os.WriteFile(file, with(data), 0o644))
		}
	}
	return []damage{
		{"missing", func(t *testing.T, file string) { must(t, os.Remove(file)) }},
		{"empty", change(func([]byte) []byte { return nil })},
		{"truncated", change(func(data []byte) []byte { return data[:len(data)/2] })},
		{"flipped", change(func(data []byte) []byte { data[len(data)/2] ^= 1; return data })},
		{"other content of the same size", change(func(data []byte) []byte { return []byte(strings.Repeat("x", len(data))) })},
		{"directory", func(t *testing.T, file string) {
			must(t, os.Remove(file))
			must(t, os.Mkdir(file, 0o755))
		}},
	}
}

// TestDamage_files damages each file that a build keeps, in each way. The next build makes the same images of the same layers, or says what is
// damaged.
func TestDamage_files(t *testing.T) {
	d := newDamaged(t)
	kinds := map[string][]string{}
	for _, file := range d.files(t) {
		kinds[d.kind(file)] = append(kinds[d.kind(file)], file)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		for _, way := range ofFiles() {
			t.Run(kind+"/"+way.name, func(t *testing.T) {
				for i, file := range kinds[kind] {
					if i%*every > 0 {
						continue
					}
					d.restore(t)
					if _, err := os.Lstat(file); err != nil {
						continue
					}
					way.do(t, file)
					d.check(t, kind+": "+filepath.Base(file))
				}
			})
		}
	}
}

// TestDamage_records alters each field of each record, with the right checksum.
func TestDamage_records(t *testing.T) {
	d := newDamaged(t)
	records := d.records(t)
	n := 0
	for _, file := range records {
		all := d.alterations(t, file)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if n++; n%*every > 0 {
				continue
			}
			alter := all[name]
			t.Run(name, func(t *testing.T) {
				d.restore(t)
				content := readRecord(t, file)
				alter(content)
				writeRecord(t, file, content)
				d.check(t, name+" of "+filepath.Base(file))
			})
		}
	}
}

// A damaged is a spec that was built, with a copy of the cache as it was then.
type damaged struct {
	*subject
	saved string
	want  made
}

func newDamaged(t *testing.T) *damaged {
	t.Helper()
	s := small(t, "damaged", damagedSpec, map[string]string{"file.txt": "content"})
	s.cache = filepath.Join(t.TempDir(), "pulpimg")
	first, err := s.build(t)
	if err != nil {
		t.Fatal(err)
	}
	d := &damaged{subject: s, saved: t.TempDir(), want: step(t, s, first.digests())}
	copyCache(t, s.cache, d.saved)
	return d
}

// copyCache copies what is in a cache. Files that are in two places stay one.
func copyCache(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", filepath.Join(from, "layers"), filepath.Join(from, "images"), to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// restore brings the cache back.
func (d *damaged) restore(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"layers", "images"} {
		if err := os.RemoveAll(filepath.Join(d.cache, dir)); err != nil {
			t.Fatal(err)
		}
	}
	copyCache(t, d.saved, d.cache)
}

func (d *damaged) files(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, dir := range []string{"layers", "images"} {
		err := filepath.WalkDir(filepath.Join(d.cache, dir), func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
				out = append(out, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// kind is the directory of a file, without its first part for layouts.
func (d *damaged) kind(file string) string {
	rel, err := filepath.Rel(d.cache, filepath.Dir(file))
	if err != nil {
		return file
	}
	if rest, ok := strings.CutPrefix(rel, "images/"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		return "layout/" + rest
	}
	return rel
}

func (d *damaged) records(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.cache, "layers", "records.v*", "*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("the records are %v (%v)", files, err)
	}
	return files
}

// alterations are what is done to a record, by name.
func (d *damaged) alterations(t *testing.T, file string) map[string]func(map[string]any) {
	t.Helper()
	out := map[string]func(map[string]any){
		"another format": func(r map[string]any) { r["format"] = 2 },
		"ran later":      func(r map[string]any) { r["ran"] = "2999-01-01T00:00:00Z" },
		"no network":     func(r map[string]any) { delete(r, "network") },
		"annotated": func(r map[string]any) {
			if blob, ok := r["blob"].(map[string]any); ok {
				blob["annotations"] = map[string]any{"a": "b"}
			}
		},
	}
	for _, other := range append(d.records(t), "") {
		if other == file {
			continue
		}
		from := map[string]any{"key": digest.FromString("x"), "on": digest.FromString("x"), "result": digest.FromString("x"), "blob": map[string]any{
			"digest": digest.FromString("x"), "size": 7, "mediaType": ocispec.MediaTypeImageLayerGzip,
		}}
		if other != "" {
			from = readRecord(t, other)
		}
		for _, field := range []string{"key", "on", "result", "blob"} {
			if from[field] != nil {
				out[field+" of "+filepath.Base(other)] = func(r map[string]any) { r[field] = from[field] }
			}
		}
	}
	for _, field := range []string{"key", "on", "result", "blob", "ran"} {
		out[field+" missing"] = func(r map[string]any) { delete(r, field) }
		out[field+" of another type"] = func(r map[string]any) { r[field] = 7 }
	}
	for field, value := range map[string]any{
		"size": 1, "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "urls": []string{"https://example.com"}, "digest": digest.FromString("y"), "data": "eA==",
	} {
		out["blob's "+field] = func(r map[string]any) {
			if blob, ok := r["blob"].(map[string]any); ok {
				blob[field] = value
			}
		}
	}
	return out
}

func readRecord(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(data[sha256.Size:], &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func writeRecord(t *testing.T, file string, content map[string]any) {
	t.Helper()
	data, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if err := os.WriteFile(file, append(sum[:], data...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// check builds. The engine has all that the build needs, so the images are the same whatever is damaged, if the build does not fail.
func (d *damaged) check(t *testing.T, what string) {
	t.Helper()
	built, err := d.build(t)
	if err != nil {
		if !strings.Contains(err.Error(), "damaged") && !strings.Contains(err.Error(), "not a directory") && !strings.Contains(err.Error(), "is a directory") && !strings.Contains(err.Error(), "directory not empty") && !strings.Contains(err.Error(), "file exists") {
			t.Errorf("%s: the error does not say what is damaged: %v", what, err)
		}
		return
	}
	for _, image := range built.Images {
		for _, p := range image.Platforms {
			for i, l := range p.Layers {
				if i > 0 || image.Name == "two" { // the first is the base's, which whoever publishes it compares with its digest
					d.content(t, what, l.Digest)
				}
			}
		}
	}
	if built.commands() == "" && !maps.Equal(built.digests(), d.want.digests()) {
		t.Errorf("%s: the images are %v, and were %v", what, built.digests(), d.want.digests())
	}
}

// content compares a layer with its digest, where it is.
func (d *damaged) content(t *testing.T, what string, layer digest.Digest) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.cache, "images", "*", "blobs", "sha256", layer.Encoded()))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || digest.FromBytes(data) != layer {
			t.Errorf("%s: the layer %s is damaged (%v)", what, layer, err)
		}
	}
}
