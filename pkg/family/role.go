package family

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// A Start is what a container of a role does and needs when it starts, for those who run it.
type Start struct {
	// Sockets and Files have to be there; they come from outside.
	Sockets, Files []string
	// Variables have to have a value.
	Variables []string
	// Configure names the settings that are written, Wait the services that are waited for.
	Configure, Wait []string
	// User is who the commands run as; empty for the user of the image.
	User string
	// Workdir and Umask are what the commands run with; empty for those that the container has.
	Workdir, Umask string
	// Init are the commands before Command. In both, ${NAME} is a variable of the container's environment.
	Init    [][]string
	Command []string
}

// role resolves what a start needs.
func (r *resolver) role(s spec.Start) *Start {
	start := &Start{
		Sockets:   once(r.absolutes(s.Sockets, "the socket")),
		Files:     once(r.absolutes(s.Files, "the file")),
		Variables: r.requiredVariables(s),
		Configure: r.requireDeclared(s.Configure, settingsNames(r.contract.Settings), "settings"),
		Wait:      r.requireDeclared(s.Wait, serviceNames(r.contract.Services), "services"),
		User:      r.matchForm(s.User, userName, "user"),
		Workdir:   r.absolute(s.Workdir, "the directory"),
		Umask:     r.matchForm(s.Umask, umask, "umask: write three digits from 0 to 7"),
		Command:   r.commandOf(s.Command),
	}
	for _, command := range s.Init {
		start.Init = append(start.Init, r.commandOf(command))
	}
	return start
}

// ErrNothingToRun says that none of the images is meant to be run.
var ErrNothingToRun = errors.New("none of these images is meant to be run: they have no start, no entrypoint and no command")

// Runs reports whether the image is meant to be run: it has a start, or an entrypoint or a command of its own.
func (i *Image) Runs() bool { return len(i.Config.Entrypoint)+len(i.Config.Command) > 0 }

// Volumes returns the volumes of the image, those that it inherits in the family included, each once.
func (i *Image) Volumes() []string { return i.all(func(c Config) []string { return c.Volumes }) }

// Ports returns the ports of the image, those that it inherits in the family included, each once.
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
		out = append(out, of(i.Config)...)
	}
	return once(out)
}

// Capabilities returns what a container of the image has to be allowed besides what every process may, sorted and without CAP_: what its
// start needs, and what the spec says that its commands need. A start begins as root:
//
//   - with SETUID and SETGID it becomes the user of the role;
//   - with KILL it tells a command of init, which is that user's, to end;
//   - with DAC_OVERRIDE it writes a settings file that belongs to somebody else.
//
// https://man7.org/linux/man-pages/man7/capabilities.7.html
func (i *Image) Capabilities() []string {
	wanted := slices.Clone(i.Workload.Capabilities)
	if s := i.Start; s != nil && s.User != "" {
		wanted = append(wanted, "SETUID", "SETGID")
		if len(s.Init) > 0 {
			wanted = append(wanted, "KILL")
		}
	}
	if s := i.Start; s != nil && len(s.Configure) > 0 {
		wanted = append(wanted, "DAC_OVERRIDE")
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// CanBecome reports whether a process that a container starts as the user of an image can become the user of a start, as far as the two
// names tell: root can, and a name and a number may be the same user.
func CanBecome(imageUser, startUser string) bool {
	user, _, _ := strings.Cut(imageUser, ":")
	if user == "" || user == "root" || user == "0" || startUser == "" || startUser == user {
		return true
	}
	if startUser == "root" || startUser == "0" {
		return false
	}
	_, err := strconv.Atoi(user)
	_, startErr := strconv.Atoi(startUser)
	return (err == nil) != (startErr == nil)
}

// probeSlack is what a probe may take besides what the helper gives a service.
const probeSlack = 3 * time.Second

// Probe returns a command that tells, with the helper in the image, whether the services answer that its containers wait for when they
// start, and how long it may take. There is none for an image that waits for nothing.
func (f *Family) Probe(image *Image) (command []string, timeout time.Duration) {
	if image.Start == nil || len(image.Start.Wait) == 0 {
		return nil, 0
	}
	for _, s := range f.Contract.Services {
		if slices.Contains(image.Start.Wait, s.Name) {
			timeout = max(timeout, s.Timeout)
		}
	}
	return append([]string{startscript.Helper, "wait", "--tries", "1"}, image.Start.Wait...), timeout + probeSlack
}

// Missing returns the variables that a container of the image needs to start and that have no value.
func (i *Image) Missing(has func(variable string) bool) []string {
	if i.Start == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(i.Start.Variables), has)
}

// once returns the items of a list, each once.
func once(list []string) []string {
	var out []string
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// A MissingError lists variables that have no value, and that containers need to start.
type MissingError struct {
	// Variables are the names, and Images the images that need any of them.
	Variables, Images []string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("containers of %s need a value for %s", strings.Join(e.Images, ", "), strings.Join(e.Variables, ", "))
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
