package family

import (
	"io"
	"io/fs"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// A Family is a resolved spec: every variable has its value, every image knows what it is based on and every file step knows its
// files. It is a value to read, never to change; a function that needs another family returns a new one.
type Family struct {
	// Name is the family's name, unique among the families of one user's cache.
	Name string
	// Registries are what the name of every image is published under, such as "docker.io/example".
	Registries []string
	// Tags are the tags of every image that has none of its own.
	Tags []string
	// Immutable are patterns, as [path.Match] has them, of tags that are never moved once they exist.
	Immutable []string
	// Refresh is how old what a command got from the network may be. Steps have it with theirs.
	Refresh Refresh
	// Records says where records of what builds made are kept in a registry.
	Records Records
	// Labels are those of every image that is published: see [Image].SharedLabels.
	Labels map[string]string
	// Overrides reports which of these values are not those of the spec.
	Overrides Overrides
	// Variables are the spec's variables in its order, without those that have no value, which the family does not need, and those of the git
	// repository.
	Variables []Variable
	// Unknown are the names in [Options].Environ that are those of no variable of the spec, sorted.
	Unknown []string
	// Spec is the file that the family was resolved from. Errors of later stages point into it.
	Spec *spec.Spec
	// Contract is what containers of the family need to know when they start.
	Contract contract.Contract
	// Jobs are the images of jobs that make the commands of services succeed, by the names of the services. An image that is not selected may be
	// among them.
	Jobs map[string]string
	// Kubernetes is what the family needs around its images when it runs.
	Kubernetes Kubernetes
	// Images holds the images in build order: each image comes after the one it is based on, and otherwise in the order of the spec.
	Images []*Image

	redactor    redactor
	options     Options     // that it was resolved with
	namesTarget *spec.Range // where the spec names the target, or nil
}

// Overrides reports which values the caller of [Resolve] gave in place of the spec's.
type Overrides struct{ Registry, Tag bool }

// Scratch is the base of an image that starts empty.
const Scratch = "scratch"

// An Image is one image of a family.
type Image struct {
	// Name is the image's name: its key in the spec or, with a matrix, the name that its values give it.
	Name string
	// Key is the image's key in the spec. The images of a matrix have one key.
	Key string
	// Matrix are the variables that the image has its values of from its matrix.
	Matrix []Variable
	// Reference is the first of References. For an image that is not published, it is a name of no registry, for builders that find images by
	// their names only.
	Reference string
	// References are what the image is published under, REGISTRY/REPOSITORY:TAG: registry by registry, and in each of them tag by tag.
	References []string
	// Repository is the repository of the image in each registry; empty if it is not published. Tags are its tags, those of the family if it
	// has none of its own.
	Repository string
	Tags       []string
	// Parent is the image of the family that this one is based on, or nil when Base is set.
	Parent *Image
	// Base is the normalised reference of the image from outside that this one is based on ("docker.io/library/fedora:20"), or
	// "scratch"; empty when Parent is set.
	Base string
	// BaseAt is where the spec names the base from outside, and BaseVariables are the variables of the spec that it takes it from.
	BaseAt        spec.Range
	BaseVariables []string
	// Unpublished says that the image is for other images of the family only.
	Unpublished bool
	// OnBuildPlatform says that the image runs on the engine's own platform, whatever it is built for.
	OnBuildPlatform bool
	// SharedLabels are the labels of the family that the image has by itself, as the spec declares them: it declares none of the same name and
	// inherits them from no other image. Their values are in Config.
	SharedLabels []spec.Named[spec.Text]
	// Secrets are the secret files that the image declares itself. It inherits others.
	Secrets []Secret
	// Config is what this image adds to the configuration that it inherits.
	Config Config
	// Steps are the image's own steps, in order. The start script is the last one, a Files step.
	Steps []Step
	// Needs are what the image has to have when all its steps are in, besides what the steps bring.
	Needs []Need
	// Start is what a container does when it starts, with what is inherited of it, or nil when the image has no start with a command.
	Start *Start
	// AbstractStart is a start without a command, which images that are based on this one inherit, or nil.
	AbstractStart *Start
	// InheritedStart has the keys of the start that are inherited, each with the name of the image that has it.
	InheritedStart map[spec.StartKey]string
	// Workload says how containers of the image run.
	Workload Workload
	// At is where the spec declares the image, and Declared is what it declares, each part with its position. The keys of its start that are
	// inherited have that of the image that they are from.
	At       spec.Range
	Declared spec.Image
}

// A Need is a file that has to be in an image, at one of several places.
type Need struct {
	// Paths are the places.
	Paths []string
	// Missing says what it means that the file is at none of them.
	Missing string
	// Hint says what to do about it.
	Hint string
	// At is where the spec asks for what needs the file.
	At spec.Range
}

// A Config is the part of an image's configuration that the spec declares. What is empty is inherited, except Entrypoint and
// Command: an image has only those that it declares itself, because inheriting a command from a base is how wrong services start.
type Config struct {
	Labels     map[string]string
	Env        []EnvVar
	User       string
	WorkDir    string
	Volumes    []string
	Ports      []string // "80/tcp"
	Entrypoint []string
	Command    []string
	// StopSignal is the signal that ends a container; empty for the inherited one.
	StopSignal string
	// NoHealthcheck takes away an inherited health check, which is for another process: the image has a start, and no Healthcheck.
	NoHealthcheck bool
	// Healthcheck is the health check that the image declares; nil for the inherited one. Without one, the inputs of an image are what they
	// were before there were any.
	Healthcheck *Healthcheck `json:",omitempty"`
}

// An EnvVar is an environment variable that an image sets.
type EnvVar struct {
	Name string
	// Value may name variables that the image has so far as ${NAME}; "$${" stands for "${".
	Value string
	At    spec.Range `json:"-"` // where the value is makes no other image
}

// References returns the variables that the value names.
func (v EnvVar) References() []string { return startVariables(v.Value) }

// Pieces gives the parts of the value, in order: text, or the name of a variable.
func (v EnvVar) Pieces(each func(text, name string)) {
	for _, p := range pieces(v.Value, inImage) {
		switch p.kind {
		case ofStart:
			each("", p.name)
		case escape:
			each(p.text[1:], "")
		default:
			each(p.text, "")
		}
	}
}

// A Step is one step of an image. It is one of Fetch, Packages, Files, Directories, Run and Env.
type Step interface {
	// Title names the step for people, in the words of its tool: "yum groupinstall web-server".
	Title() string
	// At is where the spec declares the step.
	At() spec.Range
	isStep()
}

// Common is what all steps have.
type Common struct {
	Name  string
	Range spec.Range
}

// Title implements Step.
func (c Common) Title() string { return c.Name }

// At implements Step.
func (c Common) At() spec.Range { return c.Range }

func (Common) isStep() {}

// Fetch puts one file from a URL into the image. The engine fetches it.
type Fetch struct {
	Common
	URL URL
	// SHA256 is the pinned digest of the content in hex, or empty.
	SHA256 string
	// Path is the absolute path in the image.
	Path string
	Mode fs.FileMode
}

// A PackageManager is the tool of a Packages step.
type PackageManager string

// The package managers.
const (
	Yum PackageManager = "yum"
	DNF PackageManager = "dnf"
	Apt PackageManager = "apt"
	Apk PackageManager = "apk"
)

// Packages is what a package manager does in one step, in this order: it enables modules, updates what is there, installs groups, then
// packages, and removes others. Inputs leaves out of its digests what a step does not say.
type Packages struct {
	Common
	Manager  PackageManager
	Groups   []string
	Packages []string
	// Update brings the packages that are there up to what the repositories have.
	Update bool `json:",omitempty"`
	// Modules are streams of modules, NAME:STREAM. Only yum and dnf have them, and Groups, Exclude and EnableRepo.
	Modules []string `json:",omitempty"`
	// Remove are packages that have to be installed, and are not in the layer.
	Remove []string `json:",omitempty"`
	// Exclude are names and patterns of packages that are neither installed nor updated.
	Exclude []string `json:",omitempty"`
	// EnableRepo are ids of repositories that are used as if they were enabled.
	EnableRepo []string `json:",omitempty"`
	// Docs says whether documentation is installed; nil, if the image's configuration says so. apk has no such thing, and no Recommends.
	Docs *bool `json:",omitempty"`
	// Recommends says whether packages are installed that others only recommend; nil stands for what the image's configuration says, and
	// for apt for no.
	Recommends *bool `json:",omitempty"`
	// Refresh bounds the age of what the step got from the network. It is the step's own, or the family's. It makes no other image.
	Refresh Refresh `json:"-"`
}

// Files puts files into the image as a layer of its own that depends on nothing under it.
type Files struct {
	Common
	Files []File
	// Copies bring files of images, whose paths are known only when these are built.
	Copies []Copy
	// Helpers are the parts of pulp-helper that the step was asked for; none, if it does not bring the helper.
	Helpers []string
	// Startup says that the step brings what containers start with. Only such a step may have files at places that are Reserved.
	Startup bool
}

// A Copy brings a file or a directory of an image.
type Copy struct {
	Source ImageSource
	// From is the absolute path in the image that is taken from. It may have wildcards.
	From string
	// To is the absolute, clean path to copy to. Into says that it is a directory to copy a file into.
	To   string
	Into bool
	// Mode is what the files get; 0 leaves them theirs.
	Mode fs.FileMode
	// Owner is whom the files and directories belong to; empty leaves them theirs.
	Owner Owner
	// Exclude are patterns of what is left out, relative to a directory that is copied.
	Exclude []string
	At      spec.Range
}

// A File is one entry of a Files step: a regular file, a directory or a symbolic link.
type File struct {
	// Path is the absolute, clean path in the image.
	Path string
	// Mode holds the type bits (regular, fs.ModeDir, fs.ModeSymlink) and the permissions, set-id and sticky bits included.
	Mode fs.FileMode
	// Target is a symbolic link's target.
	Target string
	// Content is a regular file's content, nil otherwise.
	Content Content
	// Owner is whom it belongs to. A directory that the image has already keeps its own.
	Owner Owner
}

// Content is what a regular file holds.
type Content interface {
	// Open opens the content for an architecture in Go's terms ("amd64"). Most content is the same for all of them.
	Open(arch string) (io.ReadCloser, error)
}
