package dockerfile

import (
	"cmp"
	"context"
	"slices"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Options decide how a family is written.
type Options struct {
	// SpecFile is how comments name the spec. If it is empty, it is the name that the spec was read by.
	SpecFile string
	// Archs are the architectures, in Go's terms, that the images can be built for. Content that depends on them is there for each. None
	// means those that there are helpers for, amd64 and arm64.
	Archs []string
}

// complete returns the options that files of a family are generated with.
func (o Options) complete(f *family.Family) Options {
	o.SpecFile = cmp.Or(o.SpecFile, f.Spec.Filename)
	if len(o.Archs) == 0 {
		o.Archs = []string{"amd64", "arm64"}
	}
	return o
}

// The files at the top. No image may be called like one of them.
const (
	bakeFile   = "docker-bake.hcl"
	scriptFile = "build.sh"
	// Name is the name of the file, in an image's folder, that the package is about.
	Name = "Dockerfile"
)

// A File is a file of a build context, or one at the top.
type File = gendir.File

// Generate returns the files of a family's build contexts, sorted by path. An error about something that a Dockerfile cannot say is a
// spec.Errors.
func Generate(ctx context.Context, f *family.Family, opts Options) ([]File, error) {
	var (
		files   []gendir.File
		targets []target
	)
	opts = opts.complete(f)
	if err := checkNames(f); err != nil {
		return nil, err
	}
	if at, ok := f.NamesTarget(); ok {
		report := spec.NewReport(f.Spec.Filename)
		report.Add(at, "in scripts, write $TARGETARCH and the like", "a Dockerfile is for all platforms, and this names the one that is built for")
		return nil, report.Err()
	}
	for _, source := range f.Images {
		image, err := newWriter(f, source, opts).image(ctx, f)
		if err != nil {
			return nil, err
		}
		files = append(files, image.files...)
		targets = append(targets, image.target)
	}
	top, err := topFiles(f, targets, opts)
	if err != nil {
		return nil, err
	}
	files = append(files, top...)
	slices.SortFunc(files, func(a, b gendir.File) int { return cmp.Compare(a.Path, b.Path) })
	return files, nil
}

// checkNames reports images whose folders would have the name of a file at the top.
func checkNames(f *family.Family) error {
	report := spec.NewReport(f.Spec.Filename)
	for _, image := range f.Images {
		if name := image.Name; name == bakeFile || name == scriptFile {
			report.Add(image.At, "give the image another name", "the folder of the image %s would replace the file %s, which builds all images", name, name)
		}
	}
	return report.Err()
}
