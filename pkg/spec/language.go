package spec

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// spec reads the whole spec.
func (r *reader) spec(n *yaml.Node, s *Spec) {
	registries := either{reader: r, into: &s.Registries, one: "registry", many: "registries"}
	tags := either{reader: r, into: &s.Tags, one: "tag", many: "tags"}
	r.objectWith(n, "the spec", fields{
		"version":     func(*yaml.Node) {},
		"extends":     r.text(&s.Extends, "extends"),
		"name":        r.text(&s.Name, "name"),
		"registry":    registries.single,
		"registries":  registries.list,
		"tag":         tags.single,
		"tags":        tags.list,
		"immutable":   r.texts(&s.Immutable, "immutable"),
		"refresh":     r.refresh(&s.Refresh),
		"records":     r.records(&s.Records),
		"labels":      r.namedTexts(&s.Labels, "labels"),
		"variables":   namedOr(r, &s.Variables, "variables", ofVariables, r.variable),
		"environment": namedOr(r, &s.Environment, "environment", ofVariables, r.envVariable),
		"settings":    named(r, &s.Settings, "settings", r.settings),
		"services":    named(r, &s.Services, "services", r.service),
		"kubernetes":  func(n *yaml.Node) { s.Kubernetes = r.kubernetes(n) },
		"images":      named(r, &s.Images, "images", r.image),
	}, misplacedInSpec)
	r.need(s.Name, r.rangeOf(n), "name", "the spec")
	registries.need(r.rangeOf(n))
	tags.need(r.rangeOf(n))
	if len(s.Images) == 0 && r.report.Err() == nil {
		r.report.AddAt(r.rangeOf(n).Start, "", "the spec declares no images")
	}
}

