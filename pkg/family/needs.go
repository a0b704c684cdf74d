package family

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// configureNeeds returns what writing settings needs in an image: augtool, and the lens of each file.
func (r *resolver) configureNeeds(names []spec.Text) []Need {
	if len(names) == 0 {
		return nil
	}
	needs := []Need{{
		Paths:   []string{"/usr/bin/augtool", "/usr/local/bin/augtool", "/bin/augtool"},
		Missing: "the image has no augtool, which writes the settings when a container starts",
		Hint:    "install the package augeas, or augeas-tools on Debian, in a step before",
		At:      names[0].At,
	}}
	for _, name := range names {
		wanted := r.substitute.text(name, atBuild)
		for _, s := range r.contract.Settings {
			if s.Name != wanted {
				continue
			}
			needs = append(needs, Need{
				Paths:   []string{lensDir + "/" + s.Lens, lensDir + "/dist/" + s.Lens},
				Missing: fmt.Sprintf("the image has no lens %s, with which the settings %q are written", s.Lens, s.Name),
				Hint:    "add a step: lens: " + s.Lens,
				At:      name.At,
			})
		}
	}
	return needs
}
