package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// defaultSpec is the spec that commands read when they are not told another.
const defaultSpec = "pulpimg.yaml"

// A source is the spec that a command works on, and the flags that change what it says.
type source struct {
	file     string
	set      []string
	registry string
	tag      string
	assets   string
}

func (s *source) flags(flags *pflag.FlagSet) {
	flags.StringVarP(&s.file, "file", "f", defaultSpec, "the spec")
	flags.StringArrayVar(&s.set, "set", nil, "set a variable of the spec, `NAME=VALUE` (may be repeated)")
	flags.StringVar(&s.registry, "registry", "", "publish under this `PREFIX` instead of the spec's registry")
	flags.StringVar(&s.tag, "tag", "", "publish under this `TAG` instead of the spec's")
	flags.StringVar(&s.assets, "assets", "", "a `DIR` whose files stand in for the built-in ones of the same name (lens, helper)")
}

// family reads and resolves the spec, and selects images of it.
func (s *source) family(images []string) (*family.Family, error) {
	variables, err := assignments(s.set)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(s.assets); s.assets != "" && (err != nil || !info.IsDir()) {
		return nil, usageError{fmt.Errorf("--assets %s: there is no such directory", s.assets)}
	}
	if _, err := os.Stat(s.file); errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("there is no file %s: name the spec with -f", s.file)}
	}
	resolved, err := family.Load(s.file, family.Options{
		Variables: variables, Registry: s.registry, Tag: s.tag, Assets: s.assetFS(),
	})
	if err != nil || len(images) == 0 {
		return resolved, err
	}
	selected, err := resolved.Select(images...)
	if err != nil {
		return nil, usageError{withPathHint(err, images)}
	}
	return selected, nil
}

// withPathHint adds what to do to an error about images, when one of them is a path or a reference, as docker has them as arguments.
func withPathHint(err error, images []string) error {
	for _, name := range images {
		if name == "." || strings.Contains(name, "/") || filepath.Ext(name) == ".yaml" || filepath.Ext(name) == ".yml" {
			return fmt.Errorf("%w: arguments are names of images in the spec, which is given with -f", err)
		}
	}
	return err
}

// assetFS returns the built-in assets, with those of the user's directory before them.
func (s *source) assetFS() fs.FS {
	if s.assets == "" {
		return assets.FS()
	}
	return overlay{os.DirFS(s.assets), assets.FS()}
}

// An overlay opens each file in the first file system that has it.
type overlay []fs.FS

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	var err error
	for _, below := range o {
		var file fs.File
		if file, err = below.Open(name); !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return nil, err
}

func assignments(list []string) (map[string]string, error) {
	values := map[string]string{}
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--set %s: write NAME=VALUE", s)}
		}
		values[name] = value
	}
	return values, nil
}
