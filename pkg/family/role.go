package family

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Start is what a container of a role does and needs when it starts, for those who run it.
type Start struct {
	// Sockets and Files have to be there; they come from outside.
	Sockets, Files []string
	// Variables have to have a value.
	Variables []string
	// Configure names the settings that are written, Wait the services that are waited for.
	Configure, Wait []string
	// User is who the command runs as; empty for the user of the image.
	User string
}

// role resolves what a start needs.
func (r *resolver) role(s spec.Start) *Start {
	return &Start{
		Sockets:   r.absolutes(s.Sockets, "the socket"),
		Files:     r.absolutes(s.Files, "the file"),
		Variables: r.mustBeSet(s),
		Configure: r.known(s.Configure, settingsNames(r.contract.Settings), "settings"),
		Wait:      r.known(s.Wait, serviceNames(r.contract.Services), "services"),
		User:      r.checked(s.User, userName, "user"),
	}
}

// Runs says whether the image is meant to be run: it has a start, or an entrypoint or a command of its own.
func (i *Image) Runs() bool { return len(i.Config.Entrypoint)+len(i.Config.Command) > 0 }

// Volumes returns the volumes of the image, those of what it stands on in the family included, each once.
func (i *Image) Volumes() []string { return i.all(func(c Config) []string { return c.Volumes }) }

// Ports returns the ports of the image, those of what it stands on in the family included, each once.
func (i *Image) Ports() []string { return i.all(func(c Config) []string { return c.Ports }) }

func (i *Image) all(of func(Config) []string) []string {
	var out []string
	for ; i != nil; i = i.Parent {
		for _, s := range of(i.Config) {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// Missing returns the variables without which a container of the image does not start and that have no value.
func (i *Image) Missing(has func(variable string) bool) []string {
	if i.Start == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(i.Start.Variables), has)
}

// A MissingError says which variables have no value without which containers do not start.
type MissingError struct {
	// Variables are the names, and Images the images that need any of them.
	Variables, Images []string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("there is no value for %s, without which no container of %s starts", strings.Join(e.Variables, ", "), strings.Join(e.Images, ", "))
}

// CheckValues returns a MissingError when images need variables that have no value.
func CheckValues(images []*Image, has func(variable string) bool) error {
	var missing MissingError
	for _, image := range images {
		names := image.Missing(has)
		if len(names) > 0 {
			missing.Images = append(missing.Images, image.Name)
		}
		for _, name := range names {
			if !slices.Contains(missing.Variables, name) {
				missing.Variables = append(missing.Variables, name)
			}
		}
	}
	if len(missing.Variables) == 0 {
		return nil
	}
	return &missing
}
