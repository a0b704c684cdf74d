package llb

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// FetchedFile is where the root file system of a fetch holds the file.
const FetchedFile = "content"

// A description is what people see of a vertex: a name, and the lines of the spec.
type description struct {
	name  string
	at    llb.ConstraintsOpt
	on    llb.ConstraintsOpt // the platform that it runs on
	again llb.ConstraintsOpt // with NoCache: solve the vertex even if its result is in the cache
}

// again is the constraint for every vertex that depends on the result of a command. With NoCache, a command runs again although its inputs
// are the same. Without this constraint, the engine would still take the results of the vertices after it from its cache.
func (o Options) again() llb.ConstraintsOpt {
	if o.NoCache {
		return llb.IgnoreCache
	}
	return llb.WithDescription(nil)
}

// StepName returns the name under which people see a step: "[pulp-base 2/5] yum groupinstall pulp-server". The first step is at 0.
func StepName(image *family.Image, at int) string {
	return fmt.Sprintf("[%s %d/%d] %s", image.Name, at+1, len(image.Steps), image.Steps[at].Title())
}

// describe describes a step of an image.
func describe(image *family.Image, at int, opts Options) description {
	return description{
		name:  StepName(image, at),
		at:    location(opts.SpecFile, image.Steps[at].At()),
		on:    llb.Platform(opts.RunsOn(image)),
		again: opts.again(),
	}
}

// constraints describes the vertex that does a step's work.
func (d description) constraints() []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{llb.WithCustomName(d.name), d.at, d.on, d.again, inGroup(ProgressGroup(d.name))}
}

// aside describes an additional vertex of a step, beside the one that does its work. Displays show both as one.
func (d description) aside(what string) []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{llb.WithCustomName(d.name + ", " + what), d.at, d.on, d.again, inGroup(ProgressGroup(d.name))}
}

// layerVertex ends the name of a vertex that makes the layer of a step, or takes it from the store.
const layerVertex = "its layer"

// IsLayer reports whether a vertex of this name is the layer of a step, and not the step itself.
func IsLayer(name string) bool { return strings.HasSuffix(name, ", "+layerVertex) }

// ProgressGroup returns the group that displays show a step's vertices as.
func ProgressGroup(step string) *pb.ProgressGroup { return &pb.ProgressGroup{Id: step, Name: step} }

func inGroup(g *pb.ProgressGroup) llb.ConstraintsOpt { return llb.ProgressGroup(g.Id, g.Name, g.Weak) }

// as converts constraints to the option type of an operation.
func as[T any](constraints []llb.ConstraintsOpt) []T {
	out := make([]T, len(constraints))
	for i, c := range constraints {
		out[i] = c.(T)
	}
	return out
}

// location points into the spec. The LLB has positions only, not the text: whoever shows them has the file, and the definition of each
// image of a large family would repeat it.
func location(file string, at spec.Range) llb.ConstraintsOpt {
	return llb.NewSourceMap(nil, cmp.Or(at.Start.File, file), "YAML", nil).Location([]*pb.Range{{
		Start: &pb.Position{Line: int32(at.Start.Line), Character: int32(at.Start.Column)},
		End:   &pb.Position{Line: int32(at.End.Line), Character: int32(at.End.Column)},
	}})
}

// CredentialsID returns the id of the secret with the Authorization header that an engine sends for a step, a Fetch step with credentials.
// No secret of a run step has such an id.
func CredentialsID(image *family.Image, at int) string {
	return fmt.Sprintf("pulpimg/%s/%d", image.Name, at+1)
}

// fetch returns a state that holds the file of a Fetch step. An engine asks for the credentials by their id: what is in a definition
// goes into the engine's cache, its log and its errors.
func fetch(step family.Fetch, credentials string, named description) llb.State {
	opts := append(as[llb.HTTPOption](named.constraints()), llb.Filename(FetchedFile))
	if step.SHA256 != "" {
		opts = append(opts, llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, step.SHA256)))
	}
	if step.URL.Authorization() != "" {
		opts = append(opts, llb.AuthHeaderSecret(credentials))
	}
	return llb.HTTP(step.URL.Request(), opts...)
}

// copyInto returns a root file system with a layer copied into it. The entries have real paths, and directories have the attributes that
// they have in the root file system, so the whole layer can be copied at once. A file replaces what is in its place, even a symbolic
// link: a layer does the same, and so does a copy of the directory that holds the file.
func copyInto(root, from llb.State, empty bool, named description) llb.State {
	action := llb.Copy(from, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
	if empty {
		action = llb.Mkdir("/", 0o755, llb.WithParents(true)) // it is there; but see layersWith
	}
	return root.File(action, named.aside("copied in")...)
}
