package family

import (
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// startupDir is the directory that is all for what containers start with.
const startupDir = "/usr/share/pulpimg"

// Reserved reports whether only pulpimg itself puts something at a path in an image: containers start with what is there.
func Reserved(at string) bool {
	for _, place := range []string{startupDir, startscript.Helper, contract.Path} {
		if under(at, place) {
			return true
		}
	}
	return false
}

// checkReserved reports a file of the spec at such a path.
func (r *resolver) checkReserved(at spec.Range, name string) {
	if Reserved(name) {
		r.report.Add(at, "put it somewhere else", "%s is for what pulpimg starts containers with", name)
	}
}

// unreserved returns a path in the image, clean, where a file of the spec may be.
func (r *resolver) unreserved(t spec.Text, what string) string {
	name := r.absolute(t, what)
	r.checkReserved(t.At, name)
	return name
}
