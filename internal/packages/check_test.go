package packages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// What the package managers say of a group.
const (
	yumGroup = `Loaded plugins: fastestmirror

Group: Web Server
 Group-Id: web
 Description: Mandatory Packages: none
 Mandatory Packages:
   =httpd
   +mod_ssl
    crypto-utils
 Default Packages:
   +webalizer
 Optional Packages:
   mod_perl
`
	dnfGroup = `Last metadata expiration check: 0:00:01 ago.
Group: Web Server
 Description: It serves.
 Mandatory Packages:
   httpd
   mod_ssl
   crypto-utils
 Optional Packages:
   mod_perl
`
	dnf5Group = `Id                   : web
Name                 : Web Server
Description          : It serves.
                     : For years.
Installed            : yes
Order                :
Langonly             :
Uservisible          : yes
Repositories         : @System
Mandatory packages   : httpd
                     : mod_ssl
                     : crypto-utils
Default packages     : webalizer
Optional packages    : mod_perl
`
	onlyDefaults   = "\nGroup: Fonts\n Group-Id: fonts\n Default Packages:\n   +dejavu\n   +liberation\n"
	dnf5Defaults   = "Id                   : fonts\nName                 : Fonts\nDefault packages     : dejavu\n                     : liberation\n"
	yumEnvironment = "\nEnvironment Group: web\n Environment-Id: web-environment\n Mandatory Groups:\n   +Fonts of old\n   +web\n Optional Groups:\n   +none\n"
	dnf5Servers    = "Id                   : servers\nName                 : Servers\nRequired groups      : Fonts of old\n                     : web\nOptional groups      : none\n"
)

// groups stands in for a yum or dnf that always ends with 0 and knows what is in the files NAME and environment/NAME.
const groups = `command=$3; case $2 in groupinfo|group|environment) ;; *) exit 0 ;; esac
test "$1" = -C || exit 3
case $2 in groupinfo) cat "$DIR/$3" ;; group) cat "$DIR/$4" ;; environment) cat "$DIR/environment/$4" ;; esac
exit 0`

const (
	web      = "httpd|1-1|x86_64|||\nmod_ssl|1-1|x86_64|||\ncrypto-utils|1-1|x86_64|||\n"
	rpmWords = " ended without an error, but did not install: "
)

