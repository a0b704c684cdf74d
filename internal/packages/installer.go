package packages

import (
	"fmt"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A Command is what installs the packages of a step.
type Command struct {
	// Install is what a person would type. It is what the history of an image shows.
	Install string
	// Commands are for one /bin/sh -eu, one after the other. The line breaks within a command can be replaced with blanks.
	Commands []string
	// Env is set for the length of the commands.
	Env []family.EnvVar
	// CacheDirs are kept between builds and stay out of the layer. Nothing in them decides what is installed.
	CacheDirs []string
}

// Script returns the commands as a script for /bin/sh -eu.
func (c Command) Script() string { return strings.Join(c.Commands, "\n") }

// For returns the command of a package step.
func For(step family.Packages) (Command, error) {
	switch step.Manager {
	case family.Yum:
		return rpmBased(step, "groupinstall", "groupinfo"), nil
	case family.DNF:
		return rpmBased(step, "group install", "group info"), nil
	case family.Apt:
		return apt(step), nil
	}
	return Command{}, fmt.Errorf("no package manager is called %q", step.Manager)
}

// The variable in which the checks collect what is missing, each item after a comma and a blank.
const (
	beginCheck = `missing=''`
	endCheck   = `if test -n "$missing"; then
echo "%s ended without an error, but did not install: ${missing#, }" >&2; exit 1; fi`
)

// lines makes one command of several, with line breaks in between. Each but the last ends where a shell expects more.
func lines(l ...string) string { return strings.Join(l, "\n") }

func remove(patterns ...string) string { return "rm -rf " + strings.Join(patterns, " ") }
