package packages

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// rpmBased is yum and dnf. The packages that were downloaded are kept for the next build; what the repositories offer is asked anew,
// because a step that runs shall see today's packages. yum has no group install and install in one call.
func rpmBased(step family.Packages, groupInstall, groupInfo string) Command {
	manager := string(step.Manager)
	tool := manager + " --assumeyes --setopt=keepcache=1 --setopt=metadata_expire=0"
	var install []string
	if len(step.Groups) > 0 {
		install = append(install, tool+" "+groupInstall+" "+shell.Words(step.Groups))
	}
	if len(step.Packages) > 0 {
		install = append(install, tool+" install "+shell.Words(step.Packages))
	}
	commands := append([]string{forgetRepositories()}, install...)
	commands = append(commands, rpmChecks(step, manager+" -C "+groupInfo, manager+" -C environment info")...)
	commands = append(commands, remove(
		"/var/log/dnf*.log*", "/var/log/hawkey.log*", "/var/log/yum.log*",
		"/var/lib/dnf/history.sqlite*", "/usr/lib/sysimage/libdnf5/transaction_history.sqlite*",
		"/var/lib/yum/history", "/var/lib/yum/rpmdb-indexes", "/var/lib/yum/uuid",
		// The write-ahead log and shared memory of rpm's database are empty once rpm has ended.
		"/var/lib/rpm/rpmdb.sqlite-shm", "/var/lib/rpm/rpmdb.sqlite-wal", "/var/lib/rpm/__db.*", "/var/lib/rpm/.rpm.lock",
		"/var/cache/ldconfig/aux-cache",
	))
	return Command{
		Install:  strings.Join(install, "\n"),
		Commands: commands,
		// A system's yum may be yum or dnf.
		CacheDirs: []string{"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
	}
}

// forgetRepositories leaves only packages in the cache, which yum and dnf compare with the digest in the repository before they use
// them. yum 3 keeps what it knows of a repository by the repository's id alone, so that of another family can be there, and it goes on
// with that when the repository does not answer. dnf keeps it by URL and fails then, but it also keeps the keys that it trusted there.
func forgetRepositories() string {
	return lines(
		`for entry in /var/cache/yum/*/*/*/* /var/cache/dnf/*/pubring /var/cache/libdnf5/*/pubring; do`,
		`case $entry in */packages) ;; *) rm -rf "$entry" ;; esac; done`)
}

// rpmChecks are the commands that fail when something is not installed.
func rpmChecks(step family.Packages, groupInfo, environmentInfo string) []string {
	groups := make([]string, len(step.Groups))
	for i, group := range step.Groups {
		groups[i] = groupSpec(group)
	}
	var names, globs []string
	for _, p := range step.Packages {
		switch {
		case isPackageFile(p):
			names = append(names, nameOfFile(p))
		case strings.HasPrefix(p, "@"):
			groups = append(groups, groupSpec(p))
		case strings.ContainsAny(p, "*?"):
			globs = append(globs, shell.Quote(withoutEpoch(p)))
		default:
			names = append(names, shell.Quote(withoutEpoch(p)))
		}
	}
	commands := []string{beginCheck}
	if len(names)+len(groups) > 0 {
		commands = append(commands, rpmInstalled)
	}
	if len(names) > 0 {
		commands = append(commands, `for name in `+strings.Join(names, " ")+"; do\n"+`installed "$name" || missing="$missing, $name"; done`)
	}
	if len(globs) > 0 {
		commands = append(commands, rpmMatches, `for name in `+strings.Join(globs, " ")+"; do\n"+`test -n "$(matches "$name")" || missing="$missing, $name"; done`)
	}
	if len(groups) > 0 {
		commands = append(commands, groupMembers(groupInfo, environmentInfo), groupCheck(groups, groupInfo))
	}
	return append(commands, fmt.Sprintf(endCheck, step.Manager))
}

// rpmInstalled reports whether there is a package of that name, version and architecture; or one that provides that, has that file, or
// takes the place of a package of that name. yum and dnf take all of these for an answer.
const rpmInstalled = `installed() {
rpm -q "$1" || rpm -q --whatprovides "$1" ||
test -n "$(rpm -qa --qf '[%{OBSOLETENAME}\n]' | grep -Fx -e "$1")"; } >/dev/null 2>&1`

// rpmMatches prints what a pattern means of what is installed. To yum and dnf it can be one of a name, of a name with its version, release
// or architecture, of what a package provides, or of a file; to rpm itself, only one of a name.
const rpmMatches = `matches() {
case $1 in /*) forms='[%{FILENAMES}\n]' ;;
*) forms='%{NAME}\n%{NAME}.%{ARCH}\n%{NAME}-%{VERSION}\n%{NAME}-%{VERSION}-%{RELEASE}\n%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n[%{PROVIDENAME}\n]' ;; esac;
rpm -qa --qf "$forms" | while read -r form; do case $form in $1) printf '%s\n' "$form"; break ;; esac; done; }`

// isPackageFile reports whether a package is given by its file, which yum and dnf recognise by its name or by a scheme.
func isPackageFile(name string) bool {
	return strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm")
}

// nameOfFile is a word of a shell: what the package in a file is called, or else the file.
func nameOfFile(file string) string {
	file = shell.Quote(file)
	return `"$(rpm -qp --nosignature --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}' ` + file + ` 2>/dev/null || echo ` + file + `)"`
}

var epoch = regexp.MustCompile(`^(|.*-)[0-9]+:`)

// withoutEpoch leaves out the epoch of a version, which rpm before version 4.13 does not understand.
func withoutEpoch(name string) string {
	if strings.Contains(name, "(") {
		return name
	}
	return epoch.ReplaceAllString(name, "$1")
}

// groupSpec is a group's id or name as a word of a shell, without the marks that make a group of it where packages are expected.
func groupSpec(group string) string {
	return shell.Quote(strings.TrimPrefix(strings.TrimPrefix(group, "@"), "^"))
}

// groupMembers is a shell function that prints the packages of a group: those that have to be there, and after a plus sign those
// that are installed if possible. It fails for a group that is not known. Groups in it have no groups in turn: only the outermost can be
// an environment, and its name can be that of a group in it.
//
// It knows the output of yum 3 and dnf 4, where the items of a section are indented by three blanks, and yum puts a sign in front of
// some; and that of dnf 5, a table in which the first item is beside the title. dnf 5 has a command of its own for the groups of groups
// that are called environments.
func groupMembers(groupInfo, environmentInfo string) string {
	const known = `case $info in *Group:*|*"Id  "*) ;; *) `
	return lines(
		`section() { printf '%s\n' "$info" |`,
		`sed -n -e "/^ $1:\$/,/^ \{0,1\}[^ ]/s/^   *[-+=]\{0,1\} *\([^ ]\)/$3\1/p" -e "/^$2 *:/,/^[^ ]/s/^  *: *\([^ ]\)/$3\1/p" -e "s/^$2 *: *\([^ ]\)/$3\1/p"; };`,
		`members() (`,
		`info=$(LC_ALL=C `+groupInfo+` "$1" 2>/dev/null || :);`,
		known+`info=$(LC_ALL=C `+environmentInfo+` "$1" 2>/dev/null || :) ;; esac;`,
		known+`exit 1 ;; esac;`,
		`section 'Mandatory Packages' 'Mandatory packages' '';`,
		`section 'Default Packages' 'Default packages' '+';`,
		`test $# = 2 || section 'Mandatory Groups' 'Required groups' '' |`,
		`while read -r group; do members "$group" nested || exit 1; done )`)
}

// groupCheck looks at each package of each group. One that has no packages that have to be there needs one of the others.
func groupCheck(groups []string, groupInfo string) string {
	return lines(
		`for group in `+strings.Join(groups, " ")+`; do`,
		`if names=$(members "$group"); then any='';`,
		`for name in $names; do case $name in`,
		`+*) if installed "${name#+}"; then any=1; fi ;;`,
		`*) any=1; installed "$name" || missing="$missing, $name of the group $group" ;; esac; done;`,
		`test -n "$any" || missing="$missing, any package of the group $group";`,
		`else missing="$missing, the group $group, which `+groupInfo+` does not know"; fi; done`)
}
