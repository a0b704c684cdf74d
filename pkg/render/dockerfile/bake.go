package dockerfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/templates"
)

// A target is an image, as the files at the top know it.
type target struct {
	Name      string // in docker-bake.hcl
	Image     string
	Reference string
	// References are all of them, the first one included.
	References []string
	// Uses are the images of the family that it is based on or takes files from. Their references are in the form in which BuildKit looks for
	// them.
	Uses []target
	// Built says that the image is built by itself, and Unpublished that it gets no tag.
	Built, Unpublished bool
	Newline            bool
	Secrets            []string
}

func newTarget(f *family.Family, w *writer) target {
	t := target{Name: targetName(w.source.Name), Image: w.source.Name, Reference: w.source.Reference, References: w.source.References, Newline: w.newline}
	t.Unpublished = w.source.Unpublished
	t.Built = !t.Unpublished || slices.Contains(f.Unused(), w.source)
	for _, image := range w.source.Uses() {
		t.Uses = append(t.Uses, target{Name: targetName(image.Name), Reference: familiar(image.Reference)})
	}
	for _, step := range w.source.Steps {
		if s, ok := step.(family.Run); ok {
			t.Secrets = append(t.Secrets, s.Secrets...)
		}
	}
	return t
}

// familiar is a reference as BuildKit looks for it among the build contexts: without docker.io and the like.
// https://github.com/moby/buildkit/blob/master/frontend/dockerui/namedcontext.go
func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil { // a family's references are normalised
		return name
	}
	return reference.FamiliarString(named)
}

// targetName is an image's name in docker-bake.hcl, which takes no dots. An image's name cannot hold both "." and "___" in one place.
func targetName(image string) string { return strings.ReplaceAll(image, ".", "___") }

// topFiles returns the files that build all images.
func topFiles(f *family.Family, targets []target, opts Options) ([]gendir.File, error) {
	data := map[string]any{"Family": f.Name, "Spec": oneLine(opts.SpecFile), "Targets": targets, "NewlineArg": newlineArg}
	var secrets, newline bool
	for _, t := range targets {
		secrets, newline = secrets || len(t.Secrets) > 0, newline || t.Newline
	}
	data["Secrets"], data["Newline"] = secrets, newline
	var out []gendir.File
	for _, file := range []struct {
		gendir.File
		template string
	}{
		{gendir.File{Path: bakeFile, Mode: 0o644}, templates.Bake()},
		{gendir.File{Path: scriptFile, Mode: 0o755}, templates.BuildScript()},
	} {
		t, err := template.New(file.Path).Funcs(template.FuncMap{"hcl": hcl, "sh": shell.Quote}).Parse(file.template)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, fmt.Errorf("writing %s: %w", file.Path, err)
		}
		file.Data = b.Bytes()
		out = append(out, file.File)
	}
	return out, nil
}

// hcl writes a string of docker-bake.hcl.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
func hcl(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(jsonString(text))
}