func TestScript_rpm(t *testing.T) {
	names := func(names ...string) family.Packages { return family.Packages{Manager: family.Yum, Packages: names} }
	of := func(manager family.PackageManager, groups ...string) family.Packages {
		return family.Packages{Manager: manager, Groups: groups}
	}
	for _, test := range []struct {
		name  string
		step  family.Packages
		db    string
		files map[string]string
		want  string // what is missing
	}{
		{"there", names("a", "b"), "a|1-1|noarch|||\nb|1-1|noarch|||\n", nil, ""},
		{"one is missing", names("a", "b"), "a|1-1|noarch|||\n", nil, "b"},
		{"several are missing", names("b", "a", "c"), "a|1-1|noarch|||\n", nil, "b, c"},
		{"a name that another begins with", names("a"), "a-b|1-1|noarch|||\n", nil, "a"},
		{"a version", names("a-1", "a-1-1"), "a|1|noarch|||\na|1-1|noarch|||\n", nil, ""},
		{"another version", names("a-2"), "a|1|noarch|||\n", nil, "a-2"},
		{"an architecture", names("a.x86_64", "a.i686"), "a|1-1|x86_64|||\n", nil, "a.i686"},
		{"an epoch in front, an epoch within", names("1:a-1-1", "a-1:1-1"), "a|1-1|noarch|||\n", nil, ""},
		{"an epoch and another version", names("1:a-2-1"), "a|1-1|noarch|||\n", nil, "a-2-1"},
		{"a capability", names("webserver", "perl(A::1)"), "a|1-1|noarch||webserver perl(A::1)|\n", nil, ""},
		{"a capability of nothing", names("perl(A::2)"), "a|1-1|noarch||webserver perl(A::1)|\n", nil, "perl(A::2)"},
		{"a file", names("/usr/bin/a", "/usr/bin/b"), "a|1-1|noarch||/usr/bin/a|\n", nil, "/usr/bin/b"},
		{"a package that another takes the place of", names("old"), "new|1-1|noarch|||old\n", nil, ""},
		{"placeholders", names("a-*", "b?"), "a-x|1-1|noarch|||\nbc|1-1|noarch|||\n", nil, ""},
		{"placeholders in a version", names("a-1.*", "a-1.2-3.no*", "1:a-*-3", "a.x*"), "a|1.2-3|noarch|||\na|1.2-3|x86_64|||\n", nil, ""},
		{"placeholders in another version", names("a-2.*"), "a|1.2-3|noarch|||\n", nil, "a-2.*"},
		{"placeholders in a capability and in a file", names("perl(A::*)", "/usr/bin/?"), "a|1-1|noarch||perl(A::1) /usr/bin/a|\n", nil, ""},
		{"placeholders in another file", names("/usr/sbin/?"), "a|1-1|noarch||/usr/bin/a|\n", nil, "/usr/sbin/?"},
		{"placeholders for nothing", names("c*", "a"), "a|1-1|noarch|||\n", nil, "c*"},
		{"a URL and a file of a package", names("https://h/there.rpm", "/srv/there.rpm"), "there|1-1|noarch|||\n", nil, ""},
		{"a URL of a package that was left out", names("https://h/there.rpm"), "a|1-1|noarch|||\n", nil, "there-1-1.noarch"},
		{"a URL of nothing", names("https://h/no.rpm"), "a|1-1|noarch|||\n", nil, "https://h/no.rpm"},

		{"a group of yum", of(family.Yum, "web"), web, map[string]string{"web": yumGroup}, ""},
		{"a group of dnf 4", of(family.DNF, "web"), web, map[string]string{"web": dnfGroup}, ""},
		{"a group of dnf 5", of(family.DNF, "web"), web, map[string]string{"web": dnf5Group}, ""},
		{"a group of yum that lacks packages", of(family.Yum, "web"), "mod_ssl|1-1|noarch|||\n", map[string]string{"web": yumGroup}, "httpd of the group web, crypto-utils of the group web"},
		{"a group of dnf 4 that lacks a package", of(family.DNF, "Web Server"), web[:strings.LastIndex(web, "crypto")], map[string]string{"Web Server": dnfGroup}, "crypto-utils of the group Web Server"},
		{"a group of dnf 5 that lacks a package", of(family.DNF, "web"), web[:strings.LastIndex(web, "crypto")], map[string]string{"web": dnf5Group}, "crypto-utils of the group web"},
		{"no such group", of(family.Yum, "web", "wbe"), web, map[string]string{"web": yumGroup}, "the group wbe, which yum -C groupinfo does not know"},
		{"no such group of dnf", of(family.DNF, "wbe"), web, nil, "the group wbe, which dnf -C group info does not know"},
		{"a group among the packages", names("@web", "a"), "a|1-1|noarch|||\n" + web, map[string]string{"web": yumGroup}, ""},
		{"no such group among the packages", names("@wbe", "a"), "a|1-1|noarch|||\n", nil, "the group wbe, which yum -C groupinfo does not know"},
		{"a group where one package is enough", of(family.Yum, "fonts"), "dejavu|1-1|noarch|||\n", map[string]string{"fonts": onlyDefaults}, ""},
		{"the same without any", of(family.Yum, "fonts"), web, map[string]string{"fonts": onlyDefaults}, "any package of the group fonts"},
		{"the same of dnf 5", of(family.DNF, "fonts"), web, map[string]string{"fonts": dnf5Defaults}, "any package of the group fonts"},
		{"an environment and a group in it of the same name", of(family.Yum, "@^web"), "httpd|1-1|x86_64|||\ncrypto-utils|1-1|x86_64|||\n",
			map[string]string{"web": yumEnvironment + yumGroup, "Fonts of old": onlyDefaults}, "mod_ssl of the group web, mod_ssl of the group web"},
		{"an environment with a group that does not exist", of(family.Yum, "web"), web, map[string]string{"web": yumEnvironment + yumGroup}, "the group web, which yum -C groupinfo does not know"},
		{"an environment of dnf 5", of(family.DNF, "servers"), "httpd|1-1|x86_64|||\n", map[string]string{"environment/servers": dnf5Servers, "web": dnf5Group, "Fonts of old": dnf5Defaults},
			"mod_ssl of the group servers, crypto-utils of the group servers"},
	} {
		for shell, args := range shells() {
			t.Run(test.name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				s := newSystem(t, test.db, map[string]string{"yum": groups, "dnf": groups})
				for name, text := range test.files {
					s.file(t, "/"+name, text)
				}
				code, stderr := s.run(t, args, test.step)
				wantCode, want := 0, ""
				if test.want != "" {
					wantCode, want = 1, string(test.step.Manager)+rpmWords+test.want+"\n"
				}
				if diff := cmp.Diff(want, stderr); code != wantCode || diff != "" {
					t.Errorf("exit code %d, want %d (-want +got):\n%s", code, wantCode, diff)
				}
			})
		}
	}
}

