package packages

import (
	"fmt"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A Command is what installs the packages of a step.
type Command struct {
	// Install is the command that a person would type. The history of an image shows it.
	Install string
	// Commands are for one /bin/sh -eu, in this order. Line breaks within a command may be replaced with blanks.
	Commands []string
	// Env is set while the commands run.
	Env []family.EnvVar
	// CacheDirs are cached between builds and are not in the layer. What they hold does not influence what is installed.
	CacheDirs []string
}

// Script returns the commands as a script for /bin/sh -eu.
func (c Command) Script() string { return strings.Join(c.Commands, "\n") }

// For returns the command of a package step.
func For(step family.Packages) (Command, error) { return Trusting(step, "") }

// Trusting returns the command of a package step that trusts the certificates of a file in the container, for repositories that name no
// others. No file stands for the certificates of the image.
func Trusting(step family.Packages, file string) (Command, error) {
	switch step.Manager {
	case family.Yum:
		return rpmBased(step, file, "groupinstall", "groupinfo"), nil
	case family.DNF:
		return rpmBased(step, file, "group install", "group info"), nil
	case family.Apt:
		return apt(step, file), nil
	}
	return Command{}, fmt.Errorf("no package manager is called %q", step.Manager)
}

// The variable in which the checks collect what is missing, each item after a comma and a blank.
const (
	beginCheck = `missing=''`
	endCheck   = `if test -n "$missing"; then
echo "%s ended without an error, but did not install: ${missing#, }" >&2; exit 1; fi`
)

// lines joins the lines of one command. Each line but the last has to end where a shell expects more.
func lines(l ...string) string { return strings.Join(l, "\n") }

func remove(patterns ...string) string { return "rm -rf " + strings.Join(patterns, " ") }
