//go:build linux

package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// A File is a settings file with the values that go into it.
type File struct {
	path   string
	lens   string
	values []assignment
	// secret says that a value is not for messages.
	secret bool
}

// An assignment is a setting with its variables put in.
type assignment struct{ section, key, value string }

// Resolve puts the environment's values into settings. Its error names every variable that is missing and every value that the file
// cannot hold, each as an error of its own (joined by errors.Join), and shows no secret.
func Resolve(s contract.Settings, env contract.Environment) (File, error) {
	file := File{path: s.File, lens: s.Lens}
	var errs []error
	for _, setting := range s.Set {
		if err := file.add(setting, env); err != nil {
			errs = append(errs, fmt.Errorf("%s of %s: %w", setting.Path, s.File, err))
		}
	}
	return file, errors.Join(errs...)
}

func (f *File) add(s contract.Setting, env contract.Environment) error {
	section, key, ok := s.Split()
	if !ok {
		return errors.New("the setting's name is not SECTION/KEY")
	}
	if strings.EqualFold(key, "rem") {
		return errors.New("a line that begins with this word is a comment to Python 2: use another key")
	}
	value, err := env.Expand(s.Value)
	if err != nil {
		return err
	}
	if reason := problem(value.Text); reason != "" {
		return refusal(reason, value, env)
	}
	f.secret = f.secret || value.Text != value.Shown
	f.values = append(f.values, assignment{section, key, value.Text})
	return nil
}

// shownLength bounds how much of a value a message shows, in characters.
const shownLength = 60

func refusal(reason string, value contract.Value, env contract.Environment) error {
	shown := []rune(value.Shown)
	if len(shown) > shownLength {
		shown = append(shown[:shownLength], '…')
	}
	guilty := culprits(reason, value.Variables, env)
	if len(guilty) == 0 {
		return fmt.Errorf("the value %q %s, which the file cannot hold: change the spec", string(shown), reason)
	}
	return fmt.Errorf("the value %q %s, which the file cannot hold: give another one with -e %s=VALUE",
		string(shown), reason, strings.Join(guilty, "=VALUE or -e "))
}

// culprits returns the variables whose own values have a problem, or all of them when it comes from how they are put together.
func culprits(reason string, names []string, env contract.Environment) []string {
	var out []string
	for _, name := range names {
		if own, err := env.Expand("${" + name + "}"); err == nil && problem(own.Text) == reason {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		out = slices.Clone(names)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
