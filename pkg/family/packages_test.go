package family_test

import (
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestPackageNames(t *testing.T) {
	for tool, names := range map[string][]string{
		"yum": {
			"vim", "vim-8.0.1-1.el7", "glibc.i686", "1:vim-8", "vim-1:8-1", "gtk+", "libstdc++-devel", "python3-*", "x?", "perl(Foo::Bar)", "libc.so.6()(64bit)",
			"font(:lang=en)", "/usr/bin/vim", "/opt/x-1%2B1.rpm", "x.rpm", "https://dl.example.com/pub/epel-release-latest-7.noarch.rpm?x=1", "@web-server", "@^web-server-environment",
		},
		"apt": {
			"vim", "g++", "libstdc++6", "libc6:i386", "vim=2:9.0.1378-2+deb12u2", "vim=2:9.*", "vim=1~rc1", "vim/stable", "vim/bookworm-backports", "lib*dev", "x?", "/srv/x_1.0%2b1_all.deb",
		},
		"apk": {
			"curl", "g++", "py3-pip@edge", "python3=3.12.1-r0", "python3~3.12", "python3=~3.12", "python3~=3.12", "nodejs>=22", "nodejs<23.1_rc2", "x>~1", "x@v3.20=1.2_git20240101~abc123-r4",
			"so:libcrypto.so.3", "cmd:bash", "pc:zlib>=1.3", "py3.12:requests", "a.ap", "a.b.c", "font-noto",
		},
	} {
		for _, name := range names {
			t.Run(tool+" "+name, func(t *testing.T) {
				if _, err := resolve(t, step(tool+`: {packages: ["`+name+`"]}`), family.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The digests of what images are built from are those of before there were more keys, where a step has none of them.
func TestInputs_ofPackages(t *testing.T) {
	digest := func(packages string) string {
		f, err := resolve(t, step(packages), family.Options{})
		if err != nil {
			t.Fatal(err)
		}
		digests, err := f.Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return digests["a"]
	}
	seen := map[string]string{}
	for _, packages := range []string{
		`dnf: {packages: [a]}`, `dnf: {packages: [a], update: true}`, `dnf: {packages: [a], module: ["b:1"]}`, `dnf: {packages: [a], remove: [b]}`, `dnf: {packages: [a], exclude: [b]}`,
		`dnf: {packages: [a], enablerepo: [b]}`, `dnf: {packages: [a], docs: false}`, `dnf: {packages: [a], docs: true}`, `dnf: {packages: [a], recommends: false}`,
		`dnf: {packages: [a], recommends: true}`, `apt: {packages: [a]}`, `apk: {packages: [a]}`, `apt: {packages: [a], recommends: true}`,
	} {
		sum := digest(packages)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s and %s have the same inputs", packages, other)
		}
		seen[sum] = packages
	}
	if digest(`apt: {packages: [a], recommends: false}`) != digest(`apt: {packages: [a]}`) {
		t.Error("apt installs no recommended packages, and has other inputs when the step says so")
	}
}
