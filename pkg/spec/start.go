package spec

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// A Start says what a container of the image does when it starts, in this order. Without a command, it is abstract: images inherit its keys.
// A list that is left out is nil, unlike an empty one.
type Start struct {
	At        Range
	Sockets   []Text
	Files     []Text
	Variables []Text
	Configure []Text
	Wait      []Text
	Init      [][]Text
	User      Text
	Workdir   Text
	Umask     Text
	Command   []Text
}

// IsAbstract reports whether images that are based on the one with this start inherit it.
func (s Start) IsAbstract() bool { return len(s.Command) == 0 }

// A StartKey is a key of a start that is inherited by itself.
type StartKey string

// The keys of a start that are inherited.
const (
	StartSockets   StartKey = "require.sockets"
	StartFiles     StartKey = "require.files"
	StartVariables StartKey = "require.variables"
	StartConfigure StartKey = "configure"
	StartWait      StartKey = "wait"
	StartInit      StartKey = "init"
	StartUser      StartKey = "user"
	StartWorkdir   StartKey = "workdir"
	StartUmask     StartKey = "umask"
)

// Inherit returns a start that has the values of another one for the keys that it leaves out, and these keys as far as the other has them.
func (s Start) Inherit(base Start) (out Start, keys []StartKey) {
	out = s
	texts := func(key StartKey, into *[]Text, from []Text) {
		if *into == nil && from != nil {
			*into, keys = from, append(keys, key)
		}
	}
	text := func(key StartKey, into *Text, from Text) {
		if !into.IsSet() && from.IsSet() {
			*into, keys = from, append(keys, key)
		}
	}
	texts(StartSockets, &out.Sockets, base.Sockets)
	texts(StartFiles, &out.Files, base.Files)
	texts(StartVariables, &out.Variables, base.Variables)
	texts(StartConfigure, &out.Configure, base.Configure)
	texts(StartWait, &out.Wait, base.Wait)
	if out.Init == nil && base.Init != nil {
		out.Init, keys = base.Init, append(keys, StartInit)
	}
	text(StartUser, &out.User, base.User)
	text(StartWorkdir, &out.Workdir, base.Workdir)
	text(StartUmask, &out.Umask, base.Umask)
	return out, keys
}

func (r *reader) start(n *yaml.Node, what string) *Start {
	s := &Start{At: r.rangeOf(n)}
	r.objectWith(n, what, fields{
		"require": func(n *yaml.Node) {
			r.object(n, "require", fields{
				"sockets":   r.list(&s.Sockets, "sockets"),
				"files":     r.list(&s.Files, "files"),
				"variables": r.list(&s.Variables, "variables"),
			})
		},
		"configure": r.list(&s.Configure, "configure"),
		"wait":      r.list(&s.Wait, "wait"),
		"init":      func(n *yaml.Node) { s.Init = r.commands(n, "init") },
		"user":      r.text(&s.User, "user"),
		"workdir":   r.text(&s.Workdir, "workdir"),
		"umask":     r.octal(&s.Umask, "umask"),
		"command":   func(n *yaml.Node) { s.Command = r.startCommand(n, what) },
	}, misplacedInStart)
	return s
}

// commands reads a list of commands, and leaves empty ones out. The result is not nil.
func (r *reader) commands(n *yaml.Node, what string) [][]Text {
	out := [][]Text{}
	items := r.itemsOr(n, what, asCommands([]*yaml.Node{r.follow(n)}))
	if hint := asCommands(items); hint != "" {
		r.report.Add(r.rangeOf(n), hint, "%s has to be a list of commands, each a list of words", what)
		return out
	}
	for i, item := range items {
		var command []Text
		r.texts(&command, fmt.Sprintf("item %d of %s", i+1, what))(item)
		if len(command) > 0 {
			out = append(out, command)
		}
	}
	return out
}

// startCommand reads the command of a start. A wrong one is not empty all the same, so that the start does not count as abstract.
func (r *reader) startCommand(n *yaml.Node, what string) []Text {
	var out []Text
	before := r.report.Len()
	if r.texts(&out, "command")(n); len(out) > 0 {
		return out
	}
	if r.report.Len() == before {
		r.report.Add(r.rangeOf(n), "leave it out if images that are based on this one have the command", "the command of %s is empty", what)
	}
	return []Text{{Value: "?", At: r.rangeOf(n)}}
}
