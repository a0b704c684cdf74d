package llb

import (
	"fmt"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/layer"
)

// Skip adds the next step to the configuration of the image, but no layer.
func (i Image) Skip() Image { return i.next() }

// AddReady adds the next step with the layer that it made in an earlier build. No command can be added after it.
func (i Image) AddReady(made layer.Layer) Image {
	next := i.next()
	next.appended = append(slices.Clip(i.appended), made)
	return next
}

// IsKnown reports whether the last step that makes a layer was added with AddKnown.
func (i Image) IsKnown() bool { return i.known }

// AddKnown adds the next step with the layer that it made in an earlier build. The held image consists of all
// layers up to this one and is in the store of layers, for the case that an engine needs it.
func (i Image) AddKnown(made layer.Layer, held digest.Digest) Image {
	named := describe(i.source, i.steps, i.opts)
	next := i.next()
	next.appended = append(slices.Clip(i.appended), made)
	next.root = llb.OCILayout(LayerName+"@"+held.String(), append(as[llb.OCILayoutOption](named.aside(knownVertex)), llb.OCIStore("", LayerStore))...)
	next.layers = []llb.State{next.root}
	next.known = true
	return next
}

// knownVertex ends the name of a vertex that takes what a command made in an earlier build.
const knownVertex = "as it was made before"

// Command returns what the next step runs, in the terms of its key. For each mount of the step there is what is mounted, without its path. It says
// nothing of this machine, so a command that gets the certificates of this machine counts as one that does not.
func (i Image) Command(mounted []key.Mount) (key.Command, error) {
	i.opts.Trusting = false
	c, err := i.command(make([]Content, len(mounted)))
	if err != nil {
		return key.Command{}, fmt.Errorf("compiling %s: %w", StepName(i.source, i.steps), err)
	}
	out := key.Command{
		Script: c.script, Args: c.args, Dir: c.dir, User: c.user, Secrets: c.secrets, NoNetwork: c.noNetwork,
		Env: append(slices.Clip(i.config.Config.Env), c.variables()...),
	}
	for n, m := range c.mounts {
		mount := mounted[n]
		mount.Path, mount.From = m.path, m.at
		out.Mounts = append(out.Mounts, mount)
	}
	return out, nil
}

func (c command) variables() []string {
	out := make([]string, len(c.env))
	for i, v := range c.env {
		out[i] = v.name + "=" + v.value
	}
	return out
}
