package family

import (
	"path"
	"regexp"
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

var (
	// A family's name becomes part of a directory's name.
	familyName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	// What a package may be called: names, versions, globs, capabilities and groups of yum, dnf and apt. No shell ever needs to see
	// more, and an option is no package.
	packageName = regexp.MustCompile(`^[A-Za-z0-9@*?/(^][A-Za-z0-9@*?.+_:~^/=<>()%-]*$`)
	groupName   = regexp.MustCompile(`^[A-Za-z0-9@^][A-Za-z0-9@.+_:~^&/()-]*( [A-Za-z0-9@.+_:~^&/()-]+)*$`)
	userName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	userGroup   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
	port        = regexp.MustCompile(`^([1-9][0-9]{0,4})(-[1-9][0-9]{0,4})?(/(tcp|udp|sctp))?$`)
	sha256Hex   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	secretID    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	repoID      = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)
	umask       = regexp.MustCompile(`^0?[0-7]{3}$`)
)

// checked complains when a string is not of the form that it has to have, and returns it.
func (r *resolver) checked(t spec.Text, reach reach, form *regexp.Regexp, what string) string {
	value := r.substitute.text(t, reach)
	if t.IsSet() && !form.MatchString(value) {
		r.report.Add(t.At, "", "%q is no %s", value, what)
	}
	return value
}

func (r *resolver) checkedAll(list []spec.Text, form *regexp.Regexp, what string) []string {
	var out []string
	for _, t := range list {
		out = append(out, r.checked(t, atBuild, form, what))
	}
	return out
}

// absolute returns a path in the image, clean.
func (r *resolver) absolute(t spec.Text, what string) string {
	value := r.substitute.text(t, atBuild)
	if !t.IsSet() {
		return ""
	}
	if problem := pathProblem(value); problem != "" {
		r.report.Add(t.At, "it is a path in the image, from the root", "%s %q %s", what, value, problem)
	}
	return path.Clean(value)
}

func (r *resolver) absolutes(list []spec.Text, what string) []string {
	var out []string
	for _, t := range list {
		out = append(out, r.absolute(t, what))
	}
	return out
}

func pathProblem(value string) string {
	switch {
	case !strings.HasPrefix(value, "/"):
		return "is not absolute"
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "has a control character"
	case path.Clean(value) != strings.TrimSuffix(value, "/") && value != "/":
		return "is not plain: it has an empty part, \".\" or \"..\""
	}
	return ""
}

// imageReference returns what an image is published under.
func (r *resolver) imageReference(name spec.Text, f *Family) string {
	if anchored := "^" + reference.NameRegexp.String() + "$"; strings.ContainsAny(name.Value, "/.:@") || !regexp.MustCompile(anchored).MatchString(name.Value) {
		r.report.Add(name.At, "use small letters, digits, and '-' or '_' between them", "%q is no name for an image", name.Value)
	}
	return f.Registry + "/" + name.Value + ":" + f.Tag
}
