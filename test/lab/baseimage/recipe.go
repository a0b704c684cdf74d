package baseimage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Suite is the Debian release whose packages the file system is made of.
const Suite = "bookworm"

// Epoch is the time in all that the lab makes: files, configs, packages,
// repositories. It is the day that Fedora 20 was released.
func Epoch() time.Time { return time.Date(2013, time.December, 17, 0, 0, 0, 0, time.UTC) }

// recipe is all that decides what the base image is, but for the versions of
// the Debian packages. Its JSON form is what the cache key is made of.
type recipe struct {
	Suite    string
	Platform string
	Epoch    int64
	Packages []string // installed with what they depend on
	Excluded []string // paths that dpkg leaves out
	Hooks    []string // shell commands, run with the file system's root as $1
	Config   v1.Config
}

func newRecipe(arch string) recipe {
	return recipe{
		Suite:    Suite,
		Platform: arch,
		Epoch:    Epoch().Unix(),
		Packages: []string{
			"apt", "dnf", "rpm", "util-linux", "passwd", "ca-certificates",
			// What the RPMs of package rpmrepo need but do not bring along.
			"python3", "python-is-python3", "celery", "python3-pymongo",
			"libxml2", "libreadline8",
		},
		// Leaving out Python's tests too would break a package's postinst.
		Excluded: []string{"/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"},
		Hooks: []string{
			`ln -s dnf "$1/usr/bin/yum"`,
			// Debian's rpm keeps its database in root's home, and its dnf does
			// not know a release: $releasever would stay as it is.
			`mkdir -p "$1/etc/rpm" "$1/etc/dnf/vars" "$1/etc/yum.repos.d"`,
			`echo "%_dbpath /var/lib/rpm" > "$1/etc/rpm/macros"`,
			`echo 20 > "$1/etc/dnf/vars/releasever"`,
			// Fedora's httpd has this user with this number.
			`chroot "$1" groupadd --system --gid 48 apache`,
			`chroot "$1" useradd --system --uid 48 --gid 48 --no-create-home --home-dir /usr/share/httpd --shell /usr/sbin/nologin apache`,
			// Tests rely on these: a file step must leave them as they are.
			`test "$(readlink "$1/lib")" = usr/lib && test "$(readlink "$1/var/run")" = /run`,
			`test "$(stat -c %a "$1/tmp")" = 1777`,
			`rm -rf "$1"/etc/apt/sources.list* "$1"/var/lib/apt/lists/* "$1"/etc/hostname "$1"/etc/resolv.conf`,
		},
		// Such as base images had in 2014: a shell as Cmd, no Entrypoint.
		Config: v1.Config{
			Cmd:    []string{"/bin/bash"},
			Env:    []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Labels: map[string]string{"org.opencontainers.image.title": "Stand-in base image (Debian with dnf)"},
		},
	}
}

// args is mmdebstrap's command line: it reads the apt sources from its
// standard input, so that they do not become part of the image.
func (r recipe) args(mode, out string) []string {
	args := []string{
		"mmdebstrap", "--mode=" + mode, "--variant=essential", "--format=tar",
		// A machine's mirror may be a snapshot.
		`--aptopt=Acquire::Check-Valid-Until "false"`,
		"--include=" + strings.Join(r.Packages, ","),
	}
	for _, path := range r.Excluded {
		args = append(args, "--dpkgopt=path-exclude="+path)
	}
	for _, hook := range r.Hooks {
		args = append(args, "--customize-hook="+hook)
	}
	return append(args, r.Suite, out, "-")
}

// Key names what the base image for the architecture (as GOARCH) is made of:
// an image made by the same recipe has the same key.
func Key(arch string) (string, error) {
	text, err := json.Marshal(newRecipe(arch))
	if err != nil {
		return "", fmt.Errorf("naming the base image's recipe: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:16], nil
}
