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

// Shared returns the volumes of an image that are kept in the family's storage.
func (f *Family) Shared(image *Image) []string {
	s := f.Kubernetes.Storage
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(image.Volumes(), func(v string) bool { return !slices.Contains(s.Volumes, v) })
}

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

// Capabilities returns what a container of the image has to be allowed besides what every process may, sorted and without CAP_: what its
// start needs, and what the spec says that its commands need. A start begins as root:
//
//   - with SETUID and SETGID it becomes the user of the role;
//   - with DAC_OVERRIDE it writes a settings file that belongs to somebody else.
//
// https://man7.org/linux/man-pages/man7/capabilities.7.html
func (i *Image) Capabilities() []string {
	wanted := slices.Clone(i.Workload.Capabilities)
	if s := i.Start; s != nil && s.User != "" {
		wanted = append(wanted, "SETUID", "SETGID")
	}
	if s := i.Start; s != nil && len(s.Configure) > 0 {
		wanted = append(wanted, "DAC_OVERRIDE")
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
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
