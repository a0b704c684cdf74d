package starter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
	"github.com/pulpimg/pulpimg/templates"
)

// DefaultName is the name of a family whose directory has a name that no image can have.
const DefaultName = "hello"

// ErrExists says that there is a file already.
var ErrExists = errors.New("there is a file already")

// Spec returns a commented spec for a family of that name, which has to be one that an image can have.
func Spec(name string) ([]byte, error) {
	parsed, err := template.New("spec").Parse(templates.Starter())
	if err != nil {
		return nil, fmt.Errorf("reading the template of a spec: %w", err)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, name); err != nil {
		return nil, fmt.Errorf("writing a spec: %w", err)
	}
	return b.Bytes(), nil
}

// Write writes a spec to a file, with the directories above it, and names the family after the directory that it is in. A file that is
// there already is ErrExists, unless it may be overwritten.
func Write(file string, overwrite bool) error {
	data, err := Spec(familyName(file))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", file, err)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", file, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("writing the spec: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the spec: %w", err)
	}
	return nil
}

// familyName returns what a family is called whose spec is in a file.
func familyName(file string) string {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return DefaultName
	}
	name := strings.ToLower(filepath.Base(filepath.Dir(absolute)))
	if name == "scratch" || !schema.ImageName.Regexp().MatchString(name) {
		return DefaultName
	}
	var plain yaml.Node
	if err := yaml.Unmarshal([]byte(name), &plain); err != nil || plain.Content[0].ShortTag() != "!!str" {
		return DefaultName // such as 2026 or true, which need quotes
	}
	return name
}
