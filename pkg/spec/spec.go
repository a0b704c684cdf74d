package spec

import (
	"path/filepath"
	"time"
)

// A Spec is what a file declares.
type Spec struct {
	// Filename is the name of the file as the user gave it.
	Filename string
	// Data is the file's content.
	Data []byte
	// Below are the files that it is written on top of, each on top of the next one.
	Below []File

	Extends Text

	Name Text
	// Registries and Tags are each under one of two keys: registry or registries, tag or tags.
	Registries  []Text
	Tags        []Text
	Immutable   []Text
	Refresh     Text
	Records     Text
	Labels      []Named[Text]
	Variables   []Named[Variable]
	Environment []Named[EnvVariable]
	Settings    []Named[Settings]
	Services    []Named[Service]
	Kubernetes  *Kubernetes
	Images      []Named[Image]
}

// FileOf returns the file that a place is in.
func (s *Spec) FileOf(p Position) File {
	for _, f := range s.Below {
		if f.Name == p.File {
			return f
		}
	}
	return File{Name: s.Filename, Path: filepath.Base(s.Filename), Data: s.Data}
}

// A Variable is a value that is known when the spec is read.
type Variable struct {
	At      Range
	Default *Text
}

// An EnvVariable is a value that is known when a container starts.
type EnvVariable struct {
	At       Range
	Default  *Text
	Required bool
	Secret   bool
}

// Settings are values that are written into a file when a container starts.
type Settings struct {
	At   Range
	File Text
	Lens Text
	Set  []Named[Text]
}

// A Service is something that a container waits for when it starts. It has a URL or a command.
type Service struct {
	At      Range
	URL     Text
	Command []Text
	// Job is the image whose containers make the command succeed.
	Job      Text
	Tries    int
	Interval time.Duration
	Timeout  time.Duration
}

// An Image is one image of the family.
type Image struct {
	At Range
	// Name is the name of each image of the matrix.
	Name       Text
	Matrix     []Named[[]Text]
	Publish    *bool
	Repository Text
	Tags       []Text
	Platform   Text
	From       Text
	Labels     []Named[Text]
	Env        []Named[Text]
	User       Text
	Workdir    Text
	Volumes    []Text
	Ports      []Text
	// Secrets are the paths of files that containers get from outside, by what each is called there.
	Secrets    []Named[Text]
	StopSignal Text
	Entrypoint []Text
	Command    []Text
	Steps      []Step
	Start      *Start
	Kubernetes *Workload
	// Healthcheck is nil when the image declares none.
	Healthcheck *Healthcheck
}

// A Step is one step of an image; one of its pointers is set.
type Step struct {
	// At is the whole step, its key included.
	At        Range
	Repo      *Repo
	Packages  *Packages
	Lens      *Text
	Helpers   []Text
	Files     []Copy
	Directory []Directory
	Run       *Run
	Env       []Named[Text]
}

// A Repo is a repository that packages come from: a file to fetch, or one to write.
type Repo struct {
	At       Range
	To       Text
	URL      Text
	SHA256   Text
	ID       Text
	Name     Text
	BaseURL  Text
	GPGKey   Text
	GPGCheck *bool
	Enabled  *bool
}

// Packages are what a package manager is to do: yum, dnf, apt or apk.
type Packages struct {
	At         Range
	Tool       string
	Update     bool
	Module     []Text
	Groups     []Text
	Packages   []Text
	Remove     []Text
	Exclude    []Text
	EnableRepo []Text
	Docs       *bool
	Recommends *bool
	Refresh    Text
}

// A Copy brings a file or a directory into the image: from the spec's directory or, when Image is set, from another image.
type Copy struct {
	At      Range
	Image   Text
	From    Text
	To      Text
	Mode    Text
	Owner   Text
	Exclude []Text
}

// A Directory is one that an image gets, or whose owner and mode it gets.
type Directory struct {
	At    Range
	Path  Text
	Mode  Text
	Owner Text
}

// A Run is a command that changes the image.
type Run struct {
	At      Range
	Script  Text
	Command []Text
	Workdir Text
	User    Text
	Env     []Named[Text]
	Secrets []Text
	Cache   []CacheDir
	Mounts  []Mount
	Network Text
	Refresh Text
}

// A CacheDir is a directory whose content is kept from one build to the next, and is in no layer.
type CacheDir struct {
	At   Range
	Path Text
	Name Text
	Lock bool
}

// A Mount is what a command sees at a path while it runs: a file or directory of the spec's directory or, when Image is set, of an image; or
// an empty directory in memory, when Tmpfs is its path.
type Mount struct {
	At    Range
	Image Text
	From  Text
	To    Text
	Tmpfs Text
}
