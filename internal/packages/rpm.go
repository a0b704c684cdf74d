package packages

import (
	"regexp"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// rpmWords are the commands that yum and dnf have other words for.
type rpmWords struct{ update, groupInstall, groupInfo string }

// rpmBased returns the command for yum and dnf. Downloaded packages are cached for the next build. The metadata of repositories is not,
// because a step that runs again is to see today's packages. yum cannot install groups and packages in one call.
func rpmBased(step family.Packages, trusted string, words rpmWords) Command {
	manager := string(step.Manager)
	calls := func(trust string) (install []string, remove string) {
		tool := manager + " --assumeyes --setopt=keepcache=1 --setopt=metadata_expire=0" + trust + enabled(step) + rpmOptions(step)
		upgrade := ""
		if step.Update {
			upgrade = tool + " " + words.update
		}
		return notEmpty(forAll(tool+" module enable", step.Modules), upgrade, forAll(tool+" "+words.groupInstall, step.Groups), forAll(tool+" install", step.Packages)),
			// yum 3 leaves dependencies behind unless it is told. dnf 4 does as well where it has no history that says what they are.
			forAll(tool+" --setopt=clean_requirements_on_remove=1 remove", step.Remove)
	}
	trust := ""
	if trusted != "" {
		trust = " --setopt=sslcacert=" + trusted
	}
	install, purge := calls(trust)
	commands := append([]string{forgetRepositories()}, install...)
	commands = append(commands, removal(manager, rpmHas, purge, step.Remove)...)
	commands = append(commands, rpmChecks(step, manager+enabled(step)+" -C "+words.groupInfo, manager+enabled(step)+" -C environment info")...)
	commands = append(commands, remove(
		"/var/log/dnf*.log*", "/var/log/hawkey.log*", "/var/log/yum.log*",
		"/var/lib/dnf/history.sqlite*", "/usr/lib/sysimage/libdnf5/transaction_history.sqlite*",
		"/var/lib/yum/history", "/var/lib/yum/rpmdb-indexes", "/var/lib/yum/uuid",
		// The write-ahead log and shared memory of rpm's database are empty once rpm has ended.
		"/var/lib/rpm/rpmdb.sqlite-shm", "/var/lib/rpm/rpmdb.sqlite-wal", "/var/lib/rpm/__db.*", "/var/lib/rpm/.rpm.lock",
		"/var/cache/ldconfig/aux-cache",
	))
	install, purge = calls("")
	return Command{
		Install:  strings.Join(notEmpty(append(install, purge)...), "\n"),
		Commands: commands,
		// A system's yum may be yum or dnf.
		CacheDirs: []string{"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
	}
}

// enabled returns the options that let a call use repositories that are not enabled.
func enabled(step family.Packages) string {
	options := ""
	for _, id := range step.EnableRepo {
		options += " --enablerepo=" + shell.Quote(id)
	}
	return options
}

// rpmOptions returns the options that say what is installed of packages, and with them. yum 3 knows nothing of recommended packages, of which
// it warns.
func rpmOptions(step family.Packages) string {
	options := ""
	for _, name := range step.Exclude {
		options += " --exclude=" + shell.Quote(name)
	}
	switch {
	case step.Docs == nil:
	case *step.Docs:
		options += " --setopt=tsflags="
	default:
		options += " --setopt=tsflags=nodocs"
	}
	switch {
	case step.Recommends == nil:
	case *step.Recommends:
		options += " --setopt=install_weak_deps=1"
	default:
		options += " --setopt=install_weak_deps=0"
	}
	return options
}

// rpmHas is a shell function that reports whether a package is installed, and not one that provides it.
const rpmHas = `has() { rpm -q "$1" >/dev/null 2>&1; }`

// forgetRepositories removes everything but packages from the cache. Before yum and dnf use a cached package, they compare it with the digest
// in the repository's metadata. Cached metadata is not safe. yum 3 stores it under the id of the repository alone, so it may come from
// another repository that another family gave the same id, and yum uses it when the repository does not answer. dnf stores it under the
// URL, and fails when the repository does not answer; but its cache also has the keys that it trusted.
func forgetRepositories() string {
	return lines(
		`for entry in /var/cache/yum/*/*/*/* /var/cache/dnf/*/pubring /var/cache/libdnf5/*/pubring; do`,
		`case $entry in */packages) ;; *) rm -rf "$entry" ;; esac; done`)
}

// rpmChecks returns commands that fail when a package or group is not installed.
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
	if len(names)+len(groups)+len(globs) == 0 {
		return nil
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
		commands = append(commands, groupMembers(groupInfo, environmentInfo))
		skip := ""
		if len(step.Exclude) > 0 {
			commands, skip = append(commands, excluded(step.Exclude)), `excluded "$name" || `
		}
		commands = append(commands, groupCheck(groups, groupInfo, skip))
	}
	return append(commands, endCheck(string(step.Manager), step))
}

// rpmInstalled is a shell function that reports whether a package of a name, version and architecture is installed; or one that provides it,
// has a file of that name, or obsoletes a package of that name. yum and dnf accept all of these.
const rpmInstalled = `installed() {
rpm -q "$1" || rpm -q --whatprovides "$1" ||
test -n "$(rpm -qa --qf '[%{OBSOLETENAME}\n]' | grep -Fx -e "$1")"; } >/dev/null 2>&1`

// rpmMatches is a shell function that prints what a pattern matches in the installed packages. For yum and dnf, a pattern can match a name, a
// name with its version, release or architecture, a capability that a package provides, or a file; for rpm itself, only a name.
const rpmMatches = `matches() {
case $1 in /*) forms='[%{FILENAMES}\n]' ;;
*) forms='%{NAME}\n%{NAME}.%{ARCH}\n%{NAME}-%{VERSION}\n%{NAME}-%{VERSION}-%{RELEASE}\n%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n[%{PROVIDENAME}\n]' ;; esac;
rpm -qa --qf "$forms" | while read -r form; do case $form in $1) printf '%s\n' "$form"; break ;; esac; done; }`

// isPackageFile reports whether a name is the file or URL of a package. yum and dnf recognise it by its suffix or scheme.
func isPackageFile(name string) bool {
	return strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm")
}

// nameOfFile returns a word of a shell: the name of the package in a file, or the file if it cannot be read.
func nameOfFile(file string) string {
	file = shell.Quote(file)
	return `"$(rpm -qp --nosignature --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}' ` + file + ` 2>/dev/null || echo ` + file + `)"`
}

var epoch = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(|.*-)[0-9]+:`) })

// withoutEpoch removes the epoch of a version, which rpm before version 4.13 does not understand.
func withoutEpoch(name string) string {
	if strings.Contains(name, "(") {
		return name
	}
	return epoch().ReplaceAllString(name, "$1")
}

// groupSpec returns a group's id or name as a word of a shell, without the marks @ and ^ that groups have in a list of packages.
func groupSpec(group string) string {
	return shell.Quote(strings.TrimPrefix(strings.TrimPrefix(group, "@"), "^"))
}

// groupMembers returns a shell function that prints the packages of a group: the mandatory ones, and after a plus sign the default ones,
// which are installed if possible. It fails for an unknown group. Only the outermost group can be an environment, which is a group of
// groups, and a group in it can have the same name.
//
// It reads the output of three programs. yum 3 and dnf 4 indent the items of a section by three blanks, and yum puts a sign in front of
// some items. dnf 5 prints a table with the first item beside the title, and has its own command for environments.
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

// excluded returns a shell function that reports whether a member of a group was to be left out.
func excluded(patterns []string) string {
	quoted := make([]string, len(patterns))
	for i, pattern := range patterns {
		quoted[i] = quoteBetween(pattern)
	}
	return `excluded() { case $1 in ` + strings.Join(quoted, "|") + `) ;; *) false ;; esac; }`
}

// groupCheck returns a command that checks each package of each group. Of a group without mandatory packages, at least one of the default
// packages has to be installed. skip is what goes before the check of a package, or empty.
func groupCheck(groups []string, groupInfo, skip string) string {
	return lines(
		`for group in `+strings.Join(groups, " ")+`; do`,
		`if names=$(members "$group"); then any='';`,
		`for name in $names; do case $name in`,
		`+*) if installed "${name#+}"; then any=1; fi ;;`,
		`*) any=1; `+skip+`installed "$name" || missing="$missing, $name of the group $group" ;; esac; done;`,
		`test -n "$any" || missing="$missing, any package of the group $group";`,
		`else missing="$missing, the group $group, which `+groupInfo+` does not know"; fi; done`)
}
