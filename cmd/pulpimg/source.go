package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/internal/gitinfo"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// defaultSpec is the spec that commands read when they are not told another.
const defaultSpec = "pulpimg.yaml"

// A source is the spec that a command works on, and the flags that change what it says.
type source struct {
	file       string
	set        []string
	vars       []string
	registries []string
	tags       []string
	assets     string
}

func (s *source) flags(flags *pflag.FlagSet) {
	flags.StringVarP(&s.file, "file", "f", defaultSpec, "the spec")
	flags.StringArrayVar(&s.set, "set", nil, "set a variable of the spec, `NAME=VALUE` (may be repeated)")
	flags.StringArrayVar(&s.vars, "vars", nil, "read values of variables from this YAML `FILE` too, as from "+family.ValuesFile+" beside the spec (may be repeated)")
	flags.StringArrayVar(&s.registries, "registry", nil, "publish under this `PREFIX` instead of the spec's registries (may be repeated)")
	flags.StringArrayVar(&s.tags, "tag", nil, "publish under this `TAG` instead of the spec's tags (may be repeated)")
	flags.StringVar(&s.assets, "assets", "", "a `DIR` whose files stand in for the built-in ones of the same name (lens, helper)")
}

// family reads the spec and resolves it, or only the named images of it and what they are based on.
func (s *source) family(ctx context.Context, con console, images []string) (*family.Family, error) {
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
	values, err := s.values()
	if err != nil {
		return nil, err
	}
	repository := gitinfo.In(filepath.Dir(s.file))
	resolved, err := family.Load(s.file, family.Options{
		Git:       func(fact string) (string, error) { return repository.Fact(ctx, gitinfo.Fact(fact)) },
		Variables: variables, Environ: os.Environ(), Values: values, Images: images, Registries: s.registries, Tags: s.tags, Assets: s.assetFS(),
	})
	var unknown *family.UnknownImageError
	if errors.As(err, &unknown) {
		return nil, usageError{withPathHint(err, images)}
	}
	if err != nil {
		return nil, err
	}
	warnOfUnknown(con, resolved)
	return resolved, nil
}

// publishedFamily does the same for a command that needs what was published, and refuses named images that never are.
func (s *source) publishedFamily(ctx context.Context, con console, images []string) (*family.Family, error) {
	f, err := s.family(ctx, con, images)
	if err != nil {
		return nil, err
	}
	for _, name := range images {
		for _, image := range f.Called(name) {
			if image.Unpublished {
				return nil, usageError{fmt.Errorf("%s has publish: false: it is there for other images of the spec, and only pulpimg build takes its name", name)}
			}
		}
	}
	return f, nil
}

// warnOfUnknown says which variables of the environment give the spec nothing. They are no error: they may be for other specs.
func warnOfUnknown(con console, f *family.Family) {
	var names []string
	for _, v := range f.Spec.Variables {
		names = append(names, v.Name.Value)
	}
	for _, name := range f.Unknown {
		note := fmt.Sprintf("%s is set, and %s declares no such variable", name, f.Spec.Filename)
		if near, ok := spec.Nearest(strings.TrimPrefix(name, family.EnvironPrefix), names); ok {
			note += fmt.Sprintf(" (did you mean %s?)", family.EnvironPrefix+near)
		}
		fmt.Fprintln(con.err, "pulpimg: "+diagnostic.Visible(note))
	}
}

// values reads the files of values of the command line.
func (s *source) values() ([]*spec.Values, error) {
	var all []*spec.Values
	for _, file := range s.vars {
		values, err := spec.LoadValues(file)
		var path *fs.PathError
		if errors.As(err, &path) {
			return nil, usageError{fmt.Errorf("--vars %s: %w", file, path.Err)}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, values)
	}
	return all, nil
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
