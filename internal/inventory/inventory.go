package inventory

// An Inventory is a resolved family. Its keys are added to in later versions, never renamed.
type Inventory struct {
	Spec string `json:"spec"`
	// Extends are the files that the spec is written on top of.
	Extends []string `json:"extends,omitempty"`
	Family  Value    `json:"family"`
	// Registry and Tag are the first of each. Registries and Tags are all of them, if there are several.
	Registry   Value   `json:"registry"`
	Registries []Value `json:"registries,omitempty"`
	Tag        Value   `json:"tag"`
	Tags       []Value `json:"tags,omitempty"`
	Immutable  []Value `json:"immutable,omitempty"`
	Refresh    *Value  `json:"refresh,omitempty"`
	Records    *Value  `json:"records,omitempty"`
	// Labels are those of every image that is published.
	Labels      []Named    `json:"labels,omitempty"`
	Variables   []Named    `json:"variables,omitempty"`
	Environment []Env      `json:"environment,omitempty"`
	Settings    []Settings `json:"settings,omitempty"`
	Services    []Service  `json:"services,omitempty"`
	// Kubernetes is nil when the spec has no such key.
	Kubernetes *Kubernetes `json:"kubernetes,omitempty"`
	Images     []Image     `json:"images"`
}

// A Source names who set a value.
type Source string

// The sources of values. Those of values that override the spec are named by the caller, see [Overrides].
const (
	// FromSpec is a value that the spec sets.
	FromSpec Source = "spec"
	// FromDefault is a default in the spec.
	FromDefault Source = "default"
	// FromMatrix is a value of an image's matrix.
	FromMatrix Source = "matrix"
	// FromGit is what git says of the repository that the spec is in.
	FromGit Source = "git"
	// BuiltIn is a default of pulpimg.
	BuiltIn Source = "built-in"
)

// Overrides names the sources of values that override the spec: flags, for a command. What comes from the environment or a file of values
// has the name of the variable or the file.
type Overrides struct{ Registry, Tag, Variable Source }

// An Origin tells where a value came from.
type Origin struct {
	Source Source `json:"source"`
	// At is FILE:LINE:COLUMN: the place of the value in the spec or in a file of values or, if the value came from elsewhere, of the key or
	// variable of the spec that has it. It is empty for what the spec does not mention.
	At string `json:"at,omitempty"`
	// Through are the variables whose values are not from the spec, and that a value of the spec depends on.
	Through []string `json:"through,omitempty"`
	// Image is the image that the value is inherited from.
	Image string `json:"inherited_from,omitempty"`
}

// A Value is a value and where it came from.
type Value struct {
	Value string `json:"value"`
	Origin
}

// A Named is a value with a name.
type Named struct {
	Name string `json:"name"`
	Value
}

// An Env is a variable of the environment that containers read.
type Env struct {
	Name     string `json:"name"`
	At       string `json:"at"`
	Required bool   `json:"required,omitempty"`
	Secret   bool   `json:"secret,omitempty"`
	// Default is the value when a container's environment has none. That of a secret is not shown.
	Default *Value `json:"default,omitempty"`
}

// Settings are a file that containers write.
type Settings struct {
	Name string  `json:"name"`
	File Value   `json:"file"`
	Lens Value   `json:"lens"`
	Set  []Named `json:"set,omitempty"`
}

// A Service is a service that containers wait for.
type Service struct {
	Name string `json:"name"`
	// A service has a URL or a command.
	URL      *Value  `json:"url,omitempty"`
	Command  []Value `json:"command,omitempty"`
	Job      *Value  `json:"job,omitempty"`
	Tries    Value   `json:"tries"`
	Interval Value   `json:"interval"`
	Timeout  Value   `json:"timeout"`
}

