package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"time"
)

// Path is the contract's file in an image.
const Path = "/usr/share/pulpimg/contract.json"

// format is the number of the newest format of the file, and the only one that says its number: an image whose services all have a URL has the
// same file as ever. A pulp-helper that is older than the number takes a service without a URL for one with a wrong URL, and refuses it.
const format = 2

// A Contract is what the containers of a family need to know when they start.
type Contract struct {
	Environment []Variable `json:"environment,omitempty"`
	Settings    []Settings `json:"settings,omitempty"`
	Services    []Service  `json:"services,omitempty"`
}

// A Variable is an environment variable that a container reads when it starts.
type Variable struct {
	Name string `json:"name"`
	// Default is used when the variable is not set or empty; it may name other variables as ${NAME}. Nil means that there is none.
	Default *string `json:"default,omitempty"`
	// Required is set if a container does not start without a value.
	Required bool `json:"required,omitempty"`
	// Secret keeps the value out of messages and traces.
	Secret bool `json:"secret,omitempty"`
}

// Settings are values that are written into one file when a container starts.
type Settings struct {
	Name string `json:"name"`
	// File is the absolute path of the file.
	File string `json:"file"`
	// Lens is the name of the Augeas lens file, such as "pulpconf.aug".
	Lens string `json:"lens"`
	// Set holds the values in the order of the spec.
	Set []Setting `json:"set"`
}

// A Setting is one value of a settings file.
type Setting struct {
	// Path is SECTION/KEY; Split takes it apart.
	Path string `json:"path"`
	// Value may name environment variables as ${NAME}; "$${" stands for "${".
	Value string `json:"value"`
}

// settingPath matches the names that a setting may have: the section becomes part of an Augeas path, in which quotes and brackets have a
// meaning, and the key part of a regular expression. Resolving a spec has checked that; a file in an image may be anything.
var settingPath = regexp.MustCompile(`^([A-Za-z0-9_.:-]+(?: [A-Za-z0-9_.:-]+)*)/([A-Za-z][A-Za-z0-9_.-]*)$`)

// Split returns the section and the key of a setting. It is not ok if the path is not SECTION/KEY, or has other characters.
func (s Setting) Split() (section, key string, ok bool) {
	found := settingPath.FindStringSubmatch(s.Path)
	if found == nil {
		return "", "", false
	}
	return found[1], found[2], true
}

// Defaults for a service: a minute in all, because a database that starts together with its clients may take so long.
const (
	DefaultTries    = 12
	DefaultInterval = 5 * time.Second
	DefaultTimeout  = 2 * time.Second
	// DefaultCommandTimeout is for a command: a program that loads its libraries first takes longer than a server that runs.
	DefaultCommandTimeout = 30 * time.Second
)

// A Service is something that a container waits for when it starts: a server, which has a URL, or what a command reports, which has none.
type Service struct {
	Name string `json:"name"`
	// URL may name environment variables as ${NAME}; "$${" stands for "${".
	URL string `json:"url,omitempty"`
	// Command is a program with its arguments, which exits with 0 if the service is there. Each may name environment variables as URL does.
	Command []string `json:"command,omitempty"`
	// Tries is how often to ask, Interval how long to pause between two tries.
	Tries    int           `json:"tries"`
	Interval time.Duration `json:"interval"` // nanoseconds
	// Timeout bounds one try.
	Timeout time.Duration `json:"timeout"` // nanoseconds
}

// Marshal returns the file of an image: the same bytes for the same contract.
func (c Contract) Marshal() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	f := file{Contract: c}
	if slices.ContainsFunc(c.Services, func(s Service) bool { return len(s.Command) > 0 }) {
		f.Format = format
	}
	err := encoder.Encode(f)
	return b.Bytes(), err
}

// A file is a contract as it is written.
type file struct {
	// Format is 0 for the first one, which did not have a number.
	Format int `json:"format,omitempty"`
	Contract
}

// Read reads the contract of an image.
func Read(name string) (Contract, error) {
	var f file
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Contract{}, fmt.Errorf("the image does not declare anything: %s does not exist; add a helpers step to its spec and build it again", name)
	}
	if err != nil {
		return Contract{}, fmt.Errorf("reading what the image declares: %w", err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return Contract{}, fmt.Errorf("reading what the image declares in %s: %w", name, err)
	}
	if f.Format != 0 && f.Format != format {
		return Contract{}, fmt.Errorf("what the image declares in %s has the format %d, and this program reads format %d: they are of different versions of pulpimg",
			name, f.Format, format)
	}
	return f.Contract, nil
}
