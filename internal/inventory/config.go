package inventory

import (
	"cmp"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// inherit fills in the configuration that an image declares or inherits. Of several values for one name, the one of the nearest image counts.
func (l lister) inherit(out *Image, image *family.Image) {
	var labels, env, volumes, ports, secrets unique
	for i := image; i != nil; i = i.Parent {
		from := ""
		if i != image {
			from = i.Name
		}
		declared, c := i.Declared, i.Config
		for _, label := range slices.Concat(declared.Labels, i.SharedLabels) {
			labels.add(label.Name.Value, l.inherited(c.Labels[label.Name.Value], label.Value, from))
		}
		for at := len(i.Steps) - 1; at >= 0; at-- { // a later step sets what counts
			if s, ok := i.Steps[at].(family.Env); ok {
				for j, v := range s.Vars {
					env.add(v.Name, l.inherited(v.Value, declared.Steps[at].Env[j].Value, from))
				}
			}
		}
		for j, v := range declared.Env {
			env.add(v.Name.Value, l.inherited(c.Env[j].Value, v.Value, from))
		}
		for j, v := range declared.Volumes {
			volumes.add(c.Volumes[j], l.inherited(c.Volumes[j], v, from))
		}
		for j, v := range declared.Ports {
			ports.add(c.Ports[j], l.inherited(c.Ports[j], v, from))
		}
		for j, s := range declared.Secrets {
			secrets.add(s.Name.Value, l.inherited(i.Secrets[j].Path, s.Value, from))
		}
		out.User = cmp.Or(out.User, l.optional(c.User, declared.User, from))
		out.Workdir = cmp.Or(out.Workdir, l.optional(c.WorkDir, declared.Workdir, from))
		out.StopSignal = cmp.Or(out.StopSignal, l.optional(c.StopSignal, declared.StopSignal, from))
	}
	out.Labels, out.Env, out.Volumes, out.Ports, out.Secrets = labels.list, env.list, volumes.values(), ports.values(), secrets.list
}

func (l lister) inherited(value string, t spec.Text, from string) Value {
	out := l.specValue(value, t)
	out.Image = from
	return out
}

func (l lister) optional(value string, t spec.Text, from string) *Value {
	if !t.IsSet() {
		return nil
	}
	out := l.inherited(value, t, from)
	return &out
}

// unique is a list of values by name. The first value of a name counts.
type unique struct {
	list []Named
	seen map[string]bool
}

func (u *unique) add(name string, v Value) {
	if u.seen[name] {
		return
	}
	if u.seen == nil {
		u.seen = map[string]bool{}
	}
	u.seen[name] = true
	u.list = append(u.list, Named{name, v})
}

func (u *unique) values() []Value {
	var out []Value
	for _, n := range u.list {
		out = append(out, n.Value)
	}
	return out
}
