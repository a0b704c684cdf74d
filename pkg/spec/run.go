package spec

import "gopkg.in/yaml.v3"

// run reads a script, or a mapping.
func (r *reader) run(n *yaml.Node) *Run {
	run := &Run{At: r.rangeOf(n)}
	if r.follow(n).Kind == yaml.ScalarNode {
		r.text(&run.Script, "run")(n)
		r.need(run.Script, run.At, "script", "run")
		return run
	}
	if !r.object(n, "run", fields{
		"script":  r.text(&run.Script, "script"),
		"command": r.texts(&run.Command, "command"),
		"workdir": r.text(&run.Workdir, "workdir"),
		"user":    r.text(&run.User, "user"),
		"env":     r.namedTexts(&run.Env, "env"),
		"secrets": r.texts(&run.Secrets, "secrets"),
		"cache": func(n *yaml.Node) {
			for _, item := range r.items(n, "cache") {
				run.Cache = append(run.Cache, r.cacheDir(item))
			}
		},
		"mounts": func(n *yaml.Node) {
			for _, item := range r.items(n, "mounts") {
				run.Mounts = append(run.Mounts, r.mount(item))
			}
		},
		"network": r.text(&run.Network, "network"),
		"refresh": r.refresh(&run.Refresh),
	}) {
		return run
	}
	if (run.Script.Value != "") == (len(run.Command) > 0) {
		r.report.Add(run.At, "", "run needs either a script or a command")
	}
	if run.Network.IsSet() && run.Refresh.IsSet() {
		r.report.Add(run.Refresh.At, "leave one of them out", "a command without a network gets nothing that could be refreshed")
	}
	return run
}

// cacheDir reads the path of a directory, or a mapping.
func (r *reader) cacheDir(n *yaml.Node) CacheDir {
	c := CacheDir{At: r.rangeOf(n)}
	if r.follow(n).Kind == yaml.ScalarNode {
		r.text(&c.Path, "cache")(n)
		return c
	}
	if r.object(n, "cache", fields{
		"path": r.text(&c.Path, "path"),
		"name": r.text(&c.Name, "name"),
		"lock": r.boolean(&c.Lock, "lock"),
	}) {
		r.need(c.Path, c.At, "path", "cache")
	}
	return c
}

func (r *reader) mount(n *yaml.Node) Mount {
	m := Mount{At: r.rangeOf(n)}
	if !r.object(n, "mounts", fields{
		"image": r.text(&m.Image, "image"),
		"from":  r.text(&m.From, "from"),
		"to":    r.text(&m.To, "to"),
		"tmpfs": r.text(&m.Tmpfs, "tmpfs"),
	}) {
		return m
	}
	if !m.Tmpfs.IsSet() {
		r.need(m.From, m.At, "from", "a mount")
		r.need(m.To, m.At, "to", "a mount")
		return m
	}
	for _, other := range []Text{m.Image, m.From, m.To} {
		if other.IsSet() {
			r.report.Add(other.At, "write one mount for each", "a mount with tmpfs has no other key")
		}
	}
	return m
}

// variablesToSet reads the variables that a step sets.
func (r *reader) variablesToSet(n *yaml.Node) []Named[Text] {
	var out []Named[Text]
	before := len(r.report.errors)
	r.namedTexts(&out, "env")(n)
	if len(out) == 0 && len(r.report.errors) == before {
		r.report.Add(r.rangeOf(n), "", "env sets nothing")
	}
	return out
}
