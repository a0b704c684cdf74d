package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// packageFile returns the package of this machine's program in a format.
func packageFile(t *testing.T, format string) string {
	t.Helper()
	if err := inlab.Make("packages"); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(env.root, "bin", "packages", "*."+format))
	if err != nil || len(found) != 1 {
		t.Fatalf("packages of the format %s: %q, %v", format, found, err)
	}
	return found[0]
}

// A debian is the root file system of a Debian that has nothing but what every Debian has, and AppArmor, and a user.
type debian struct{ root, user string }

func newDebian(t *testing.T) debian {
	t.Helper()
	d := debian{root: filepath.Join(t.TempDir(), "root"), user: "jo"}
	if err := os.Mkdir(d.root, 0o755); err != nil {
		t.Fatal(err)
	}
	root(t, "tar", "--extract", "--numeric-owner", "--file", bareDebian(t), "--directory", d.root)
	d.copy(t, "/etc/resolv.conf", "etc/resolv.conf")
	d.run(t, "apt-get", "update")
	d.run(t, "useradd", "--create-home", "--shell", "/bin/sh", d.user)
	return d
}

// bareDebian returns an archive with a Debian's file system. It takes a minute to make, so it is kept with what else the lab has made.
func bareDebian(t *testing.T) string {
	t.Helper()
	sources, err := exec.Command(filepath.Join(env.root, "bin", "lab"), "sources").Output()
	if err != nil {
		t.Fatalf("the apt sources: %v", err)
	}
	args := []string{"--quiet", "--variant=minbase", "--include=apparmor", `--aptopt=Acquire::Check-Valid-Until "false"`,
		`--aptopt=Acquire::Languages "none"`, "bookworm"}
	archive := filepath.Join(os.Getenv("LAB_DIR"), fmt.Sprintf("debian-%x.tar", sha256.Sum256(fmt.Appendf(sources, "%q", args))))
	if _, err := os.Stat(archive); err == nil {
		return archive
	}
	part := filepath.Join(t.TempDir(), "debian.tar")
	cmd := exec.Command("mmdebstrap", append(args, part, "-")...)
	cmd.Stdin = bytes.NewReader(sources)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	root(t, "mv", part, archive+".part")
	if err := os.Rename(archive+".part", archive); err != nil {
		t.Fatal(err)
	}
	return archive
}

// copy copies a file to where everybody can read it.
func (d debian) copy(t *testing.T, from, to string) {
	t.Helper()
	account{home: d.root}.copy(t, from, to, 0o644)
}

