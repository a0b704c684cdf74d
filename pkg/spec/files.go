package spec

import "gopkg.in/yaml.v3"

// oneOrMore reads one thing of a kind, or a list of them that is not empty.
func oneOrMore[T any](r *reader, n *yaml.Node, what, empty string, read func(*yaml.Node) T) []T {
	if r.follow(n).Kind != yaml.SequenceNode {
		return []T{read(n)}
	}
	var out []T
	for _, item := range r.items(n, what) {
		out = append(out, read(item))
	}
	if len(out) == 0 {
		r.report.Add(r.rangeOf(n), "", "%s %s", what, empty)
	}
	return out
}

func (r *reader) copy(n *yaml.Node) Copy {
	c := Copy{At: r.rangeOf(n)}
	if !r.object(n, "files", fields{
		"image":   r.text(&c.Image, "image"),
		"from":    r.text(&c.From, "from"),
		"to":      r.text(&c.To, "to"),
		"mode":    r.octal(&c.Mode, "mode"),
		"owner":   r.text(&c.Owner, "owner"),
		"exclude": r.texts(&c.Exclude, "exclude"),
	}) {
		return c
	}
	r.need(c.From, c.At, "from", "files")
	r.need(c.To, c.At, "to", "files")
	return c
}

func (r *reader) directory(n *yaml.Node) Directory {
	d := Directory{At: r.rangeOf(n)}
	if !r.object(n, "directory", fields{
		"path":  r.text(&d.Path, "path"),
		"mode":  r.octal(&d.Mode, "mode"),
		"owner": r.text(&d.Owner, "owner"),
	}) {
		return d
	}
	r.need(d.Path, d.At, "path", "directory")
	return d
}
