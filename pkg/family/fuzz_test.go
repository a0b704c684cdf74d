package family_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// FuzzResolve looks for a spec that can be read and makes Resolve panic, or give a family that contradicts itself.
func FuzzResolve(f *testing.F) {
	files, err := filepath.Glob("../../specs/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no specs to begin with: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		tree, step(`files: {from: ., to: /}`), step(`run: {command: ["${{ a", "$${{", "${"], secrets: [s]}`), step(`yum: {groups: [a], packages: ["b*"]}`),
		head + "variables:\n  v0: {default: abcdefgh}\n" + lines(30, "  v#: {default: \"${{ v% }}${{ v% }}\"}\n") + images,
		head + "environment:\n  V0: {default: \"\"}\n" + lines(30, "  V#: {default: \"${V%}${V%}\"}\n") + images,
		started("variables: {v: {default: \"$\"}}\nenvironment: {A: {default: \"${B}\"}, B: {secret: true}}\nservices: {s: {url: \"tcp://${A}\"}}\n",
			`{wait: [s], init: [[a, "${A}"]], command: [c, "${{ v }}{A}"]}`),
	} {
		f.Add([]byte(text))
	}
	assets, dir := builtIn(), f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _ := spec.Parse("f.yaml", data) // what could be read of a spec with mistakes is resolved too
		if s == nil {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resolved, err := family.Resolve(s, family.Options{Dir: dir, Assets: assets})
		runtime.ReadMemStats(&after)
		if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 400 {
			t.Errorf("resolving %d bytes takes %d MiB", len(data), allocated)
		}
		if err != nil {
			var all spec.Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("the error is a %T: %v", err, err)
			}
			return
		}
		if len(resolved.Images) != len(s.Images) {
			t.Errorf("%d images are declared, and %d resolved", len(s.Images), len(resolved.Images))
		}
		seen := map[*family.Image]bool{}
		for _, i := range resolved.Images {
			if (i.Parent == nil) == (i.Base == "") || i.Parent != nil && !seen[i.Parent] {
				t.Errorf("%s is based on %v and %q, or comes before it", i.Name, i.Parent, i.Base)
			}
			seen[i] = true
		}
	})
}

func FuzzHideCredentials(f *testing.F) {
	for _, seed := range []string{"https://me:hunter2@h/r?token=x", "http://127.0.0.1:5000/v2/a@sha256:00", "://:@", "?sig=\xff&key=ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hidden := family.HideCredentials(text)
		if utf8.RuneCountInString(hidden) != utf8.RuneCountInString(text) {
			t.Errorf("%q becomes %q, which has another length", text, hidden)
		}
		if again := family.HideCredentials(hidden); again != hidden {
			t.Errorf("%q becomes %q, and then %q", text, hidden, again)
		}
	})
}