const aptDB = "vim|2:9.0-1|amd64|install ok installed||\nlibc6|2.36|amd64|hold ok installed||\ngone|1|amd64|deinstall ok config-files||\n" +
	"exim4|4.96|amd64|install ok installed|mail-transport-agent, mail-x (= 4)|\nhalf|1|amd64|install ok half-configured|half-agent|\n"

func TestScript_apt(t *testing.T) {
	const words = "apt-get ended without an error, but did not install: "
	const index = "W: Failed to fetch http://h/dists/x/InRelease  503  Service Unavailable\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n"
	for _, test := range []struct {
		name     string
		packages []string
		update   string // what apt-get update does
		want     string
	}{
		{"there", []string{"vim", "libc6"}, "", ""},
		{"one is missing", []string{"vim", "emacs"}, "", words + "emacs\n"},
		{"removed, with its settings left", []string{"gone"}, "", words + "gone\n"},
		{"not configured", []string{"half", "half-agent"}, "", words + "half, half-agent\n"},
		{"provided", []string{"mail-transport-agent", "mail-x"}, "", ""},
		{"a part of what is provided", []string{"mail", "transport-agent"}, "", words + "mail, transport-agent\n"},
		{"a version", []string{"vim=2:9.0-1"}, "", ""},
		{"a version with placeholders", []string{"vim=2:9.*"}, "", ""},
		{"another version", []string{"vim=2:9.1*", "libc6=2.36"}, "", words + "vim=2:9.1*\n"},
		{"a version that a placeholder does not stand for", []string{"vim=*.1"}, "", words + "vim=*.1\n"},
		{"an architecture and a suite", []string{"vim:amd64", "libc6/stable"}, "", ""},
		{"placeholders", []string{"v*"}, "", ""},
		{"placeholders for nothing", []string{"g*"}, "", words + "g*\n"},
		{"an index that fails, and apt says so", []string{"vim"}, "echo 'E: Some index files failed to download' >&2; exit 100", "E: Some index files failed to download\napt-get update did not get every index\n"},
		{"an index that fails, and apt ends with 0", []string{"vim"}, "printf '" + strings.ReplaceAll(index, "\n", `\n`) + "' >&2", index + "apt-get update did not get every index\n"},
		{"another failure", []string{"vim"}, "exit 3", "apt-get update did not get every index\n"},
		{"another warning", []string{"vim"}, "echo 'W: Target Packages is configured multiple times' >&2", "W: Target Packages is configured multiple times\n"},
	} {
		for shell, args := range shells() {
			t.Run(test.name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				s := newSystem(t, aptDB, map[string]string{"apt-get": `case "$*" in *update) ` + test.update + ` ;; esac; exit 0`})
				code, stderr := s.run(t, args, family.Packages{Manager: family.Apt, Packages: test.packages})
				wantCode := 0
				if strings.Contains(test.want, "did not") {
					wantCode = 1
				}
				if diff := cmp.Diff(test.want, stderr); code != wantCode || diff != "" {
					t.Errorf("exit code %d, want %d (-want +got):\n%s", code, wantCode, diff)
				}
			})
		}
	}
}

