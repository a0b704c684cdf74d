package spec

import "gopkg.in/yaml.v3"

// An either reads strings that a mapping has under one of two keys: one string, or a list of them.
type either struct {
	reader    *reader
	into      *[]Text
	one, many string // the keys
	read      bool
}

// single reads the value of the key for one string.
func (e *either) single(n *yaml.Node) {
	if !e.first(n) {
		return
	}
	if value := e.reader.follow(n); value.Kind == yaml.SequenceNode {
		e.reader.report.Add(e.reader.rangeOf(n), "write "+e.many+" for several", "%s has to be a string, not %s", e.one, kindOf(value))
		return
	}
	var t Text
	e.reader.text(&t, e.one)(n)
	*e.into = []Text{t}
	if t.Value == "" {
		e.reader.report.Add(t.At, "", "%s of the spec is empty", e.one)
	}
}

// list reads the value of the key for a list.
func (e *either) list(n *yaml.Node) {
	if !e.first(n) {
		return
	}
	if value := e.reader.follow(n); value.Kind == yaml.ScalarNode && !isNull(value) {
		e.reader.report.Add(e.reader.rangeOf(n), "write "+e.one+" for a single one", "%s has to be a list, not %s", e.many, kindOf(value))
		return
	}
	e.reader.someTexts(e.into, e.many)(n)
}

// first reports whether neither key was read before.
func (e *either) first(n *yaml.Node) bool {
	if e.read {
		e.reader.report.Add(e.reader.rangeOf(n), "keep one of them", "the spec has the keys %q and %q, which say the same", e.one, e.many)
		return false
	}
	e.read = true
	return true
}

// need reports that neither key is there.
func (e *either) need(in Range) {
	if !e.read {
		e.reader.report.AddAt(in.Start, "or "+e.many+", a list of them", "the spec needs the key %q", e.one)
	}
}

// someTexts reads a list of at least one string.
func (r *reader) someTexts(into *[]Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		before := r.report.Len()
		r.texts(into, what)(n)
		if len(*into) == 0 && r.report.Len() == before {
			r.report.Add(r.rangeOf(n), "", "%s has no item", what)
		}
	}
}

// unpublished reports what an image says about its publication when it has none.
func (r *reader) unpublished(i Image, what string) {
	if i.Publish == nil || *i.Publish {
		return
	}
	if i.Repository.IsSet() {
		r.report.Add(i.Repository.At, "keep one of them", "%s has publish: false and a repository", what)
	}
	if len(i.Tags) > 0 {
		r.report.Add(i.Tags[0].At, "keep one of them", "%s has publish: false and tags", what)
	}
}
