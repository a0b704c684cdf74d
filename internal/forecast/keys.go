package forecast

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// commandKey returns the key of a step that runs a command. The sources are those of its mounts of images.
func (w walker) commandKey(ctx context.Context, image *Image, at int, sources []sourceState) (digest.Digest, error) {
	var mounts []key.Mount
	if run, ok := image.Source.Steps[at].(family.Run); ok {
		for _, m := range run.Mounts {
			var mount key.Mount
			if m.Source != nil {
				mount.Image, sources = sources[0].key, sources[1:]
			}
			var err error
			if mount.Files, err = w.keyFiles(ctx, m.Files); err != nil {
				return "", err
			}
			mounts = append(mounts, mount)
		}
	}
	command, err := image.compiled.Command(mounts)
	if err != nil {
		return "", err
	}
	return command.Digest(image.Key), nil
}

// filesKey returns the key of a step that adds files. The sources are those of its copies.
func (w walker) filesKey(ctx context.Context, image *Image, at int, sources []sourceState) (digest.Digest, error) {
	switch s := image.Source.Steps[at].(type) {
	case family.Fetch:
		content, err := w.Fetch(ctx, image.Source, at)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(content)
		return key.Files(image.Key, []key.File{{Path: s.Path, Mode: s.Mode, SHA256: sum[:]}}, nil), nil
	case family.Directories:
		dirs := make([]key.Directory, len(s.Dirs))
		for i, d := range s.Dirs {
			dirs[i] = key.Directory{Path: d.Path, Mode: d.Mode, Owner: string(d.Owner)}
		}
		return key.Directories(image.Key, dirs), nil
	case family.Files:
		files, err := w.keyFiles(ctx, s.Files)
		if err != nil {
			return "", err
		}
		copies := make([]key.Copy, len(s.Copies))
		for i, c := range s.Copies {
			copies[i] = key.Copy{
				Image: sources[i].key, From: c.From, To: c.To, Into: c.Into, Mode: c.Mode, Owner: string(c.Owner), Exclude: c.Exclude,
			}
		}
		return key.Files(image.Key, files, copies), nil
	}
	return "", fmt.Errorf("there is no key of a step of the type %T", image.Source.Steps[at])
}

// keyFiles returns files in the terms of a key.
func (w walker) keyFiles(ctx context.Context, files []family.File) ([]key.File, error) {
	out := make([]key.File, len(files))
	for i, f := range files {
		out[i] = key.File{Path: f.Path, Mode: f.Mode, Owner: string(f.Owner), Target: f.Target}
		var err error
		if out[i].SHA256, err = w.content(ctx, f.Content); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return out, nil
}

// content returns the digest of a file's content.
func (w walker) content(ctx context.Context, content family.Content) ([]byte, error) {
	switch c := content.(type) {
	case nil:
		return nil, nil
	case family.DiskContent:
		return w.Sum(ctx, c)
	}
	sum, err := family.Sum(ctx, content, w.platform.Architecture)
	return sum[:], err
}
