package family

import (
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// packageForms says what the names of a package manager look like.
type packageForms struct {
	toInstall, toRemove form
	// remedy returns what to write instead of a name that the package manager may know, and the form does not have.
	remedy func(name string) string
}

func formsOf(manager PackageManager) packageForms {
	switch manager {
	case Apt:
		return packageForms{aptPackage, aptName, aptRemedy}
	case Apk:
		return packageForms{apkPackage, apkName, apkRemedy}
	}
	return packageForms{rpmPackage, rpmName, rpmRemedy}
}

func (r *resolver) packages(s spec.Step) Step {
	p := s.Packages
	step := Packages{
		Manager:    PackageManager(p.Tool),
		Groups:     r.matchForms(p.Groups, groupName, "name for a group of packages"),
		Update:     p.Update,
		Modules:    r.matchForms(p.Module, moduleStream, "module and stream, NAME:STREAM"),
		Exclude:    r.matchForms(p.Exclude, rpmPattern, "name for a package"),
		EnableRepo: r.matchForms(p.EnableRepo, repoID, "id for a repository"),
		Docs:       p.Docs,
		Recommends: p.Recommends,
	}
	if step.Manager == Apt && step.Recommends != nil && !*step.Recommends {
		step.Recommends = nil // as always
	}
	forms := formsOf(step.Manager)
	for _, name := range p.Packages {
		step.Packages = append(step.Packages, r.packageName(name, forms))
	}
	step.Remove = r.matchForms(p.Remove, forms.toRemove, "name of an installed package")
	r.installedAndRemoved(step, p)
	step.Refresh = r.stepRefresh(p.Refresh, step)
	step.Common = Common{Name: packagesTitle(step), Range: s.At}
	return step
}

// packageName returns the name of a package to install. It reports names that make the package manager do something other than install a
// package, and names for which nobody can check afterwards whether the package is installed.
func (r *resolver) packageName(t spec.Text, forms packageForms) string {
	name, ok := r.substitute.expand(t, atBuild)
	if ok && !forms.toInstall.MatchString(name) {
		r.report.Add(t.At, forms.remedy(name), "%q is no name for a package", name)
	}
	return name
}

// installedAndRemoved reports packages that a step installs only to remove them.
func (r *resolver) installedAndRemoved(step Packages, p *spec.Packages) {
	installed := map[string]bool{}
	for _, name := range step.Packages {
		installed[plainName(name, step.Manager)] = true
	}
	for i, name := range step.Remove {
		if installed[name] || installed[plainName(name, step.Manager)] {
			r.report.Add(p.Remove[i].At, "leave it out of one of the two lists", "the step both installs and removes %q", name)
		}
	}
}

// plainName returns a name without the version, suite, tag or architecture that apt and apk take behind it. With yum and dnf, nobody can tell
// these from the name.
func plainName(name string, manager PackageManager) string {
	ends := map[PackageManager]string{Apt: "=/:", Apk: "@<>=~"}[manager]
	if end := strings.IndexAny(name, ends); end > 0 {
		return name[:end]
	}
	return name
}

// packagesTitle says what a step does in the words of its package manager.
func packagesTitle(step Packages) string {
	tool, words := string(step.Manager), packageWords{update: "upgrade", install: "install ", remove: "remove "}
	switch step.Manager {
	case Yum:
		words.group, words.update = "groupinstall ", "update"
	case DNF:
		words.group = "group install "
	case Apt:
		tool, words.remove = "apt-get", "purge "
	case Apk:
		words.install, words.remove = "add ", "del "
	}
	var parts []string
	add := func(verb, separator string, names []string) {
		if len(names) > 0 {
			parts = append(parts, verb+strings.Join(names, separator))
		}
	}
	add("module enable ", " ", step.Modules)
	if step.Update {
		parts = append(parts, words.update)
	}
	add(words.group, ", ", step.Groups)
	add(words.install, " ", step.Packages)
	add(words.remove, " ", step.Remove)
	return tool + " " + strings.Join(parts, ", ")
}

// packageWords are the commands of a package manager.
type packageWords struct{ group, update, install, remove string }

// rpmRemedy returns what to write instead of a name that yum or dnf may know.
func rpmRemedy(name string) string {
	group, isGroup := strings.CutPrefix(name, "@")
	switch stream, _, isModule := strings.Cut(group, ":"); {
	case name == "", strings.ContainsFunc(name, func(c rune) bool { return isControl(c) || strings.ContainsRune(" ;&|$`'\"\\", c) }):
		return ""
	case isGroup && isModule:
		return "enable the stream of the module " + stream + " with the key module, and name its packages"
	case strings.ContainsAny(name, "<>="):
		return "write NAME-VERSION"
	case strings.ContainsAny(name, "*?") && strings.ContainsAny(name, "/("):
		return "placeholders are for names of packages"
	}
	return ""
}

// aptRemedy returns what to write instead of a name that apt-get may know.
func aptRemedy(name string) string {
	plain := strings.TrimRight(name, "-^")
	switch {
	case !aptPackage.MatchString(plain):
		return ""
	case strings.HasSuffix(name, "-"):
		return "apt-get removes a package when a '-' is behind its name; there is the key remove for that"
	case strings.HasSuffix(name, "^"):
		return "name the packages of the task"
	}
	return ""
}

// apkRemedy returns what to write instead of a name that apk may know.
func apkRemedy(name string) string {
	plain, conflicts := strings.CutPrefix(name, "!")
	version, _, misplaced := strings.Cut(name, "@")
	switch {
	case conflicts && apkPackage.MatchString(plain):
		return "apk keeps a package out when a '!' is before its name; do that in a run step"
	case strings.Contains(name, ".apk"):
		return "install the file of a package in a run step"
	case misplaced && strings.ContainsAny(version, "<>=~"):
		return "write NAME@TAG=VERSION"
	}
	return ""
}
