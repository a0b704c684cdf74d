package packages_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestFor_Install(t *testing.T) {
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
			"apt-get update\napt-get --yes --no-install-recommends install libc6 g++"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command, err := packages.For(test.step)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, command.Install); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
		})
	}
}

// In a cache are no notes of what is installed, which belong into the image, and no indexes.
func TestFor_aptHasNoCache(t *testing.T) {
	command, err := packages.For(family.Packages{Manager: family.Apt, Packages: []string{"a"}})
	if err != nil || len(command.CacheDirs) > 0 {
		t.Errorf("apt keeps %v (%v), want nothing", command.CacheDirs, err)
	}
}

func TestFor_unknownManager(t *testing.T) {
	if _, err := packages.For(family.Packages{Manager: "zypper"}); err == nil || !strings.Contains(err.Error(), `"zypper"`) {
		t.Errorf("got error %v, want one that names zypper", err)
	}
}
