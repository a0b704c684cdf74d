package recipe

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// The kinds of steps whose files do not come from the folder alone.
const (
	lensKind     = "lens"
	repoFileKind = "repo file"
	helpersKind  = "helpers"
	startKind    = "start"
)

// kindOfFiles returns the kind of a step with files, in the words of the spec.
func kindOfFiles(s family.Files, d spec.Step) string {
	switch {
	case d.Repo != nil:
		return repoFileKind
	case d.Lens != nil:
		return lensKind
	case len(d.Helpers) > 0:
		return helpersKind
	case slices.ContainsFunc(s.Files, func(f family.File) bool { return f.Path == startscript.Path }):
		return startKind
	}
	return "files"
}

// filesStep adds what a step with files says, and returns its files.
func (b builder) filesStep(ctx context.Context, into *facts, image *family.Image, at int) ([]file, error) {
	s, d := image.Steps[at].(family.Files), declared(image, at)
	if err := b.copies(ctx, into, image, s); err != nil {
		return nil, err
	}
	var files []file
	for _, f := range s.Files {
		whole := ""
		switch {
		case f.Path == contract.Path:
			whole = contractGroup
			b.contract(into, f.Content)
		case f.Path == startscript.Path:
			whole = startGroup
			b.startScript(into, f.Content, image)
		case d.Repo != nil:
			whole = repoGroup
			b.repoFile(into, f.Content, d.Repo)
		}
		made, err := b.file(ctx, f)
		if err != nil {
			return nil, err
		}
		if whole != "" {
			into.add(fact{Name: whole, Form: rest, Group: whole, Values: []string{made.Sum}})
			made.Sum = ""
		}
		files = append(files, made)
	}
	into.add(b.history(s, files[:historyPaths(files)]))
	sortFiles(files)
	return files, nil
}

// historyPaths returns how many paths the history of an image names.
func historyPaths(files []file) int {
	const many = 5
	if len(files) > many {
		return 1
	}
	return len(files)
}

// copies adds what a step takes from images.
func (b builder) copies(ctx context.Context, into *facts, image *family.Image, s family.Files) error {
	all := fact{Name: "files", Form: list}
	for _, c := range s.Copies {
		to := c.To
		if c.Into && to != "/" {
			to += "/"
		}
		name := valid(fmt.Sprintf("copy %s of %s to %s", c.From, c.Source.Name(), to))
		all.Values, all.each = append(all.Values, name), append(all.each, c.At)
		if c.Source.Image == nil {
			from, err := b.source(ctx, name+" image", c.Source, image)
			if err != nil {
				return err
			}
			into.add(from)
		}
		into.add(fact{Name: name + " mode", Part: true, Values: []string{modeOr(c.Mode, "none")}, at: c.At})
		into.add(fact{Name: name + " owner", Part: true, Values: []string{valid(orNone(string(c.Owner)))}, at: c.At})
		into.add(fact{Name: name + " exclude", Part: true, Form: list, Values: c.Exclude, at: c.At})
	}
	into.add(all)
	return nil
}

func sortFiles(files []file) {
	slices.SortStableFunc(files, byPlace)
}

func (b builder) file(ctx context.Context, f family.File) (file, error) {
	out := file{Path: valid(f.Path), Mode: posix(f.Mode), Owner: valid(string(f.Owner)), Target: valid(f.Target)}
	var sum []byte
	var err error
	switch c := f.Content.(type) {
	case nil:
		return out, nil
	case family.DiskContent:
		_, name, _ := c.File()
		out.From = valid(name)
		sum, err = b.sum(ctx, c)
	default:
		var whole [32]byte
		whole, err = family.Sum(ctx, c, b.platform.Architecture)
		sum = whole[:]
	}
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	out.Sum = hex.EncodeToString(sum)
	return out, nil
}

func (b builder) sum(ctx context.Context, c family.DiskContent) ([]byte, error) {
	if b.Sum == nil {
		return family.ReadSum(ctx, c)
	}
	return b.Sum(ctx, c)
}
