package packages

import (
	"strings"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// apk caches nothing between builds: it stores packages only where an image asks for it, and its index has to be today's. That index is
// fetched once, so that all calls of the step see the same, and removed at the end; apk needs it to remove packages too, where others came
// from a repository with a tag. A cache that the image has at /etc/apk/cache takes the place of /var/cache/apk, and may be a link.
func apk(step family.Packages, trusted string) Command {
	upgrade, add, del := "", forAll("apk add", step.Packages), forAll("apk del", step.Remove)
	if step.Update {
		upgrade = "apk upgrade"
	}
	trusting := func(command string) string {
		if trusted == "" || command == "" {
			return command
		}
		return "SSL_CERT_FILE=" + trusted + " " + command
	}
	commands := []string{remove(apkCaches()...), trusting(apkUpdate)}
	for _, command := range notEmpty(upgrade, add) {
		commands = append(commands, trusting(command))
	}
	commands = append(commands, removal("apk", apkHas, trusting(del), step.Remove)...)
	commands = append(commands, apkChecks(step)...)
	commands = append(commands, remove(append(apkCaches(), "/var/log/apk.log")...))
	return Command{Install: strings.Join(notEmpty("apk update", upgrade, add, del), "\n"), Commands: commands}
}

// apkCaches are where apk keeps indexes and packages.
func apkCaches() []string { return []string{"/var/cache/apk/*", "/etc/apk/cache/*"} }

// apkUpdate fails when an index is missing. apk add would only warn, and take packages from the others.
const apkUpdate = `apk update || { echo "apk update did not get every index" >&2; exit 1; }`

// apkHas is a shell function that reports whether a package is installed. apk prints the package that provides a name.
const apkHas = `has() { test "$(apk info -e "$1" 2>/dev/null)" = "$1"; }`

// apkChecks returns a command that fails when a package is not installed, or one that provides it, in a version that was asked for.
func apkChecks(step family.Packages) []string {
	if len(step.Packages) == 0 {
		return nil
	}
	return []string{
		beginCheck,
		lines(`for name in `+shell.Words(step.Packages)+`; do`, `apk info -e "$name" >/dev/null 2>&1 || missing="$missing, $name"; done`),
		endCheck("apk", step),
	}
}
