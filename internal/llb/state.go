package llb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// FetchedFile is where the root file system of a fetch holds the file.
const FetchedFile = "content"

// A description is what people see of a vertex: a name, and the lines of the spec.
type description struct {
	name  string
	at    llb.ConstraintsOpt
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
		again: opts.again(),
	}
}

// constraints describes the vertex that does a step's work.
func (d description) constraints() []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{llb.WithCustomName(d.name), d.at, d.again, inGroup(ProgressGroup(d.name))}
}

// aside describes an additional vertex of a step, beside the one that does its work. Displays show both as one.
func (d description) aside(what string) []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{llb.WithCustomName(d.name + ", " + what), d.at, d.again, inGroup(ProgressGroup(d.name))}
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
	return llb.NewSourceMap(nil, file, "YAML", nil).Location([]*pb.Range{{
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
func copyInto(root, from llb.State, entries []layer.Entry, named description) llb.State {
	action := llb.Copy(from, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
	if len(entries) == 0 {
		action = llb.Mkdir("/", 0o755, llb.WithParents(true)) // it is there; but see layersWith
	}
	return root.File(action, named.aside("copied in")...)
}

// A command is what a step runs.
type command struct {
	script    string   // for a shell, or empty
	args      []string // the words to run without a shell, if script is empty
	env       []family.EnvVar
	cacheDirs []string
	secrets   []string
}

func commandOf(step family.Step, opts Options) (command, error) {
	switch s := step.(type) {
	case family.Packages:
		trusted := ""
		if opts.Trusting {
			trusted = trustedFile
		}
		install, err := packages.Trusting(s, trusted)
		if err != nil {
			return command{}, err
		}
		return command{script: install.Script(), env: install.Env, cacheDirs: install.CacheDirs}, nil
	case family.Run:
		if len(s.Args) > 0 {
			return command{args: s.Args, secrets: s.Secrets}, nil
		}
		return command{script: s.Script, secrets: s.Secrets}, nil
	}
	return command{}, fmt.Errorf("the step %q runs no command", step.Title())
}

// tracing are the variables that BuildKit gives to every command, so that the command can send traces of the build. Their values differ
// from build to build, so no image may depend on them.
// https://github.com/moby/buildkit/blob/v0.34.2/executor/oci/spec.go
var tracing = []string{
	noTracing, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "TRACEPARENT", "TRACESTATE",
}

// noTracing is the variable that switches tracing off when its value is "none". BuildKit leaves it as it is given.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
const noTracing = "OTEL_TRACES_EXPORTER"

// shell returns the arguments that run a script in an environment without BuildKit's tracing variables. The first line of the script stays
// the first line, because errors of shells have line numbers.
func shell(script string, declared map[string]bool) []string {
	undeclared := slices.DeleteFunc(slices.Clone(tracing), func(name string) bool { return declared[name] })
	if len(undeclared) > 0 {
		script = "unset " + strings.Join(undeclared, " ") + "; " + script
	}
	return []string{"/bin/sh", "-euc", script}
}

// run returns the root file system after a command. The command runs as root in /, with the environment of the image.
func run(root llb.State, c command, imageEnv []string, named description, with Options) llb.State {
	opts := append(as[llb.RunOption](named.constraints()), llb.Dir("/"))
	declared := map[string]bool{}
	for _, variable := range imageEnv {
		name, value, _ := strings.Cut(variable, "=")
		opts = append(opts, llb.AddEnv(name, value))
		declared[name] = true
	}
	for _, variable := range c.env {
		opts = append(opts, llb.AddEnv(variable.Name, variable.Value))
		declared[variable.Name] = true
	}
	switch {
	case c.script != "":
		opts = append(opts, llb.Args(shell(c.script, declared)))
	case declared[noTracing]:
		opts = append(opts, llb.Args(c.args))
	default:
		opts = append(opts, llb.Args(c.args), llb.AddEnv(noTracing, "none"))
	}
	opts = append(opts, surroundings(with, declared)...)
	for _, dir := range c.cacheDirs {
		// Package managers lock their caches for themselves and give up when they find them locked.
		opts = append(opts, llb.AddMount(dir, llb.Scratch(), llb.AsPersistentCacheDir("pulpimg"+dir, llb.CacheMountLocked)))
	}
	for _, id := range c.secrets {
		opts = append(opts, llb.AddSecret("/run/secrets/"+id, llb.SecretID(id)))
	}
	// A new state has the resulting file system, but not the environment and directory of the command.
	return llb.NewState(root.Run(opts...).Root().Output())
}
