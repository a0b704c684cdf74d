package llb

import (
	"context"
	"strconv"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// Content is a file system that steps of other images take files from.
type Content struct {
	state llb.State
	opts  Options
	name  string
}

// Content returns the file system of the image with the steps so far.
func (i Image) Content() Content { return Content{i.root, i.opts, i.source.Name} }

// External returns the file system of an image from outside the family, from which the step of an image at the given index takes files.
func External(image *family.Image, at int, base Base, opts Options) Content {
	named := describe(image, at, opts)
	return Content{llb.Image(base.Reference, append(as[llb.ImageOption](named.aside("from "+base.String())), llb.Platform(opts.Platform))...), opts, image.Name}
}

// OfLayer returns the file system of a layer for the next step of the image.
func (i Image) OfLayer(made layer.Layer) Content {
	return Content{layerState(made, describe(i.source, i.steps, i.opts)), i.opts, i.source.Name}
}

// Definition returns the LLB of the file system.
func (c Content) Definition(ctx context.Context) (*pb.Definition, error) {
	return marshal(ctx, c.state, c.opts, c.name)
}

// A TakenPath is a real path of a file system, and whether there is a directory.
type TakenPath struct {
	Path string
	Dir  bool
}

// Only returns a file system with what is at these paths: each is in the directory [Taken] by its number, a directory with all that is below it.
// The step of the image at the given index takes them.
func (c Content) Only(image *family.Image, at int, paths []TakenPath) Content {
	named := describe(image, at, c.opts)
	action := llb.Mkdir(Taken, 0o755)
	for i, p := range paths {
		to := Taken + "/" + strconv.Itoa(i)
		if p.Dir {
			action = action.Mkdir(to, 0o755)
		}
		action = action.Copy(c.state, p.Path, to, &llb.CopyInfo{CopyDirContentsOnly: p.Dir})
	}
	c.state = llb.Scratch().File(action, named.aside("take its files")...)
	return c
}

// Taken is the directory where the file system of [Content.Only] has what was taken.
const Taken = "/taken"

// layerState is the file system of a layer of the store.
func layerState(made layer.Layer, named description) llb.State {
	return llb.OCILayout(LayerName+"@"+made.Image.String(), append(as[llb.OCILayoutOption](named.aside(layerVertex)), llb.OCIStore("", LayerStore))...)
}
