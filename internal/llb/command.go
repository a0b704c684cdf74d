package llb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A command is what a step runs.
type command struct {
	script    string   // for a shell, or empty
	args      []string // the words to run without a shell, if script is empty
	dir       string
	user      string // empty for root
	env       []variable
	caches    []cache
	mounts    []mount
	secrets   []string
	noNetwork bool
	again     string // see Image.Again
}

// A variable is one of a command's environment.
type variable struct{ name, value string }

// A cache is a directory that is kept from one build to the next.
type cache struct {
	path, id string
	locked   bool
	open     bool // to all users
}

// A mount is what a command sees at a path. A mount without a state is an empty directory in memory.
type mount struct {
	path string
	from *llb.State
	at   string // the path in the state
}

// command returns what the next step runs. Each mount of the step that is not in memory has its content in the same place of mounted.
func (i Image) command(mounted []Content) (command, error) {
	switch s := i.step().(type) {
	case family.Packages:
		return packagesCommand(s, i.opts)
	case family.Run:
		return i.runCommand(s, mounted)
	}
	return command{}, fmt.Errorf("the step %q runs no command", i.step().Title())
}

// packagesCommand returns what a package step runs: as root in /, whatever the image says.
func packagesCommand(s family.Packages, opts Options) (command, error) {
	trusted := ""
	if opts.Trusting {
		trusted = trustedFile
	}
	install, err := packages.Trusting(s, trusted)
	if err != nil {
		return command{}, err
	}
	c := command{script: install.Script(), dir: "/"}
	for _, v := range install.Env {
		c.env = append(c.env, variable{v.Name, v.Value})
	}
	for _, dir := range install.CacheDirs {
		// Package managers lock their caches for themselves and give up when they find them locked.
		c.caches = append(c.caches, cache{path: dir, id: "pulpimg" + dir, locked: true})
	}
	return c, nil
}

// runCommand returns what a run step runs.
func (i Image) runCommand(s family.Run, mounted []Content) (command, error) {
	c := command{script: s.Script, args: s.Args, dir: s.WorkDir, user: s.User, secrets: s.Secrets, noNetwork: s.NoNetwork}
	if len(s.Args) > 0 {
		c.script = ""
	}
	if c.dir == "" {
		c.dir = i.config.Config.WorkingDir
	}
	if !strings.HasPrefix(c.dir, "/") { // images of other builders may have none, or a relative one
		c.dir = "/" + c.dir
	}
	for _, v := range s.Env {
		value, err := expand(i.config.Config.Env, v, i.source)
		if err != nil {
			return command{}, err
		}
		c.env = append(c.env, variable{v.Name, value})
	}
	c.env = append(c.env, i.platformVariables(s, c.env)...)
	for _, dir := range s.Caches {
		id := "pulpimg/family/" + i.opts.Family + dir.Path
		if dir.Name != "" {
			id = "pulpimg/name/" + dir.Name
		}
		c.caches = append(c.caches, cache{path: dir.Path, id: id, locked: dir.Locked, open: true})
	}
	for n, m := range s.Mounts {
		at := mount{path: m.Path, at: m.From}
		if !m.Tmpfs() {
			at.from = &mounted[n].state
		}
		c.mounts = append(c.mounts, at)
	}
	return c, nil
}

// platformVariables returns the variables of the platforms that a command names, and nothing else sets. A command that names none does not
// depend on them, and is the same command for all targets.
func (i Image) platformVariables(s family.Run, own []variable) []variable {
	values := map[string]string{}
	for prefix, p := range map[string]ocispec.Platform{"TARGET": i.opts.Platform, "BUILD": i.opts.Build} {
		values[prefix+"PLATFORM"], values[prefix+"OS"] = platforms.Format(p), p.OS
		values[prefix+"ARCH"], values[prefix+"VARIANT"] = p.Architecture, p.Variant
	}
	for _, v := range own {
		delete(values, v.name)
	}
	for _, v := range i.config.Config.Env {
		name, _, _ := strings.Cut(v, "=")
		delete(values, name)
	}
	var out []variable
	for _, name := range s.PlatformVariables() {
		if value, ok := values[name]; ok {
			out = append(out, variable{name, value})
		}
	}
	return out
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

// run returns the root file system after a command, which has the environment of the image.
func run(root llb.State, c command, imageEnv []string, named description, with Options) llb.State {
	opts := append(as[llb.RunOption](named.constraints()), llb.Dir(c.dir))
	declared := map[string]bool{}
	for _, v := range imageEnv {
		name, value, _ := strings.Cut(v, "=")
		opts = append(opts, llb.AddEnv(name, value))
		declared[name] = true
	}
	for _, v := range c.env {
		opts = append(opts, llb.AddEnv(v.name, v.value))
		declared[v.name] = true
	}
	switch {
	case c.script != "":
		opts = append(opts, llb.Args(shell(c.script, declared)))
	case declared[noTracing]:
		opts = append(opts, llb.Args(c.args))
	default:
		opts = append(opts, llb.Args(c.args), llb.AddEnv(noTracing, "none"))
	}
	if c.user != "" {
		opts = append(opts, llb.User(c.user))
	}
	if c.noNetwork {
		opts = append(opts, llb.Network(pb.NetMode_NONE))
	}
	opts = append(opts, surroundings(with, declared)...)
	opts = append(opts, c.mountOptions(named)...)
	opts = append(opts, runAgain(c.again)...)
	for _, id := range c.secrets {
		secret := []llb.SecretOption{llb.SecretID(id)}
		if c.user != "" {
			secret = append(secret, llb.SecretFileOpt(0, 0, 0o444)) // only this command sees it, and its user has to read it
		}
		opts = append(opts, llb.AddSecret("/run/secrets/"+id, secret...))
	}
	// A new state has the resulting file system, but not the environment and directory of the command.
	return llb.NewState(root.Run(opts...).Root().Output())
}

// mountOptions returns the mounts of a command.
func (c command) mountOptions(named description) []llb.RunOption {
	var opts []llb.RunOption
	for _, dir := range c.caches {
		sharing := llb.CacheMountShared
		if dir.locked {
			sharing = llb.CacheMountLocked
		}
		from, mountOpts := llb.Scratch(), []llb.MountOption{llb.AsPersistentCacheDir(dir.id, sharing)}
		if dir.open {
			// The steps that share it may run as different users.
			const place = "/cache"
			from = from.File(llb.Mkdir(place, 0o777), named.aside("make its cache")...)
			mountOpts = append(mountOpts, llb.SourcePath(place))
		}
		opts = append(opts, llb.AddMount(dir.path, from, mountOpts...))
	}
	for _, m := range c.mounts {
		if m.from == nil {
			opts = append(opts, llb.AddMount(m.path, llb.Scratch(), llb.Tmpfs()))
			continue
		}
		opts = append(opts, llb.AddMount(m.path, *m.from, llb.SourcePath(m.at), llb.Readonly))
	}
	return opts
}
