package installer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/installer"
)

func TestInstallIsWhatAPersonWouldType(t *testing.T) {
	const yum = " --assumeyes --setopt=keepcache=1 --setopt=metadata_expire=0 "
	for _, test := range []struct {
		name string
		step family.Packages
		want string
	}{
		{"yum has a word for groups", family.Packages{Manager: family.Yum, Groups: []string{"pulp-server"}}, "yum" + yum + "groupinstall pulp-server"},
		{"dnf has two", family.Packages{Manager: family.DNF, Groups: []string{"Development Tools"}}, "dnf" + yum + "group install 'Development Tools'"},
		{"groups and packages take two calls", family.Packages{Manager: family.Yum, Groups: []string{"g"}, Packages: []string{"a", "b"}},
			"yum" + yum + "groupinstall g\nyum" + yum + "install a b"},
		{"apt asks what there is first", family.Packages{Manager: family.Apt, Packages: []string{"libc6", "g++"}},
			"apt-get update\napt-get --yes --no-install-recommends -o APT::Keep-Downloaded-Packages=true install libc6 g++"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command, err := installer.For(test.step)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, command.Install); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForRefusesAPackageManagerThatItDoesNotKnow(t *testing.T) {
	if _, err := installer.For(family.Packages{Manager: "zypper"}); err == nil || !strings.Contains(err.Error(), `"zypper"`) {
		t.Errorf("got error %v, want one that names zypper", err)
	}
}

// A spec never gets this far with such names; the quoting has to hold on its own.
func TestNamesReachThePackageManagerAsTheyAre(t *testing.T) {
	names := []string{"x; touch pwned", "$(touch pwned)", "`touch pwned`", "it's", `a"b`, `c\d`, "*", "~", "a b", "-"}
	dir := t.TempDir()
	script := "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> args; done\n"
	if err := os.WriteFile(filepath.Join(dir, "yum"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	command, err := installer.For(family.Packages{Manager: family.Yum, Packages: names})
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "/bin/sh", "-euc", command.Install)
	sh.Dir = dir
	sh.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(args), "install\n")
	if diff := cmp.Diff(strings.Join(names, "\n")+"\n", got); diff != "" {
		t.Errorf("what yum was given (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("a name was run as a command")
	}
}
