package family

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// The forms that package schema describes.
var (
	familyName    = schema.FamilyName.Regexp()
	imageName     = schema.ImageName.Regexp()
	variableName  = schema.VariableName.Regexp()
	rpmPackage    = schema.RPMPackage.Regexp()
	aptPackage    = schema.AptPackage.Regexp()
	groupName     = schema.GroupName.Regexp()
	userName      = schema.UserName.Regexp()
	userGroup     = schema.UserGroup.Regexp()
	sha256Hex     = schema.SHA256.Regexp()
	secretID      = schema.SecretID.Regexp()
	repoID        = schema.RepoID.Regexp()
	umask         = schema.Umask.Regexp()
	lensName      = schema.Lens.Regexp()
	declaredName  = schema.DeclaredName.Regexp()
	networkMode   = schema.NetworkMode.Regexp()
	repository    = schema.Repository.Regexp()
	buildPlatform = schema.BuildPlatform.Regexp()
	apkPackage    = schema.ApkPackage.Regexp()
	rpmName       = schema.RPMName.Regexp()
	aptName       = schema.AptName.Regexp()
	apkName       = schema.ApkName.Regexp()
	rpmPattern    = schema.RPMPattern.Regexp()
	moduleStream  = schema.ModuleStream.Regexp()
	excluding     = schema.ExcludePattern.Regexp()
)

// A form is what a string has to look like.
type form interface{ MatchString(s string) bool }

// matchForm returns a string with its variables put in, and reports an error when it does not have the form.
func (r *resolver) matchForm(t spec.Text, form form, what string) string {
	value, ok := r.substitute.expand(t, atBuild)
	if t.IsSet() && ok && !form.MatchString(value) {
		r.report.Add(t.At, "", "%q is no %s", value, what)
	}
	return value
}

// nonEmpty returns a string with its variables put in, and reports an error when the spec has the key and the string is empty: where the
// value came from a variable, it was meant to be something.
func (r *resolver) nonEmpty(t spec.Text, scope scope, hint, what string) string {
	value, ok := r.substitute.expand(t, scope)
	if t.IsSet() && ok && value == "" {
		r.report.Add(t.At, hint, "%s is empty", what)
	}
	return value
}

// program reports a command whose first word, the program, is empty.
func (r *resolver) program(command []spec.Text, scope scope) {
	if len(command) > 0 {
		r.nonEmpty(command[0], scope, "", "the first word of a command")
	}
}

func (r *resolver) matchForms(list []spec.Text, form form, what string) []string {
	var out []string
	for _, t := range list {
		out = append(out, r.matchForm(t, form, what))
	}
	return out
}

// absolute returns a path in the image, clean.
func (r *resolver) absolute(t spec.Text, what string) string {
	clean, _ := r.destination(t, what)
	return clean
}

// destination does the same, and reports whether the path is written as that of a directory.
func (r *resolver) destination(t spec.Text, what string) (clean string, dir bool) {
	if !t.IsSet() {
		return "", false
	}
	value, ok := r.substitute.expand(t, atBuild)
	if problem := pathProblem(value); ok && problem != "" {
		r.report.Add(t.At, "it is a path in the image, from the root", "%s %q %s", what, value, problem)
	}
	return path.Clean(value), strings.HasSuffix(value, "/")
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
	case strings.ContainsFunc(value, isControl):
		return "has a control character"
	case path.Clean(value) != strings.TrimSuffix(value, "/") && value != "/", value == "//":
		return `is not plain: it has an empty part, "." or ".."`
	case len(value) > maxPath:
		return fmt.Sprintf("has more than %d bytes, which no system takes", maxPath)
	}
	for part := range strings.SplitSeq(value, "/") {
		if problem := nameProblem(part); problem != "" {
			return "has a part that " + problem
		}
	}
	return ""
}

const (
	// whiteout is how the names begin that delete files of the layers below.
	// https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
	whiteout = ".wh."
	// maxName and maxPath are what Linux takes, in bytes.
	// https://github.com/torvalds/linux/blob/master/include/uapi/linux/limits.h
	maxName = 255
	maxPath = 4095
)

// nameProblem reports why no file of a layer can have a name, or nothing.
func nameProblem(name string) string {
	switch {
	case strings.HasPrefix(name, whiteout):
		return fmt.Sprintf("begins with %q: in a layer, such a name deletes files of the layers below", whiteout)
	case !utf8.ValidString(name):
		return "is not UTF-8, and a layer's names have to be"
	case len(name) > maxName:
		return fmt.Sprintf("has more than %d bytes, which no file system takes", maxName)
	}
	return ""
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// ports returns ports as an image's config has them: NUMBER/PROTOCOL.
// https://github.com/opencontainers/image-spec/blob/main/config.md#properties
func (r *resolver) ports(list []spec.Text) []string {
	var out []string
	for _, t := range list {
		value, expanded := r.substitute.expand(t, atBuild)
		number, protocol, ok := strings.Cut(value, "/")
		if !ok {
			protocol = "tcp"
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if expanded && (err != nil || n == 0 || protocol != "tcp" && protocol != "udp") {
			r.report.Add(t.At, `a number from 1 to 65535, such as "80" or "53/udp"`, "%q is no port", value)
		}
		out = append(out, strconv.FormatUint(n, 10)+"/"+protocol)
	}
	return out
}
