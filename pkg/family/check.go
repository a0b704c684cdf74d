package family

import (
	"fmt"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Check opens everything that the family's own files are made of, for images of an architecture in Go's terms ("amd64"), and returns what
// cannot be opened as a spec.Errors. A build finds out by itself; this is for callers that do not build.
func (f *Family) Check(arch string) error {
	report := spec.NewReport(f.file())
	for _, image := range f.Images {
		for _, step := range image.Steps {
			for _, file := range ownFiles(step) {
				if err := file.check(arch); err != nil {
					report.AddError(step.At(), "", fmt.Errorf("%s of %s: %w", file.Path, image.Name, err))
				}
			}
		}
	}
	return report.Err()
}

// ownFiles returns the family's own files that a step needs.
func ownFiles(step Step) []File {
	switch s := step.(type) {
	case Files:
		return s.Files
	case Run:
		var out []File
		for _, m := range s.Mounts {
			for _, f := range m.Files { // by the paths that the command sees
				out = append(out, File{Path: m.Path + strings.TrimPrefix(f.Path, m.From), Content: f.Content})
			}
		}
		return out
	}
	return nil
}

// file returns the name of the spec.
func (f *Family) file() string {
	if f.Spec == nil {
		return "the family"
	}
	return f.Spec.Filename
}

func (f File) check(arch string) error {
	if f.Content == nil {
		return nil
	}
	content, err := f.Content.Open(arch)
	if err != nil {
		return cause(err)
	}
	return content.Close()
}
