package spec

import "gopkg.in/yaml.v3"

func (r *reader) step(n *yaml.Node) Step {
	s := Step{At: r.rangeOf(n)}
	before := len(r.report.errors)
	kinds := len(r.pairs(n, "a step"))
	if len(r.report.errors) > before {
		return s
	}
	r.object(n, "a step", fields{
		"repo":      func(n *yaml.Node) { s.Repo = r.repo(n) },
		"yum":       func(n *yaml.Node) { s.Packages = r.packages(n, "yum") },
		"dnf":       func(n *yaml.Node) { s.Packages = r.packages(n, "dnf") },
		"apt":       func(n *yaml.Node) { s.Packages = r.packages(n, "apt") },
		"lens":      r.optionalText(&s.Lens, "lens"),
		"helpers":   func(n *yaml.Node) { s.Helpers = r.helpers(n) },
		"files":     func(n *yaml.Node) { s.Files = oneOrMore(r, n, "files", "copies nothing", r.copy) },
		"directory": func(n *yaml.Node) { s.Directory = oneOrMore(r, n, "directory", "names none", r.directory) },
		"run":       func(n *yaml.Node) { s.Run = r.run(n) },
		"apk":       func(n *yaml.Node) { s.Packages = r.packages(n, "apk") },
		"env":       func(n *yaml.Node) { s.Env = r.variablesToSet(n) },
	})
	if kinds != 1 && len(r.report.errors) == before {
		r.report.Add(s.At, "begin each with a dash of its own", "a step does one thing, and this one has %d keys", kinds)
	}
	return s
}

func (r *reader) repo(n *yaml.Node) *Repo {
	p := &Repo{At: r.rangeOf(n)}
	if !r.object(n, "repo", fields{
		"to":       r.text(&p.To, "to"),
		"url":      r.text(&p.URL, "url"),
		"sha256":   r.text(&p.SHA256, "sha256"),
		"id":       r.text(&p.ID, "id"),
		"name":     r.text(&p.Name, "name"),
		"baseurl":  r.text(&p.BaseURL, "baseurl"),
		"gpgkey":   r.text(&p.GPGKey, "gpgkey"),
		"gpgcheck": r.optionalBoolean(&p.GPGCheck, "gpgcheck"),
		"enabled":  r.optionalBoolean(&p.Enabled, "enabled"),
	}) {
		return p
	}
	r.need(p.To, p.At, "to", "repo")
	switch {
	case p.URL.IsSet() == p.BaseURL.IsSet():
		r.report.Add(p.At, "", "repo needs either url, to fetch a file, or baseurl, to write one")
	case p.BaseURL.IsSet():
		r.need(p.BaseURL, p.At, "baseurl", "repo")
		r.need(p.ID, p.At, "id", "a repo with baseurl")
		r.only(p.SHA256, "sha256", "url")
	default:
		for key, t := range map[string]Text{"id": p.ID, "name": p.Name, "gpgkey": p.GPGKey} {
			r.only(t, key, "baseurl")
		}
		if p.GPGCheck != nil || p.Enabled != nil {
			r.report.Add(p.At, "", "gpgcheck and enabled of a repo go with baseurl")
		}
	}
	return p
}

func (r *reader) only(t Text, key, with string) {
	if t.IsSet() {
		r.report.Add(t.At, "", "%s of a repo goes with %s", key, with)
	}
}

func (r *reader) helpers(n *yaml.Node) []Text {
	var out []Text
	before := len(r.report.errors)
	r.texts(&out, "helpers")(n)
	if len(out) == 0 && len(r.report.errors) == before {
		r.report.Add(r.rangeOf(n), "such as [config, wait]", "helpers brings nothing")
	}
	return out
}
