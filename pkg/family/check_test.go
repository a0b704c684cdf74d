package family_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestFamily_Check(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "app")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	assets := fstest.MapFS{"helper/pulp-helper-linux-amd64": &fstest.MapFile{}}
	yaml := head + "images:\n  a:\n    from: scratch\n    steps:\n      - helpers: [exec]\n      - files: {from: app, to: /app}\n      - run: {script: x, mounts: [{from: app, to: /m}]}\n"
	f, err := resolve(t, yaml, family.Options{Dir: dir, Assets: assets})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check("amd64"); err != nil {
		t.Errorf("a family that is complete: %v", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	const want = "f.yaml:9:9: /usr/bin/pulp-helper of a: this pulpimg was built without its helper for arm64\n" +
		"f.yaml:10:9: /app of a: there is no such file in the spec's folder\n" +
		"f.yaml:11:9: /m of a: there is no such file in the spec's folder"
	err = f.Check("arm64")
	if err == nil {
		t.Fatal("no error about what is missing")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
