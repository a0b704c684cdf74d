package packages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/shell"
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
		return rpmBased(step, file, rpmWords{update: "update", groupInstall: "groupinstall", groupInfo: "groupinfo"}), nil
	case family.DNF:
		return rpmBased(step, file, rpmWords{update: "upgrade", groupInstall: "group install", groupInfo: "group info"}), nil
	case family.Apt:
		return apt(step, file), nil
	case family.Apk:
		return apk(step, file), nil
	}
	return Command{}, fmt.Errorf("no package manager is called %q", step.Manager)
}

// beginCheck sets the variable in which the checks collect what is missing, each item after a comma and a blank.
const beginCheck = `missing=''`

// endCheck fails when something is missing.
func endCheck(tool string, step family.Packages) string {
	problem := "ended without an error, but did not install"
	if len(step.Remove) > 0 {
		problem = "ended without an error, but did not install, or removed with what it needs"
	}
	return failIf("missing", tool+" "+problem)
}

// failIf returns a command that fails when a variable has items, each after a comma and a blank.
func failIf(variable, problem string) string {
	return lines(`if test -n "$`+variable+`"; then`, `echo "`+problem+`: ${`+variable+`#, }" >&2; exit 1; fi`)
}

// removal returns commands that remove packages. They fail for a package that is not installed, because some package managers take no notice
// of it, and for one that is still there afterwards. has is a shell function, HAS NAME, that asks whether a package of exactly that
// name is installed.
func removal(tool, has, remove string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	each := `for name in ` + shell.Words(names) + `; do`
	return []string{
		has,
		`absent='' left=''`,
		lines(each, `has "$name" || absent="$absent, $name"; done`),
		failIf("absent", "these cannot be removed, because they are not installed"),
		remove,
		lines(each, `if has "$name"; then left="$left, $name"; fi; done`),
		failIf("left", tool+" ended without an error, but did not remove"),
	}
}

// notEmpty returns the commands that are not empty.
func notEmpty(commands ...string) []string {
	return slices.DeleteFunc(commands, func(c string) bool { return c == "" })
}

// forAll returns a command with the names as its last words, or nothing if there are none.
func forAll(command string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return command + " " + shell.Words(names)
}

// lines joins the lines of one command. Each line but the last has to end where a shell expects more.
func lines(l ...string) string { return strings.Join(l, "\n") }

func remove(patterns ...string) string { return "rm -rf " + strings.Join(patterns, " ") }
