package packages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestFor_options(t *testing.T) {
	yes, no := new(bool), new(bool)
	*yes = true
	const tool = " --assumeyes --setopt=keepcache=1 --setopt=metadata_expire=0"
	names := []string{"a"}
	for _, test := range []struct {
		name string
		step family.Packages
		want []string
	}{
		{"yum in order", family.Packages{Manager: family.Yum, Update: true, Modules: []string{"m:1"}, Groups: []string{"g"}, Packages: names, Remove: []string{"r"}}, []string{
			"yum" + tool + " module enable m:1", "yum" + tool + " update", "yum" + tool + " groupinstall g", "yum" + tool + " install a",
			"yum" + tool + " --setopt=clean_requirements_on_remove=1 remove r",
		}},
		{"dnf in order", family.Packages{Manager: family.DNF, Update: true, Modules: []string{"m:1", "n:2"}, Groups: []string{"g"}, Packages: names, Remove: []string{"r"}}, []string{
			"dnf" + tool + " module enable m:1 n:2", "dnf" + tool + " upgrade", "dnf" + tool + " group install g", "dnf" + tool + " install a",
			"dnf" + tool + " --setopt=clean_requirements_on_remove=1 remove r",
		}},
		{"dnf without", family.Packages{Manager: family.DNF, Packages: names, Exclude: []string{"k*", "l"}, EnableRepo: []string{"x", "y"}, Docs: no, Recommends: no}, []string{
			"dnf" + tool + " --enablerepo=x --enablerepo=y --exclude='k*' --exclude=l --setopt=tsflags=nodocs --setopt=install_weak_deps=0 install a",
		}},
		{"yum with", family.Packages{Manager: family.Yum, Update: true, Docs: yes, Recommends: yes}, []string{"yum" + tool + " --setopt=tsflags= --setopt=install_weak_deps=1 update"}},
		{"apt in order", family.Packages{Manager: family.Apt, Update: true, Packages: names, Remove: []string{"r"}}, []string{
			"apt-get update", "apt-get --yes --no-install-recommends --with-new-pkgs upgrade", "apt-get --yes --no-install-recommends install a", "apt-get --yes --auto-remove purge r",
		}},
		{"apt needs no index to remove", family.Packages{Manager: family.Apt, Remove: []string{"r"}}, []string{"apt-get --yes --auto-remove purge r"}},
		{"apt without", family.Packages{Manager: family.Apt, Packages: names, Docs: no}, []string{
			"apt-get update", "apt-get --yes --no-install-recommends -o 'Dpkg::Options::=--path-exclude=/usr/share/doc/*' -o 'Dpkg::Options::=--path-exclude=/usr/share/man/*'" +
				" -o 'Dpkg::Options::=--path-exclude=/usr/share/info/*' -o 'Dpkg::Options::=--path-include=/usr/share/doc/*/copyright' install a",
		}},
		{"apt with", family.Packages{Manager: family.Apt, Packages: names, Docs: yes, Recommends: yes}, []string{
			"apt-get update", "apt-get --yes --install-recommends -o 'Dpkg::Options::=--path-include=/usr/share/doc/*' -o 'Dpkg::Options::=--path-include=/usr/share/man/*'" +
				" -o 'Dpkg::Options::=--path-include=/usr/share/info/*' install a",
		}},
		{"apk in order", family.Packages{Manager: family.Apk, Update: true, Packages: []string{"a@edge>=1"}, Remove: []string{"r"}}, []string{
			"apk update", "apk upgrade", "apk add 'a@edge>=1'", "apk del r",
		}},
		{"apk needs an index to remove", family.Packages{Manager: family.Apk, Remove: []string{"r"}}, []string{"apk update", "apk del r"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			command, err := packages.For(test.step)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.Split(command.Install, "\n")); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			for _, call := range test.want {
				if _, ran := strings.CutPrefix(call, "apt-get update"); !ran && !strings.Contains(command.Script(), call) {
					t.Errorf("the script lacks %q:\n%s", call, command.Script())
				}
			}
		})
	}
}

// Members of a group that the step leaves out are not missing; and a group of a repository that is not enabled is known.
func TestScript_excludedMembers(t *testing.T) {
	const withOptions = `while case $1 in --*) true ;; *) false ;; esac; do echo "$1" >> "$DIR/options"; shift; done; ` + groups
	for _, test := range []struct {
		name    string
		exclude []string
		want    string
	}{
		{"a name", []string{"crypto-utils"}, "mod_ssl of the group web"},
		{"a pattern", []string{"crypto*", "mod_?sl"}, ""},
		{"another name", []string{"crypto"}, "mod_ssl of the group web, crypto-utils of the group web"},
	} {
		for shell, args := range shells() {
			t.Run(test.name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				s := newSystem(t, "httpd|1-1|x86_64|||\n", map[string]string{"dnf": withOptions})
				s.file(t, "/web", dnfGroup)
				step := family.Packages{Manager: family.DNF, Groups: []string{"web"}, Exclude: test.exclude, EnableRepo: []string{"extra"}}
				_, stderr := s.run(t, args, step)
				want := ""
				if test.want != "" {
					want = "dnf" + rpmWords + test.want + "\n"
				}
				if diff := cmp.Diff(want, stderr); diff != "" {
					t.Errorf("standard error (-want +got):\n%s", diff)
				}
				options, err := os.ReadFile(filepath.Join(s.dir, "options"))
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Count(string(options), "--enablerepo=extra\n"); got != 2 {
					t.Errorf("%d calls use the repository, want 2: to install, and to ask for the group", got)
				}
			})
		}
	}
}