// An Image is one image of the family. Its configuration is what the family declares: its own declarations, and those that it inherits from
// other images of the family.
type Image struct {
	Name string `json:"name"`
	At   string `json:"at"`
	// Reference is the first of References, which are left out if there is one.
	Reference  string   `json:"reference,omitempty"`
	References []string `json:"references,omitempty"`
	// Repository and Tags are those that the image has of its own.
	Repository *Value  `json:"repository,omitempty"`
	Tags       []Value `json:"tags,omitempty"`
	// Matrix are the variables whose values the image has from its matrix.
	Matrix []Named `json:"matrix,omitempty"`
	// Publish is set for an image that is not published, and Platform for one that runs on the engine's platform.
	Publish  *Value `json:"publish,omitempty"`
	Platform *Value `json:"platform,omitempty"`
	// Parent is the image of the family that this one is based on; Base is one from outside, or "scratch".
	Parent     *Value  `json:"parent,omitempty"`
	Base       *Value  `json:"base,omitempty"`
	Labels     []Named `json:"labels,omitempty"`
	Env        []Named `json:"env,omitempty"`
	User       *Value  `json:"user,omitempty"`
	Workdir    *Value  `json:"workdir,omitempty"`
	Volumes    []Value `json:"volumes,omitempty"`
	Ports      []Value `json:"ports,omitempty"`
	Secrets    []Named `json:"secrets,omitempty"`
	StopSignal *Value  `json:"stopsignal,omitempty"`
	Entrypoint []Value `json:"entrypoint,omitempty"`
	Command    []Value `json:"command,omitempty"`
	Steps      []Step  `json:"steps,omitempty"`
	Start      *Start  `json:"start,omitempty"`
	// Healthcheck is nil when the family says nothing of one.
	Healthcheck *Healthcheck `json:"healthcheck,omitempty"`
	// Kubernetes is how containers of the image run. It is nil for an image that is not meant to be run and has no such key.
	Kubernetes *Workload `json:"kubernetes,omitempty"`
}

// A Step is one step of an image. Its keys depend on its kind.
type Step struct {
	// Kind is fetch, files, packages, run or env.
	Kind  string `json:"kind"`
	Title string `json:"title"`
	At    string `json:"at"`
	// Lines are the first and the last line of the step in the spec.
	Lines [2]int `json:"lines"`

	URL      string   `json:"url,omitempty"`
	SHA256   string   `json:"sha256,omitempty"`
	Manager  string   `json:"manager,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Packages []string `json:"packages,omitempty"`
	// The rest of a package step. Docs and Recommends are left out where the image's configuration decides.
	Update     bool     `json:"update,omitempty"`
	Modules    []string `json:"modules,omitempty"`
	Remove     []string `json:"remove,omitempty"`
	Exclude    []string `json:"exclude,omitempty"`
	EnableRepo []string `json:"enablerepo,omitempty"`
	Docs       *bool    `json:"docs,omitempty"`
	Recommends *bool    `json:"recommends,omitempty"`

	Files []File `json:"files,omitempty"`
	// MoreFiles is how many files are left out of a list for people.
	MoreFiles int `json:"more_files,omitempty"`
	// Copies are what the step takes from images; which files these are is known when the images are built.
	Copies  []Copy   `json:"copies,omitempty"`
	Script  string   `json:"script,omitempty"`
	Command []string `json:"command,omitempty"`
	Workdir string   `json:"workdir,omitempty"`
	User    string   `json:"user,omitempty"`
	Env     []Set    `json:"env,omitempty"`
	Secrets []string `json:"secrets,omitempty"`
	Caches  []Cache  `json:"cache,omitempty"`
	Mounts  []Mount  `json:"mounts,omitempty"`
	Network string   `json:"network,omitempty"`
	// Refresh bounds the age of what the step got from the network. It is the step's own, or the spec's.
	Refresh string `json:"refresh,omitempty"`
}

// A Copy is what a step takes from an image.
type Copy struct {
	Image string `json:"image"`
	From  string `json:"from"`
	To    string `json:"to"`
	Mode  string `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
	// Exclude are patterns of what is left out.
	Exclude []string `json:"exclude,omitempty"`
}

// A Set is a variable that a step sets.
type Set struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Cache is a directory that is kept from one build to the next.
type Cache struct {
	Path   string `json:"path"`
	Name   string `json:"name,omitempty"`
	Locked bool   `json:"locked,omitempty"`
}

// A Mount is what a command sees at a path: what is at From of an image, files of the spec's folder, or an empty directory in memory.
type Mount struct {
	Path  string `json:"path"`
	Image string `json:"image,omitempty"`
	From  string `json:"from,omitempty"`
	Files int    `json:"files,omitempty"`
	Tmpfs bool   `json:"tmpfs,omitempty"`
}

// A File is a file that a step brings.
type File struct {
	Path string `json:"path"`
	// Type is file, directory or link.
	Type string `json:"type"`
	// Mode holds octal digits, set-id and sticky bits included.
	Mode   string `json:"mode,omitempty"`
	Target string `json:"target,omitempty"`
	// Owner is USER or USER:GROUP; without one, root.
	Owner string `json:"owner,omitempty"`
}