// What earlier builds left is not there when a package manager starts, but for the packages that it compares with the repository.
func TestScript_removesOldIndexes(t *testing.T) {
	const list = `find "$DIR/var" -type f | sed "s:^$DIR::" | sort >> "$DIR/seen"; exit 0`
	old := []string{
		"/var/cache/yum/x86_64/7/base/repomd.xml", "/var/cache/yum/x86_64/7/base/mirrorlist.txt", "/var/cache/yum/x86_64/7/base/gen/primary.xml.sqlite",
		"/var/cache/yum/x86_64/7/base/packages/a-1-1.noarch.rpm", "/var/cache/dnf/base-0123456789abcdef/pubring/key", "/var/cache/dnf/base-0123456789abcdef/repodata/repomd.xml",
		"/var/lib/apt/lists/h_dists_x_InRelease", "/var/lib/apt/extended_states", "/var/log/dpkg.log", "/var/cache/apt/pkgcache.bin",
	}
	for _, test := range []struct {
		manager family.PackageManager
		lacks   []string
	}{
		{family.Yum, []string{old[0], old[1], old[2], old[4]}},
		{family.Apt, []string{old[6]}},
	} {
		t.Run(string(test.manager), func(t *testing.T) {
			s := newSystem(t, "a|1-1|noarch|install ok installed||\n", map[string]string{"yum": list, "apt-get": list})
			var want []string
			for _, name := range old {
				s.file(t, name, "old")
				if !strings.Contains(strings.Join(test.lacks, " "), name) {
					want = append(want, name)
				}
			}
			if code, stderr := s.run(t, []string{"dash", "-euc"}, family.Packages{Manager: test.manager, Packages: []string{"a"}}); code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			seen, err := os.ReadFile(filepath.Join(s.dir, "seen"))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, name := range strings.Fields(string(seen)) {
				got[name] = true
			}
			wanted := map[string]bool{}
			for _, name := range want {
				wanted[name] = true
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("files when the package manager starts (-want +got):\n%s", diff)
			}
		})
	}
}

// A spec never gets this far with such names; the quoting has to hold on its own.
func TestScript_quotesNames(t *testing.T) {
	names := []string{"x; touch pwned", "$(touch pwned)", "`touch pwned`", "it's", `a"b`, `c\d`, "~", "a b", "-", "=`touch pwned`*", "/x`touch pwned`.deb"}
	for _, manager := range []family.PackageManager{family.Yum, family.DNF, family.Apt, family.Apk} {
		t.Run(string(manager), func(t *testing.T) {
			const record = `case "$*" in *install*|"add "*) for a in "$@"; do echo "$a" >> args; done ;; esac`
			s := newSystem(t, "", map[string]string{"yum": record, "dnf": record, "apt-get": record, "apk": record})
			step := family.Packages{Manager: manager, Packages: names, Remove: names}
			if manager == family.Yum || manager == family.DNF {
				step.Groups, step.Modules, step.Exclude, step.EnableRepo = names, names, names, names
			}
			s.run(t, []string{"dash", "-euc"}, step) // nothing is installed, so it fails
			args, err := os.ReadFile(filepath.Join(s.dir, "args"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Join(names, "\n") + "\n"
			if got := string(args); !strings.HasSuffix(got, "install\n"+want) && !strings.HasSuffix(got, "add\n"+want) {
				t.Errorf("the package manager was given\n%s\nwant\n%s", got, want)
			}
			if _, err := os.Stat(filepath.Join(s.dir, "pwned")); err == nil {
				t.Error("a name was run as a command")
			}
		})
	}
}
