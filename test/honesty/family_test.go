package honesty

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	spb "github.com/moby/buildkit/sourcepolicy/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A subject is a spec with its files, of which something is edited.
type subject struct {
	name, file string // the file of the spec, in dir
	dir        string
	lower      string // the file that is edited, if it is another one
	how        how
	place      string // of its images in the registry
	cache      string // that is used, if it is another one
	policy     *spb.Policy
	noEngine   bool // the build has to do without
}

// caches returns the cache.
func (s *subject) caches() build.Cache { return build.Cache{Dir: cmp.Or(s.cache, cacheDir())} }

// edited is the file that edits are made in.
func (s *subject) edited() string { return cmp.Or(s.lower, s.file) }

// How a spec is built: the flags of a build that decide something.
type how struct {
	set, tags []string
	platforms []ocispec.Platform
	noCache   bool
	refresh   bool
	created   time.Time
}

// copied copies a spec with its folder, and makes files beside it that the spec expects to be made before.
func copied(t *testing.T, name, from, file string, made ...string) *subject {
	t.Helper()
	s := &subject{name: name, dir: t.TempDir(), file: file, place: on.place + "/" + name}
	if err := os.CopyFS(s.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, name := range made {
		s.write(t, name, "a program\n")
	}
	return s
}

// small makes a spec of its own.
func small(t *testing.T, name, text string, files map[string]string) *subject {
	t.Helper()
	s := &subject{name: name, dir: t.TempDir(), file: "pulpimg.yaml", place: on.place + "/" + name}
	s.write(t, s.file, text)
	for name, content := range files {
		s.write(t, name, content)
	}
	return s
}

func (s *subject) write(t *testing.T, name, content string) {
	t.Helper()
	file := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// plan asks the program what a build would do. An error is one of the program.
func (s *subject) plan(t *testing.T) (*build.Plan, error) {
	t.Helper()
	args := []string{"plan", "--format", "json", "-f", filepath.Join(s.dir, s.file), "--registry", s.place, "--source-policy", on.policyFile}
	for _, set := range s.how.set {
		args = append(args, "--set", set)
	}
	for _, tag := range s.how.tags {
		args = append(args, "--tag", tag)
	}
	for _, p := range s.how.platforms {
		args = append(args, "--platform", p.OS+"/"+p.Architecture)
	}
	if s.how.noCache {
		args = append(args, "--no-cache")
	}
	if s.how.refresh {
		args = append(args, "--refresh")
	}
	cmd := exec.CommandContext(t.Context(), on.program, args...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Dir(s.caches().Dir))
	if !s.how.created.IsZero() {
		cmd.Env = append(cmd.Env, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", s.how.created.Unix()))
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%v: %w: %s", args, err, said.String())
	}
	var plan build.Plan
	if err := json.Unmarshal(out.Bytes(), &plan); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return &plan, nil
}

// A made is what a build made.
type made struct {
	*build.Result
	family *family.Family
}

func (s *subject) family(t *testing.T) (*family.Family, error) {
	t.Helper()
	variables := map[string]string{}
	for _, set := range s.how.set {
		name, value, _ := bytes.Cut([]byte(set), []byte("="))
		variables[string(name)] = string(value)
	}
	return family.Load(filepath.Join(s.dir, s.file), family.Options{Registries: []string{s.place}, Tags: s.how.tags, Variables: variables})
}

// anySecret has every secret.
type anySecret struct{}

func (anySecret) GetSecret(context.Context, string) ([]byte, error) { return []byte("secret"), nil }

// options are those of a build.
func (s *subject) options() build.Options {
	builder := engine.Options{CacheDir: cacheDir()}
	if s.noEngine {
		builder.CacheDir = filepath.Join(s.dir, s.file) // where none can start
	}
	return build.Options{
		Cache: s.caches(), Engine: builder, SourcePolicy: cmp.Or(s.policy, on.policy), Platforms: s.how.platforms, NoCache: s.how.noCache, Refresh: s.how.refresh,
		Created: s.how.created, Secrets: anySecret{},
	}
}

// build builds.
func (s *subject) build(t *testing.T) (made, error) {
	t.Helper()
	return s.with(t, func(into *layout.Layout, f *family.Family) (made, error) {
		result, err := build.Family(t.Context(), f, into, s.options())
		return made{result, f}, err
	})
}

// with does something with the layout of the spec.
func (s *subject) with(t *testing.T, do func(*layout.Layout, *family.Family) (made, error)) (made, error) {
	t.Helper()
	f, err := s.family(t)
	if err != nil {
		return made{}, err
	}
	into, err := s.caches().Layout(t.Context(), f)
	if err != nil {
		return made{}, err
	}
	defer func() {
		if err := into.Close(); err != nil {
			t.Error(err)
		}
	}()
	return do(into, f)
}

// push publishes what was built.
func (s *subject) push(t *testing.T, built made) *publish.Result {
	t.Helper()
	var pushed *publish.Result
	_, err := s.with(t, func(into *layout.Layout, _ *family.Family) (made, error) {
		var err error
		pushed, err = publish.Images(context.WithoutCancel(t.Context()), into, built.Build.Images, publish.Options{})
		return made{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

// digests are those of the images, by name.
func (m made) digests() map[string]string {
	out := map[string]string{}
	for _, image := range m.Images {
		out[image.Name] = image.Digest.String()
	}
	return out
}

// ran reports whether a command of an image ran, for any platform.
func (m made) ran(image string, step, of int) bool {
	prefix := fmt.Sprintf("[%s %d/%d] ", image, step+1, of)
	return slices.ContainsFunc(m.Steps, func(s build.Step) bool {
		return s.Command && !s.Cached && s.Duration > 0 && len(s.Name) > len(prefix) && s.Name[:len(prefix)] == prefix
	})
}

// commands names the commands that ran.
func (m made) commands() string {
	var out []string
	for _, s := range m.Steps {
		if s.Command && !s.Cached && s.Duration > 0 {
			out = append(out, s.Name)
		}
	}
	return strings.Join(out, ", ")
}
