package family_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

const inputsSpec = head + `variables:
  shown: {default: a}
  unused: {default: a}
environment:
  PORT: {default: "8000"}
images:
  base:
    from: fedora:20
    labels: {shown: "${{ shown }}"}
    env: {LANG: C}
    steps:
      - files: {from: app, to: /app}
      - helpers: [wait]
      - dnf: {packages: [nginx]}
      - run: echo hello
  web:
    from: base
    command: [web]
    steps:
      - files: {from: web.conf, to: /etc/web.conf}
  other: {from: base}
  alone: {from: scratch}
`

func TestInputs(t *testing.T) {
	files := map[string]string{"app/a": "a", "app/b": "b", "web.conf": "c"}
	inputs := func(t *testing.T, text string, files map[string]string, opts family.Options) map[string]string {
		t.Helper()
		opts.Dir = t.TempDir()
		write(t, opts.Dir, files)
		f := mustResolve(t, text, opts)
		got, err := f.Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := inputs(t, inputsSpec, files, family.Options{})
	replace := strings.NewReplacer
	with := func(name, content string) map[string]string {
		changed := maps.Clone(files)
		changed[name] = content
		return changed
	}
	otherHelper := builtIn()
	otherHelper["helper/pulp-helper-linux-"+runtime.GOARCH] = &fstest.MapFile{Data: []byte("another")}
	for _, test := range []struct {
		name    string
		text    string
		files   map[string]string
		options family.Options
		changed []string
	}{
		{name: "the same in another folder", text: inputsSpec, files: files},
		{name: "a comment and the order of images", text: "# c\n" + inputsSpec, files: files},
		{name: "the tag", text: inputsSpec, files: files, options: family.Options{Tags: []string{"other"}}},
		{name: "the registry", text: inputsSpec, files: files, options: family.Options{Registries: []string{"example.com/other"}}},
		{name: "a variable that nothing uses", text: inputsSpec, files: files, options: family.Options{Variables: map[string]string{"unused": "b"}}},
		{name: "a variable", text: inputsSpec, files: files, options: family.Options{Variables: map[string]string{"shown": "b"}}, changed: []string{"base", "other", "web"}},
		{name: "a file of the base", text: inputsSpec, files: with("app/b", "B"), changed: []string{"base", "other", "web"}},
		{name: "a file more", text: inputsSpec, files: with("app/c", ""), changed: []string{"base", "other", "web"}},
		{name: "a file of one image", text: inputsSpec, files: with("web.conf", "C"), changed: []string{"web"}},
		{name: "the base from outside", text: replace("fedora:20", "fedora:21").Replace(inputsSpec), files: files, changed: []string{"base", "other", "web"}},
		{name: "a package", text: replace("nginx", "httpd").Replace(inputsSpec), files: files, changed: []string{"base", "other", "web"}},
		{name: "a command", text: replace("echo hello", "echo bye").Replace(inputsSpec), files: files, changed: []string{"base", "other", "web"}},
		{name: "a config", text: replace("[web]", "[web, -v]").Replace(inputsSpec), files: files, changed: []string{"web"}},
		{name: "a stop signal", text: replace("command: [web]", "command: [web]\n    stopsignal: QUIT").Replace(inputsSpec), files: files, changed: []string{"web"}},
		{name: "a health check", text: replace("labels:", "healthcheck: none\n    labels:").Replace(inputsSpec), files: files, changed: []string{"base", "other", "web"}},
		{name: "the contract", text: replace("8000", "8001").Replace(inputsSpec), files: files, changed: []string{"base", "other", "web"}},
		{name: "the helper", text: inputsSpec, files: files, options: family.Options{Assets: otherHelper}, changed: []string{"base", "other", "web"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			after := inputs(t, test.text, test.files, test.options)
			var changed []string
			for _, name := range slices.Sorted(maps.Keys(before)) {
				if after[name] != before[name] {
					changed = append(changed, name)
				}
			}
			if diff := cmp.Diff(test.changed, changed); diff != "" {
				t.Errorf("images with other inputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInputs_canceled(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"app/a": "a", "web.conf": "c"})
	f := mustResolve(t, inputsSpec, family.Options{Dir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Inputs(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	write(t, dir, map[string]string{"gone": ""})
	f = mustResolve(t, strings.ReplaceAll(inputsSpec, "web.conf, to", "gone, to"), family.Options{Dir: dir})
	if err := os.Remove(filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Inputs(t.Context(), nil); err == nil || !strings.HasPrefix(err.Error(), "reading what web is built from: /etc/web.conf: ") {
		t.Errorf("with a file that is gone: %v", err)
	}
}

// summed is a content that knows its digest.
type summed struct {
	io.ReadCloser
	digest [sha256.Size]byte
}

func (s summed) Open(string) (io.ReadCloser, error) { return s, nil }
func (s summed) SHA256() [sha256.Size]byte          { return s.digest }

// A file that knows its digest is not read.
func TestSum_known(t *testing.T) {
	content := summed{io.NopCloser(iotest.ErrReader(errors.New("it is read"))), sha256.Sum256([]byte("content"))}
	if got, err := family.Sum(t.Context(), content, runtime.GOARCH); err != nil || got != content.digest {
		t.Errorf("the digest is %x (%v)", got, err)
	}
}
