package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A platform has the images for one platform.
type platform struct {
	Name   string  `json:"platform"`
	Images []image `json:"images"`
}

// An image is what one image is made of.
type image struct {
	Name  string `json:"name"`
	Facts []fact `json:"facts,omitempty"`
	Steps []step `json:"steps,omitempty"`
	at    spec.Range
}

// A step is what one step does.
type step struct {
	Kind  string `json:"kind"` // in the words of the spec: what has another one is another step
	Title string `json:"title"`
	Facts []fact `json:"facts,omitempty"`
	// Files are sorted by their paths. A step of another kind has those of its mounts.
	Files []file `json:"files,omitempty"`
	at    spec.Range
}

// The kinds of steps that the comparison knows.
const (
	runKind = "run"
	envKind = "env"
)

// A form says how a fact is compared, and how a difference is said.
type form string

const (
	single   form = ""         // one value
	list     form = "list"     // values, whose order matters
	set      form = "set"      // values, whose order does not matter
	ordering form = "ordering" // names of other facts, of which only the order matters
	command  form = "command"  // the words of a command
	script   form = "script"   // lines
	content  form = "content"  // the digest of a content, and what it is called
	source   form = "source"   // an image
	called   form = "called"   // what a history calls a step, counts if nothing else in the step differs
	rest     form = "rest"     // the digest of a whole, counts if no other fact of the same group differs
)

// A reach says what depends on a fact.
type reach string

const (
	ofLayers   reach = ""         // the layer of its step
	ofConfig   reach = "config"   // the config only
	ofCommands reach = "commands" // the config, and the commands behind it
	ofRuns     reach = "runs"     // the config, and the run steps behind it that have no directory of their own
)

// A fact is one thing that is so of an image or a step.
type fact struct {
	// Name is what a difference is called, in the words of the spec. No two facts of an image or a step have one name.
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"`
	Form   form     `json:"form,omitempty"`
	Reach  reach    `json:"reach,omitempty"`
	// Group is the generated file that says so, or what else a whole is that the fact is a part of.
	Group string `json:"group,omitempty"`
	// Part says that the fact belongs to an item of a list, which tells when the item comes or goes.
	Part bool `json:"part,omitempty"`
	// Sum is the digest of the values if not all of them may be shown.
	Sum string `json:"sum,omitempty"`
	// Image is the name of an image of the family.
	Image string `json:"image,omitempty"`

	at   spec.Range
	each []spec.Range // of the values
}

// value returns one of the values, or nothing.
func (f *fact) value(n int) string {
	if n < len(f.Values) {
		return f.Values[n]
	}
	return ""
}

// place returns where a value is in the spec, or the fact itself.
func (f *fact) place(value int) spec.Range {
	if value >= 0 && value < len(f.each) {
		return f.each[value]
	}
	return f.at
}

// A file is one file of a step.
type file struct {
	Path   string `json:"path"`
	Mount  string `json:"mount,omitempty"` // the path of the mount that it is in
	From   string `json:"from,omitempty"`  // the path in the folder of the spec
	Mode   uint32 `json:"mode,omitempty"`  // as chmod and stat have it
	Owner  string `json:"owner,omitempty"`
	Target string `json:"target,omitempty"`
	Sum    string `json:"sum,omitempty"`
}

// sum returns a digest of what a step does, however it is called and wherever its files come from.
func (s step) sum() string {
	s.Title, s.Files = "", slices.Clone(s.Files)
	for i := range s.Files {
		s.Files[i].From = ""
	}
	return sumOf(s)
}

// sumOf returns a digest of a value of this package, which always has a form in JSON.
func sumOf(value any) string {
	data, _ := json.Marshal(value)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// runs reports whether a step runs a command; if withDir is false, only a run step counts that has no directory of its own.
func (s step) runs(withDir bool) bool {
	switch s.Kind {
	case runKind:
		return withDir || !slices.ContainsFunc(s.Facts, func(f fact) bool { return f.Name == workdirName })
	case "yum", "dnf", "apt", "apk":
		return withDir
	}
	return false
}
