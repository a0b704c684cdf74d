package packages

import (
	"strings"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// apt caches nothing between builds: an index of another build must not be used, apt does not check the digest of a cached package but only
// its size, and most base images remove downloaded packages right away. The list of automatically installed packages stays in the image.
func apt(step family.Packages, trusted string) Command {
	options := "--yes" + aptOptions(step)
	trusting := func(command string) string {
		if trusted == "" {
			return command
		}
		return strings.Replace(command, "apt-get ", "apt-get -o Acquire::https::CAInfo="+trusted+" ", 1)
	}
	install := forAll("apt-get "+options+" install", step.Packages)
	upgrade, purge := "", forAll("apt-get --yes --auto-remove purge", step.Remove)
	if step.Update {
		upgrade = "apt-get " + options + " --with-new-pkgs upgrade"
	}
	commands := []string{remove("/var/lib/apt/lists/*")}
	visible := notEmpty(upgrade, install, purge)
	if upgrade+install != "" {
		commands = append(commands, trusting(aptUpdate))
		visible = append([]string{"apt-get update"}, visible...)
	}
	for _, command := range notEmpty(upgrade, install) {
		commands = append(commands, trusting(command))
	}
	commands = append(commands, beginCheck, aptInstalled)
	commands = append(commands, removal("apt-get", aptHas, trusting(purge), step.Remove)...)
	commands = append(commands, aptChecks(step)...)
	commands = append(commands, remove(
		"/var/lib/apt/lists/*", "/var/cache/apt/*.bin", "/var/cache/apt/archives/*.deb", "/var/cache/apt/archives/partial/*", "/var/cache/apt/archives/lock",
		"/var/log/apt", "/var/log/dpkg.log", "/var/log/alternatives.log", "/var/log/bootstrap.log",
		"/var/lib/dpkg/*-old", "/var/cache/debconf/*-old", "/var/cache/ldconfig/aux-cache",
	))
	return Command{
		Install:  strings.Join(visible, "\n"),
		Commands: commands,
		Env:      []family.EnvVar{{Name: "DEBIAN_FRONTEND", Value: "noninteractive"}},
	}
}

// aptOptions returns the options that say what is installed of packages, and with them. dpkg goes by the last of its options that match a
// file, and takes those of the command line after those of its configuration, in which small images leave out documentation.
func aptOptions(step family.Packages) string {
	options := " --no-install-recommends"
	if step.Recommends != nil && *step.Recommends {
		options = " --install-recommends"
	}
	if step.Docs == nil {
		return options
	}
	for _, dir := range []string{"doc", "man", "info"} {
		kind := "exclude"
		if *step.Docs {
			kind = "include"
		}
		options += " -o " + shell.Quote("Dpkg::Options::=--path-"+kind+"=/usr/share/"+dir+"/*")
	}
	if !*step.Docs {
		options += " -o " + shell.Quote("Dpkg::Options::=--path-include=/usr/share/doc/*/copyright")
	}
	return options
}

// aptUpdate fails when an index is missing. Without the option, apt-get treats that as a warning, and versions before 2.1 do not know the
// option. So the script also looks for the warnings in the standard error of apt-get, and prints it again.
const aptUpdate = `failed=''; { warnings=$(LC_ALL=C apt-get -o APT::Update::Error-Mode=any update 2>&1 >&3) || failed=1; } 3>&1;
test -z "$warnings" || printf '%s\n' "$warnings" >&2;
case $warnings in *"Failed to fetch"*|*"index files failed"*) failed=1 ;; esac;
if test -n "$failed"; then echo "apt-get update did not get every index" >&2; exit 1; fi`

// aptInstalled has two functions. The first asks dpkg for fields of a package. For a package of the architecture "all", apt takes names
// with any architecture, such as NAME:amd64, and dpkg does not, so the function asks again without it. The second reports whether a
// package is installed, or one that provides it. Names can be patterns. The functions check the output of pipes, not their exit codes,
// which are different when the SHELL of a Dockerfile sets pipefail.
const aptInstalled = `query() {
dpkg-query -W -f "$1" "$2" 2>/dev/null ||
case $2 in *:*) dpkg-query -W -f '${Architecture} '"$1" "${2%%:*}" 2>/dev/null | sed -n 's/^all //p' ;; esac; };
installed() {
test -n "$(query '${Status}\n' "$1" | grep ' ok installed$')" ||
test -n "$(dpkg-query -W -f ', ${Provides}, ${Status}\n' | grep ' ok installed$' | grep -F -e ", ${1%%:*}, " -e ", ${1%%:*} (")"; }`

// aptHas is a shell function that reports whether a package is installed, and not one that provides it.
const aptHas = `has() { test -n "$(query '${Status}\n' "$1" | grep ' ok installed$')"; }`

// aptChecks returns commands that fail when a package is not installed. They use the functions of aptInstalled.
func aptChecks(step family.Packages) []string {
	if len(step.Packages) == 0 {
		return nil
	}
	var names, versions []string
	for _, p := range step.Packages {
		if strings.HasPrefix(p, "/") {
			file := shell.Quote(p)
			names = append(names, `"$(dpkg-deb -f `+file+` Package || echo `+file+`)"`)
			continue
		}
		name, version, versioned := strings.Cut(p, "=")
		name, _, _ = strings.Cut(name, "/")
		names = append(names, shell.Quote(name))
		if versioned {
			versions = append(versions, versionCheck(p, name, version))
		}
	}
	commands := []string{`for name in ` + strings.Join(names, " ") + "; do\n" + `installed "$name" || missing="$missing, $name"; done`}
	commands = append(commands, versions...)
	return append(commands, endCheck("apt-get", step))
}

// versionCheck compares the version of a package with the requested one, which may have the wildcards * and ?.
func versionCheck(asked, name, version string) string {
	return lines(
		`case $(query '${Version}\n' `+shell.Quote(name)+` | head -n 1) in`,
		quoteBetween(version)+`) ;; *) missing="$missing, "`+shell.Quote(asked)+` ;; esac`)
}

// quoteBetween quotes a pattern for a shell, but not its wildcards.
func quoteBetween(pattern string) string {
	var b strings.Builder
	for rest := pattern; rest != ""; {
		at := strings.IndexAny(rest, "*?")
		switch {
		case at < 0:
			b.WriteString(shell.Quote(rest))
			rest = ""
		case at > 0:
			b.WriteString(shell.Quote(rest[:at]))
			rest = rest[at:]
		default:
			b.WriteString(rest[:1])
			rest = rest[1:]
		}
	}
	return b.String()
}
