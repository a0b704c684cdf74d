package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/spec"
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
	read, err := spec.Load(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("there is no file %s: name the spec with -f", s.file)}
	}
	if read == nil {
		return nil, err
	}
	resolved, resolveErr := family.Resolve(read,
		family.WithDir(filepath.Dir(s.file)),
		family.WithAssets(s.assetFS()),
		family.WithVariables(variables),
		family.WithRegistry(s.registry),
		family.WithTag(s.tag),
	)
	if err != nil {
		return nil, spec.Join(err, resolveErr)
	}
	if resolveErr != nil {
		return nil, resolveErr
	}
	if len(images) == 0 {
		return resolved, nil
	}
	selected, err := resolved.Select(images...)
	if err != nil {
		return nil, usageError{err}
	}
	return selected, nil
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

// layout opens where the images of a spec are kept between commands. Specs are told apart by where they are: two of them may declare
// versions of one family. The layout must be closed.
func (s *source) layout(ctx context.Context, f *family.Family) (*layout.Layout, error) {
	absolute, err := filepath.Abs(s.file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(absolute))
	dir, err := storeDir(imagesStore, fmt.Sprintf("%s-%s.v%d", f.Name, hex.EncodeToString(sum[:6]), layout.Format))
	if err != nil {
		return nil, err
	}
	return layout.Open(ctx, dir)
}
