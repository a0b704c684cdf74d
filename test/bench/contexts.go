package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed dockerfiles
var dockerfiles embed.FS

// writeContexts writes what bake needs of a family. What pulpimg generates is taken from the images that it has published, so that both
// tools put the same bytes into theirs.
func writeContexts(f family, published map[string]image) error {
	w := writer{dir: f.bake}
	w.put("docker-bake.hcl", w.embedded("docker-bake.hcl"), 0o644)
	w.put(f.base+"/Dockerfile", w.embedded(f.base+"/Dockerfile"), 0o644)
	w.put(f.base+"/pulpconf.aug", w.from(published[f.base], "usr/share/augeas/lenses/pulpconf.aug"), 0o644)
	w.put(f.base+"/rootfs/usr/share/pulpimg/contract.json", w.from(published[f.base], "usr/share/pulpimg/contract.json"), 0o644)
	w.put(f.base+"/rootfs/"+helper, w.from(published[f.base], helper), 0o755)
	for _, role := range f.roles {
		w.put(role+"/Dockerfile", w.dockerfile(role), 0o644)
		w.put(role+"/start", w.from(published[role], "usr/share/pulpimg/start"), 0o755)
	}
	return w.err
}

// helper is where images have the helper.
const helper = "usr/bin/pulp-helper"

// A writer writes files below dir until an error, and keeps it.
type writer struct {
	dir string
	err error
}

func (w *writer) put(name string, data []byte, mode fs.FileMode) {
	if w.err != nil {
		return
	}
	file := filepath.Join(w.dir, name)
	if w.err = os.MkdirAll(filepath.Dir(file), 0o755); w.err == nil {
		w.err = os.WriteFile(file, data, mode)
	}
}

func (w *writer) embedded(name string) []byte {
	data, err := dockerfiles.ReadFile("dockerfiles/" + name)
	w.fail(err)
	return data
}

func (w *writer) from(img image, name string) []byte {
	data, err := img.file(name)
	w.fail(err)
	return data
}

// dockerfile returns the Dockerfile of a role; those that are not in specs/pulp.yaml are like pulp-worker.
func (w *writer) dockerfile(role string) []byte {
	if data, err := dockerfiles.ReadFile("dockerfiles/" + role + "/Dockerfile"); err == nil {
		return data
	}
	return []byte(strings.ReplaceAll(string(w.embedded(worker+"/Dockerfile")), worker, role))
}

func (w *writer) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("writing the build contexts for bake: %w", err)
	}
}
