package family

import (
	"io/fs"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Directories makes directories, or gives those that are there an owner and a mode, as a layer of its own.
type Directories struct {
	Common
	Dirs []Directory
}

// A Directory is one of a Directories step.
type Directory struct {
	// Path is the absolute, clean path in the image. A symbolic link there leads to the directory that is meant.
	Path string
	// Mode is the mode, set-id and sticky bits included. It is 0 when the spec has none: then a new directory has 0755.
	Mode fs.FileMode
	// Owner is whom it belongs to. It is empty when the spec has none: then a new directory belongs to root.
	Owner Owner
}

func (r *resolver) directories(s spec.Step) Step {
	var titles []string
	step := Directories{}
	seen := map[string]bool{}
	for _, d := range s.Directory {
		dir := Directory{Path: r.unreserved(d.Path, "the directory"), Mode: r.mode(d.Mode), Owner: r.owner(d.Owner)}
		switch {
		case dir.Path == "/":
			r.report.Add(d.Path.At, "", "the root directory stays as it is: name one below it")
		case seen[dir.Path]:
			r.report.Add(d.At, "", "this step has the directory %s twice", dir.Path)
		}
		seen[dir.Path] = true
		if err := r.budget.takeFile(); err != nil {
			r.report.Add(d.At, "", "%v", err)
			break
		}
		titles, step.Dirs = append(titles, dir.Path), append(step.Dirs, dir)
	}
	step.Common = Common{Name: "directory " + strings.Join(titles, ", "), Range: s.At}
	return step
}