// run runs a command as root and returns what it prints.
func (d debian) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("unshare", append([]string{"--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
		"sh", filepath.Join("testdata", "enter.sh"), d.root}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// asUser runs commands of a shell as the ordinary user, in the home directory.
func (d debian) asUser(t *testing.T, commands string) string {
	t.Helper()
	return d.run(t, "su", "-", d.user, "-c", "set -eu; "+commands)
}

// named returns the files with the name of the program in theirs.
func (d debian) named(t *testing.T) []string {
	t.Helper()
	out := d.run(t, "find", "/", "-xdev", "(", "-path", "/home", "-o", "-path", "/srv", ")", "-prune", "-o", "-name", "*pulpimg*", "-print")
	return strings.Fields(out)
}

// On a bare Debian, an ordinary user builds a first image after nothing but the installation of the package.
func TestInstall_deb(t *testing.T) {
	env.lanes.own.enter(t)
	file := packageFile(t, "deb")
	d := newDebian(t)
	d.copy(t, file, "srv/pulpimg.deb")
	d.copy(t, policyFor(t, "docker.io/library/debian:12"), "srv/policy.json")

	start := time.Now()
	d.run(t, "apt-get", "install", "--yes", "/srv/pulpimg.deb")
	installed := time.Since(start)
	out := d.asUser(t, "mkdir hello; cd hello; pulpimg init; pulpimg build --source-policy /srv/policy.json")
	t.Logf("the first image is there after %s, %s of which were the installation", time.Since(start), installed)
	for _, image := range []string{"\nhello-base ", "\nhello "} {
		if !strings.Contains(out, image) {
			t.Errorf("the build lists no %q:\n%s", image, out)
		}
	}
	if out := d.asUser(t, "pulpimg engine status"); !strings.Contains(out, "\nmode       rootless: ") {
		t.Errorf("the engine is not rootless:\n%s", out)
	}

	t.Run("files", func(t *testing.T) { d.checkFiles(t) })
	t.Run("apparmor", func(t *testing.T) { d.checkProfile(t) })
	t.Run("removal", func(t *testing.T) {
		d.run(t, "apt-get", "remove", "--yes", "pulpimg")
		if left := d.named(t); len(left) > 0 {
			t.Errorf("files are left: %q", left)
		}
		if status := d.run(t, "sh", "-c", "dpkg-query --show --showformat='${Status}' pulpimg 2>&1 || true"); strings.Contains(status, "installed") {
			t.Errorf("dpkg still knows it: %s", status)
		}
	})
}

// checkFiles checks what the package has installed.
func (d debian) checkFiles(t *testing.T) {
	t.Helper()
	if changed := d.run(t, "dpkg", "--verify", "pulpimg"); changed != "" {
		t.Errorf("dpkg finds that files changed:\n%s", changed)
	}
	var got []string
	for line := range strings.Lines(d.run(t, "sh", "-c", "dpkg -L pulpimg | xargs -d '\\n' stat -c '%F %U:%G %a %n'")) {
		if fields := strings.Fields(line); fields[0] != "directory" {
			got = append(got, strings.TrimSpace(line))
		}
	}
	const regular = "regular file root:root "
	for _, want := range []string{
		regular + "755 /usr/bin/pulpimg",
		regular + "644 /usr/share/man/man1/pulpimg.1.gz",
		regular + "644 /usr/share/man/man1/pulpimg-engine-status.1.gz",
		regular + "644 /usr/share/bash-completion/completions/pulpimg",
		regular + "644 /usr/share/zsh/vendor-completions/_pulpimg",
		regular + "644 /usr/share/fish/vendor_completions.d/pulpimg.fish",
		regular + "644 /usr/share/doc/pulpimg/copyright",
		regular + "644 /usr/share/doc/pulpimg/THIRD-PARTY.gz",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("there is no %q among:\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, line := range got {
		if !strings.HasPrefix(line, regular+"644 /usr/share/") && line != regular+"755 /usr/bin/pulpimg" {
			t.Errorf("unexpected owner, mode or place: %s", line)
		}
	}
	d.run(t, "bash", "-n", "/usr/share/bash-completion/completions/pulpimg")
	if page := d.run(t, "zcat", "/usr/share/man/man1/pulpimg-build.1.gz"); !strings.Contains(page, `\fB--source-policy\fP`) {
		t.Errorf("the manual page of build has no --source-policy:\n%s", page)
	}
	licences := d.run(t, "zcat", "/usr/share/doc/pulpimg/THIRD-PARTY.gz")
	for _, module := range []string{"github.com/moby/buildkit ", "github.com/opencontainers/runc ", "github.com/spf13/cobra ", "libseccomp ", "glibc "} {
		if strings.Count(licences, "\n"+module) < 2 { // in the list, and above a text
			t.Errorf("no licence of %s", module)
		}
	}
}

// checkProfile checks that the profile is there only where AppArmor can read it: this one would make an older AppArmor fail.
func (d debian) checkProfile(t *testing.T) {
	t.Helper()
	const profile = "/etc/apparmor.d/pulpimg"
	if found := d.named(t); slices.Contains(found, profile) {
		t.Errorf("%s is there, and AppArmor 3 cannot read it", profile)
	}
	// AppArmor 4 takes it.
	d.run(t, "sh", "-c", "printf '#!/bin/sh\\n' >/usr/sbin/apparmor_parser; dpkg --install /srv/pulpimg.deb")
	if found := d.named(t); !slices.Contains(found, profile) {
		t.Errorf("there is no %s among %q", profile, found)
	}
}

// rpm takes the package, and leaves nothing of it.
func TestInstall_rpm(t *testing.T) {
	env.lanes.own.enter(t)
	file := packageFile(t, "rpm")
	const script = `
rpm --checksig --nosignature /pulpimg.rpm
rpm --install /pulpimg.rpm
rpm --verify pulpimg
pulpimg --version
rpm --query --licensefiles pulpimg
rpm --query --docfiles pulpimg | grep /pulpimg-build.1.gz
rpm --erase pulpimg
find / -xdev -path /pulpimg.rpm -o -name '*pulpimg*' -print`
	base := env.lab.Registry + "/fedora:20"
	podman{}.pull(t, base)
	got := podman{}.run(t, "run", "--rm", "--network", "none", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024", "-v", file+":/pulpimg.rpm:ro", base, "sh", "-euc", script)
	version, err := exec.Command(filepath.Join(env.bin, "pulpimg"), "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "/pulpimg.rpm: digests OK\n" + string(version) +
		"/usr/share/licenses/pulpimg/LICENSE\n/usr/share/licenses/pulpimg/THIRD-PARTY\n/usr/share/man/man1/pulpimg-build.1.gz"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
