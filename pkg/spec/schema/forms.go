package schema

import (
	"regexp"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// A Form is what a string has to look like.
type Form struct {
	// Name is unique among the forms; the schema calls the form by it.
	Name string
	// Pattern is a regular expression for the whole string, in what Go's syntax and that of ECMA 262 have in common. It is empty for
	// strings that may be anything.
	Pattern string
	// Description is the form in words that continue "has to be ...".
	Description string
}

// Regexp returns the expression for the whole of a string.
func (f Form) Regexp() *regexp.Regexp { return regexp.MustCompile("^(?:" + f.Pattern + ")$") }

// Parts of the patterns.
const (
	word = `[A-Za-z0-9_][A-Za-z0-9_.-]*`
	// https://github.com/distribution/reference/blob/main/regexp.go
	domainPart = `[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?`
	domain     = `(?:` + domainPart + `(?:\.` + domainPart + `)*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?`
	component  = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
	tag        = `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
	// A part of a path is neither empty, "." nor "..", and does not begin with ".wh.", by which layers delete files.
	pathPart = `(?:[^/.` + control + `]` + pathRest + `|\.[^/.w` + control + `]` + pathRest + `|\.w(?:[^/h` + control + `]` + pathRest + `)?` +
		`|\.wh(?:[^/.` + control + `]` + pathRest + `)?|\.\.[^/` + control + `]+)`
	pathRest = `[^/` + control + `]*`
	control  = `\x00-\x1f\x7f`
	// A part of a package's name for apk does not have ".apk" in it.
	apkRest = `[A-Za-z0-9_+:-]*(?:\.(?:a(?:p(?:[A-Za-jl-z0-9_+:-][A-Za-z0-9_+:-]*)?|[A-Za-oq-z0-9_+:-][A-Za-z0-9_+:-]*)?|[A-Zb-z0-9_+:-][A-Za-z0-9_+:-]*)?)*`
	// https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd
	apkVersion = `[0-9]+(?:\.[0-9]+)*[a-z]?(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*(?:~[0-9a-f]+)?(?:-r[0-9]+)?`
	// 1 to 65535, with zeros before it.
	portNumber = `0*(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`
)

// Names that a spec gives.
var (
	// FamilyName becomes part of a directory's name.
	FamilyName = Form{"familyName", `[a-z0-9][a-z0-9._-]*`, "small letters, digits, `-`, `_` and `.`, beginning with a letter or a digit"}
	// ImageName is one component of a repository's name.
	// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
	ImageName = Form{"imageName", component, "small letters and digits, and `-`, `_` or `.` between them"}
	// VariableName is a name that a shell can set.
	VariableName = Form{"variableName", `[A-Za-z_][A-Za-z0-9_]*`, "letters, digits and `_`, beginning with no digit"}
	// SpecVariable is the name of a variable of the spec.
	SpecVariable = Form{"specVariable", VariableName.Pattern + `|` + oneOf(GitVariables()), VariableName.Description + ", or one of " + list(GitVariables()) + ", to give it a default"}
	// DeclaredName is that of settings or a service; they are named on the command line of pulp-helper.
	DeclaredName = Form{"declaredName", word, "letters, digits, `-`, `_` and `.`, beginning with no `-` or `.`"}
	// SettingPath becomes part of an Augeas path, in which quotes and brackets would mean something.
	SettingPath = Form{"settingPath", `[A-Za-z0-9_.:-]+( [A-Za-z0-9_.:-]+)*/[A-Za-z][A-Za-z0-9_.-]*`, "`SECTION/KEY`"}
	// LabelName is anything that can be seen.
	LabelName = Form{"labelName", `[^\s\x00-\x1f\x7f]+`, "characters other than white space"}
)

// References and places.
var (
	Registry = Form{"registry", `(?:` + domain + `|` + component + `)(?:/` + component + `)*`, "a host, a path or both, without a scheme, tag or digest"}
	Tag      = Form{"tag", tag, "letters, digits, `_`, `.` and `-`, 128 at most, beginning with no `.` or `-`"}
	// Records is a whole repository. It has a slash: one name alone would be a repository of Docker's own images, and is a mistake for "none".
	Records = Form{"records", `none|(?:` + domain + `|` + component + `)(?:/` + component + `)+`, "a repository with its registry or path, without a scheme, tag or digest, or `none`"}
	// Repository is what comes between a registry and a tag.
	Repository = Form{"repository", component + `(?:/` + component + `)*`, "small letters and digits, `-`, `_` or `.` between them, and `/` between parts of that form"}
	// TagPattern has the syntax of path.Match, for tags, which have no slash.
	TagPattern = Form{"tagPattern", `[^/]+`, "a pattern of tags: characters, `*`, `?`, and classes such as `[0-9]`"}
	Base       = Form{"base", `(?:` + domain + `/)?` + component + `(?:/` + component + `)*(?::` + tag + `)?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,})?`,
		"the name of an image of this family, a reference of one from outside, or `scratch`"}
	Path = Form{"path", `/|(?:/` + pathPart + `)+/?`, "an absolute path without `.`, `..` or an empty part"}
	// SecretPath is the path of a file at which anything can be mounted: a ':' is where docker, podman and Kubernetes divide.
	SecretPath = Form{"secretPath", `(?:/` + strings.ReplaceAll(pathPart, "[^/", "[^/:") + `)+`, "an absolute path of a file without `.`, `..`, an empty part or a `:`"}
	// SpecFile does not begin outside the folder. That it does not get there later, a pattern cannot say.
	SpecFile = Form{"specFile", `(?:[^/.]|\.[^/.]|\.\.[^/]|\./|\.$)[^\x00]*`, "a path in the spec's folder"}
	// CopySource is a path in the spec's folder, or an absolute one in an image. Which of both it has to be depends on another key.
	CopySource = Form{"copySource", Path.Pattern + `|` + SpecFile.Pattern, "a path in the spec's folder, or with `image` an absolute one"}
	// ExcludePattern is relative to what is copied, so a slash at its beginning would match nothing.
	ExcludePattern = Form{"excludePattern", `!?[^/!][\s\S]*`, "a pattern relative to the copied directory, and `!` before it for an exception"}
	Lens           = Form{"lens", word + `\.aug`, "the name of a file, `NAME.aug`"}
	FetchURL       = Form{"fetchURL", `[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s].*`, "a URL, `https://HOST/PATH`"}
	Port           = Form{"port", portNumber + `(?:/(?:tcp|udp))?`, "a number from 1 to 65535, and `/tcp` or `/udp` behind it"}
)

// Names that others gave.
var (
	// RPMPackage is what yum and dnf take for a package, as far as can be told afterwards whether it is installed: a name with or without
	// a version, with placeholders or not; a capability; a file; a package's own file, here or elsewhere; a group. No shell ever needs to
	// see more, and an option is no package.
	RPMPackage = Form{"rpmPackage", `[A-Za-z0-9*?][A-Za-z0-9*?.+_:~^-]*` +
		`|[A-Za-z0-9][A-Za-z0-9.+_:~^-]*(?:\([A-Za-z0-9@.+_:~^/=-]*\))+` +
		`|/[A-Za-z0-9@.+_:~^/=()%-]+|(?:https?|ftp|file)://[A-Za-z0-9@.+_:~^/?=%-]+|@\^?` + word, "the name of a package, as yum or dnf knows it"}
	// AptPackage is what apt-get takes for a package to install. With a "-" behind it, it would be removed.
	AptPackage = Form{"aptPackage", `[A-Za-z0-9*?](?:[A-Za-z0-9*?.+-]*[A-Za-z0-9*?.+])?` +
		`(?::[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)?(?:=[A-Za-z0-9*?.+:~-]*[A-Za-z0-9*?.+~]|/[A-Za-z0-9.+_~-]*[A-Za-z0-9.+_~])?` +
		`|/[A-Za-z0-9@.+_:~/=%-]+\.deb`, "the name of a package to install, as apt-get knows it"}
	// ApkPackage is what apk takes for a package to install: a name, or what a package provides, and after it a tag and a version. With a
	// "!" before it, it would be kept out; one with ".apk" in it would be a file.
	ApkPackage = Form{"apkPackage", `[A-Za-z0-9_]` + apkRest + `(?:@[A-Za-z0-9_]` + apkRest + `)?(?:(?:[<>]?[=~]|=~|~=|[<>])` + apkVersion + `)?`,
		"the name of a package to install, as apk knows it"}
	// RPMName, AptName and ApkName are names of installed packages alone, for what is removed.
	RPMName = Form{"rpmName", `[A-Za-z0-9_][A-Za-z0-9_.+-]*`, "the name of an installed package"}
	AptName = Form{"aptName", `[A-Za-z0-9](?:[A-Za-z0-9.+-]*(?:[A-Za-z0-9.]|\+\+))?(?::[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)?`, "the name of an installed package, and `:ARCHITECTURE` behind it"}
	ApkName = Form{"apkName", `[A-Za-z0-9_.][A-Za-z0-9_.+-]*`, "the name of an installed package"}
	// RPMPattern is what yum and dnf leave out.
	RPMPattern = Form{"rpmPattern", `[A-Za-z0-9_*?][A-Za-z0-9_*?.+:~^-]*`, "the name of a package, with placeholders or not"}
	// ModuleStream is a module and its stream. A profile means nothing when a module is enabled.
	ModuleStream = Form{"moduleStream", word + `:[A-Za-z0-9_][A-Za-z0-9_.+-]*`, "a module and its stream, `NAME:STREAM`"}
	GroupName    = Form{"groupName", `[A-Za-z0-9@^][A-Za-z0-9@.+_:~^&/()-]*( [A-Za-z0-9@.+_:~^&/()-]+)*`, "the name of a group of packages"}
	UserName     = Form{"userName", word, "a user's name or number"}
	UserGroup    = Form{"userGroup", word + `(:` + word + `)?`, "a user's name or number, and `:GROUP` behind it"}
	SHA256       = Form{"sha256", `[0-9a-f]{64}`, "64 digits from `0` to `f`"}
	// SecretID is also a key of a Secret. https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data
	SecretID   = Form{"secretID", `[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}`, "letters, digits, `-`, `_` and `.`, 253 at most"}
	RepoID     = Form{"repoID", `[A-Za-z0-9_.:-]+`, "letters, digits, `-`, `_`, `.` and `:`"}
	Umask      = Form{"umask", `0?[0-7]{3}`, "three digits from 0 to 7"}
	FileMode   = Form{"fileMode", `(?:0o)?0*[1-7][0-7]{0,3}`, "a file mode in octal digits"}
	HelperName = Form{"helper", oneOf(Helpers()), "a part of pulp-helper: " + list(Helpers())}
	Tool       = Form{"tool", oneOf([]string{"yum", "dnf"}), "`yum` or `dnf`"}
	ServiceURL = Form{"serviceURL", `(?:` + oneOf(serviceurl.Names()) + `)://.+|(?:[^:]*[^:$])?\$\{[\s\S]*`, "a URL of one of the protocols " + list(serviceurl.Names())}
	// NetworkMode and BuildPlatform have one value each so far.
	NetworkMode   = Form{"networkMode", `none`, "`none`"}
	BuildPlatform = Form{"buildPlatform", `build`, "`build`"}
	// Refresh is an age. Four digits keep the longest within what a time.Duration holds.
	Refresh = Form{"refresh", `[1-9][0-9]{0,3}[hdw]|never`, "a whole number of hours (`h`), days (`d`) or weeks (`w`), such as `7d`, or `never`"}
)

// Strings of no form of their own.
var (
	Text = Form{Name: "text", Description: "a string"}
	// NonEmptyText has at least one character.
	NonEmptyText = Form{"notEmpty", `[\s\S]+`, "a string that is not empty"}
	// NonEmptyLine is a value of a repository file.
	NonEmptyLine = Form{"filledLine", `[^\n\r]+`, "a single line that is not empty"}
)