// version checks the version of a file before anything else of it is read.
func (r *reader) version(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.report.Add(r.rangeOf(n), `begin with "version: 1"`, "a spec has to be a mapping, not %s", kindOf(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "version" {
			continue
		}
		value := n.Content[i+1]
		number, err := strconv.Atoi(value.Value)
		switch {
		case value.ShortTag() != "!!int" || err != nil || number < 1:
			r.report.Add(r.rangeOf(value), `write "version: 1"`, "version has to be a number from 1 up, not %s", kindOf(value))
		case number > Version:
			r.report.Add(r.rangeOf(value), "upgrade pulpimg", "the spec is written in version %d of the language, and this pulpimg knows it up to version %d", number, Version)
		}
		return
	}
	r.report.AddAt(r.rangeOf(n).Start, `begin with "version: 1"`, "the version is missing")
}

// named reads a mapping of names to values of one kind.
func named[T any](r *reader, into *[]Named[T], what string, read func(n *yaml.Node, at Range, what string) T) func(*yaml.Node) {
	return namedOr(r, into, what, "", read)
}

// namedOr does the same, with a hint for a value that is no mapping.
func namedOr[T any](r *reader, into *[]Named[T], what, hint string, read func(n *yaml.Node, at Range, what string) T) func(*yaml.Node) {
	return func(n *yaml.Node) {
		for _, p := range r.namesOr(n, what, hint) {
			at := Range{Start: p.Name.At.Start, End: r.rangeOf(p.Value).End}
			*into = append(*into, Named[T]{Name: p.Name, Value: read(p.Value, at, what+"."+p.Name.Value)})
		}
	}
}

// need reports a required string that is missing or empty.
func (r *reader) need(t Text, in Range, key, what string) {
	if !t.IsSet() {
		r.report.AddAt(in.Start, "", "%s needs the key %q", what, key)
		return
	}
	if t.Value == "" {
		r.report.Add(t.At, "", "%s of %s is empty", key, what)
	}
}

func (r *reader) variable(n *yaml.Node, at Range, what string) Variable {
	v := Variable{At: at}
	var description Text
	if isNull(n) || r.single(n, what, "write "+strings.TrimPrefix(what, "variables.")+": { default: ", " }") {
		return v
	}
	r.object(n, what, fields{
		"default":     r.optionalText(&v.Default, "default"),
		"description": r.text(&description, "description"),
	})
	return v
}

func (r *reader) envVariable(n *yaml.Node, at Range, what string) EnvVariable {
	v := EnvVariable{At: at}
	var description Text
	if isNull(n) || r.single(n, what, "write "+strings.TrimPrefix(what, "environment.")+": { default: ", " }") {
		return v
	}
	r.object(n, what, fields{
		"default":     r.optionalText(&v.Default, "default"),
		"required":    r.boolean(&v.Required, "required"),
		"secret":      r.boolean(&v.Secret, "secret"),
		"description": r.text(&description, "description"),
	})
	if v.Required && v.Default != nil {
		r.report.Add(v.Default.At, "leave one of them out", "%s is required and has a default", what)
	}
	return v
}

func (r *reader) settings(n *yaml.Node, at Range, what string) Settings {
	s := Settings{At: at}
	if !r.object(n, what, fields{
		"file": r.text(&s.File, "file"),
		"lens": r.text(&s.Lens, "lens"),
		"set":  r.namedTexts(&s.Set, "set"),
	}) {
		return s
	}
	r.need(s.File, at, "file", what)
	r.need(s.Lens, at, "lens", what)
	return s
}

func (r *reader) service(n *yaml.Node, at Range, what string) Service {
	s := Service{At: at}
	before := len(r.report.errors)
	if !r.object(n, what, fields{
		"url":      r.text(&s.URL, "url"),
		"command":  r.texts(&s.Command, "command"),
		"job":      r.text(&s.Job, "job"),
		"tries":    r.count(&s.Tries, "tries"),
		"interval": r.duration(&s.Interval, "interval"),
		"timeout":  r.duration(&s.Timeout, "timeout"),
	}) {
		return s
	}
	switch command := len(s.Command) > 0; {
	case len(r.report.errors) > before:
	case command && s.URL.IsSet():
		r.report.Add(s.URL.At, "keep one of them", "%s has a url and a command", what)
	case s.Job.IsSet() && !command:
		r.report.Add(s.Job.At, "only a command tells what a job has done", "%s has a job and no command", what)
	case !command && !s.URL.IsSet():
		r.report.AddAt(at.Start, "", "%s needs either a url or a command", what)
	case !command:
		r.need(s.URL, at, "url", what)
	}
	return s
}

func (r *reader) image(n *yaml.Node, at Range, what string) Image {
	i := Image{At: at}
	if !r.objectWith(n, what, fields{
		"name":       r.text(&i.Name, "name"),
		"matrix":     func(n *yaml.Node) { i.Matrix = r.matrix(n, what+".matrix") },
		"publish":    r.optionalBoolean(&i.Publish, "publish"),
		"repository": r.text(&i.Repository, "repository"),
		"tags":       r.someTexts(&i.Tags, what+".tags"),
		"platform":   r.text(&i.Platform, "platform"),
		"from":       r.text(&i.From, "from"),
		"labels":     r.namedTexts(&i.Labels, "labels"),
		"env":        r.namedTexts(&i.Env, "env"),
		"user":       r.text(&i.User, "user"),
		"workdir":    r.text(&i.Workdir, "workdir"),
		"volumes":    r.texts(&i.Volumes, "volumes"),
		"ports":      r.texts(&i.Ports, "ports"),
		"secrets":    r.namedTextsOr(&i.Secrets, "secrets", "write ID: PATH, the path in the container"),
		"stopsignal": r.text(&i.StopSignal, "stopsignal"),
		"entrypoint": r.texts(&i.Entrypoint, "entrypoint"),
		"command":    r.texts(&i.Command, "command"),
		"steps": func(n *yaml.Node) {
			for _, item := range r.items(n, what+".steps") {
				i.Steps = append(i.Steps, r.step(item))
			}
		},
		"healthcheck": func(n *yaml.Node) {
			i.Healthcheck = r.healthcheck(n, what+".healthcheck")
		},
		"start":      func(n *yaml.Node) { i.Start = r.start(n, what+".start") },
		"kubernetes": func(n *yaml.Node) { i.Kubernetes = r.workload(n, what+".kubernetes") },
	}, misplacedInImage) {
		return i
	}
	r.need(i.From, at, "from", what)
	r.checkMatrix(i, what)
	r.unpublished(i, what)
	if i.Start != nil && len(i.Entrypoint)+len(i.Command) > 0 {
		r.report.Add(i.Start.At, "keep start, or entrypoint and command", "%s has a start and an entrypoint or command of its own", what)
	}
	return i
}
