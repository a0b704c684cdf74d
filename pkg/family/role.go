package family

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	wait := r.requireDeclared(s.Wait, serviceNames(r.contract.Services), "services")
	start := &Start{
		Sockets:   once(r.absolutes(s.Sockets, "the socket")),
		Files:     once(r.absolutes(s.Files, "the file")),
		Variables: r.requiredVariables(s, wait),
		Configure: r.requireDeclared(s.Configure, settingsNames(r.contract.Settings), "settings"),
		Wait:      wait,
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
func (i *Image) Runs() bool {
	return !i.Unpublished && len(i.Config.Entrypoint)+len(i.Config.Command) > 0
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

// Missing returns the variables that a container of the image needs to start and that have no value.
func (i *Image) Missing(has func(variable string) bool) []string {
	return slices.DeleteFunc(slices.Clone(i.Workload.Required), has)
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

// A MissingError lists variables that have no value and secrets that come from nowhere, and that containers need to start.
type MissingError struct {
	// Variables are the names, Secrets the ids, and Images the images that need any of them.
	Variables, Secrets, Images []string
}

func (e *MissingError) Error() string {
	var what []string
	if len(e.Variables) > 0 {
		what = append(what, "a value for "+strings.Join(e.Variables, ", "))
	}
	if len(e.Secrets) > 0 {
		what = append(what, "a file for "+strings.Join(e.Secrets, ", "))
	}
	return fmt.Sprintf("containers of %s need %s", strings.Join(e.Images, ", "), strings.Join(what, ", and "))
}

// CheckValues returns a MissingError when images need variables that have no value, or secrets that come from nowhere.
func CheckValues(images []*Image, hasValue func(variable string) bool, hasFile func(s Secret) bool) error {
	var missing MissingError
	for _, image := range images {
		variables := image.Missing(hasValue)
		secrets := image.missingSecrets(hasFile)
		if len(variables)+len(secrets) > 0 {
			missing.Images = append(missing.Images, image.Name)
		}
		missing.Variables = append(missing.Variables, variables...)
		missing.Secrets = append(missing.Secrets, secrets...)
	}
	if len(missing.Images) == 0 {
		return nil
	}
	missing.Variables, missing.Secrets = once(missing.Variables), once(missing.Secrets)
	return &missing
}

// missingSecrets returns the ids of the secrets that a container of the image needs to start and that come from nowhere.
func (i *Image) missingSecrets(has func(s Secret) bool) []string {
	var out []string
	for _, s := range i.Workload.Secrets {
		if !has(s) {
			out = append(out, s.ID)
		}
	}
	return out
}
