package family

import (
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

func (r *resolver) packages(s spec.Step) Step {
	step := Packages{
		Manager: PackageManager(s.Packages.Tool),
		Groups:  r.matchForms(s.Packages.Groups, groupName, "name for a group of packages"),
	}
	for _, name := range s.Packages.Packages {
		step.Packages = append(step.Packages, r.packageName(name, step.Manager))
	}
	var parts []string
	if len(step.Groups) > 0 {
		verb := "groupinstall"
		if step.Manager == DNF {
			verb = "group install"
		}
		parts = append(parts, verb+" "+strings.Join(step.Groups, ", "))
	}
	if len(step.Packages) > 0 {
		parts = append(parts, "install "+strings.Join(step.Packages, " "))
	}
	tool := string(step.Manager)
	if step.Manager == Apt {
		tool = "apt-get"
	}
	step.Common = Common{Name: tool + " " + strings.Join(parts, ", "), Range: s.At}
	return step
}

// packageName returns the name of a package to install. It reports names that make the package manager do something other than install a
// package, and names for which nobody can check afterwards whether the package is installed.
func (r *resolver) packageName(t spec.Text, manager PackageManager) string {
	name, ok := r.substitute.expand(t, atBuild)
	form, remedy := rpmPackage, rpmRemedy
	if manager == Apt {
		form, remedy = aptPackage, aptRemedy
	}
	if ok && !form.MatchString(name) {
		r.report.Add(t.At, remedy(name), "%q is no name for a package", name)
	}
	return name
}

// rpmRemedy returns what to write instead of a name that yum or dnf may know.
func rpmRemedy(name string) string {
	group, isGroup := strings.CutPrefix(name, "@")
	switch stream, _, isModule := strings.Cut(group, ":"); {
	case name == "", strings.ContainsFunc(name, func(c rune) bool { return isControl(c) || strings.ContainsRune(" ;&|$`'\"\\", c) }):
		return ""
	case isGroup && isModule:
		return "enable the stream of the module " + stream + " in a run step before, and name its packages"
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
		return "apt-get removes a package when a '-' is behind its name; remove it in a run step"
	case strings.HasSuffix(name, "^"):
		return "name the packages of the task"
	}
	return ""
}
