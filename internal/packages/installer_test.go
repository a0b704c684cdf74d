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

// Each call that reaches repositories trusts the file, and no other one; the history of an image does not name it.
func TestTrusting(t *testing.T) {
	const file = "/run/pulpimg/trusted.pem"
	for _, test := range []struct {
		manager family.PackageManager
		groups  []string
		option  string // what each call of the tool in calls has
		calls   []string
	}{
		{family.Apt, nil, " -o Acquire::https::CAInfo=" + file + " ", []string{"apt-get -o Acquire::https::CAInfo=" + file + " -o APT::Update::Error-Mode=any update ", "apt-get -o Acquire::https::CAInfo=" + file + " --yes --no-install-recommends --with-new-pkgs upgrade",
			"apt-get -o Acquire::https::CAInfo=" + file + " --yes --no-install-recommends install a b"}},
		{family.Yum, []string{"g"}, " --setopt=sslcacert=" + file + " ", []string{"--setopt=sslcacert=" + file + " update", "--setopt=sslcacert=" + file + " groupinstall g", "--setopt=sslcacert=" + file + " install a b"}},
		{family.DNF, []string{"g"}, " --setopt=sslcacert=" + file + " ", []string{"--setopt=sslcacert=" + file + " upgrade", "--setopt=sslcacert=" + file + " group install g", "--setopt=sslcacert=" + file + " install a b"}},
		{family.Apk, nil, "SSL_CERT_FILE=" + file + " ", []string{"SSL_CERT_FILE=" + file + " apk update ", "SSL_CERT_FILE=" + file + " apk upgrade", "SSL_CERT_FILE=" + file + " apk add a b"}},
	} {
		t.Run(string(test.manager), func(t *testing.T) {
			step := family.Packages{Manager: test.manager, Update: true, Groups: test.groups, Packages: []string{"a", "b"}}
			plain, err := packages.For(step)
			if err != nil {
				t.Fatal(err)
			}
			trusting, err := packages.Trusting(step, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range test.calls {
				if strings.Count(trusting.Script(), call) != 1 {
					t.Errorf("the script does not have once %q:\n%s", call, trusting.Script())
				}
			}
			// Without the option it is the same.
			without := ""
			if strings.HasPrefix(test.option, " ") {
				without = " "
			}
			trusting.Commands = strings.Split(strings.ReplaceAll(trusting.Script(), test.option, without), "\n")
			plain.Commands = strings.Split(plain.Script(), "\n")
			if diff := cmp.Diff(plain, trusting); diff != "" {
				t.Errorf("the commands without and with the file (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := packages.Trusting(family.Packages{Manager: "zypper"}, file); err == nil {
		t.Error("there is a command for zypper")
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
