package inventory

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// New returns the inventory of a family.
func New(f *family.Family, overrides Overrides) *Inventory {
	l := lister{file: f.Spec.Filename, tracer: newTracer(f, overrides), overrides: overrides}
	out := &Inventory{
		Spec:        l.file,
		Family:      l.specValue(f.Name, f.Spec.Name),
		Labels:      l.labels(f),
		Immutable:   l.words(f.Immutable, f.Spec.Immutable),
		Refresh:     l.optional(string(f.Refresh), f.Spec.Refresh, ""),
		Records:     l.optional(string(f.Records), f.Spec.Records, ""),
		Variables:   l.variables(f.Variables),
		Environment: l.environment(f),
		Settings:    l.settings(f),
		Services:    l.services(f),
		Kubernetes:  l.kubernetes(f),
	}
	for _, file := range f.Spec.Below {
		out.Extends = append(out.Extends, file.Name)
	}
	out.Registry, out.Registries = l.firstAndAll(l.overridden(f.Registries, f.Spec.Registries, f.Overrides.Registry, overrides.Registry))
	out.Tag, out.Tags = l.firstAndAll(l.overridden(f.Tags, f.Spec.Tags, f.Overrides.Tag, overrides.Tag))
	for _, i := range f.Images {
		out.Images = append(out.Images, l.image(f, i))
	}
	redact(reflect.ValueOf(out), f.Redact)
	return out
}

// redact changes all strings below a value: credentials from one place of the spec may be in others, too.
func redact(v reflect.Value, change func(string) string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(change(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			redact(v.Elem(), change)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			redact(v.Field(i), change)
		}
	case reflect.Slice:
		for i := range v.Len() {
			redact(v.Index(i), change)
		}
	}
}

// A lister lists the parts of a family whose spec is in a file.
type lister struct {
	file      string
	tracer    tracer
	overrides Overrides
}

// at returns a place in the spec, or nothing for what the spec does not mention.
func (l lister) at(r spec.Range) string {
	if r == (spec.Range{}) {
		return ""
	}
	return cmp.Or(r.Start.File, l.file) + ":" + r.Start.String()
}

// specValue returns a value that the spec sets.
func (l lister) specValue(value string, t spec.Text) Value {
	return Value{value, l.origin(FromSpec, t)}
}

// secretValue stands for a value that is not shown.
const secretValue = "(secret)"

func (l lister) variables(all []family.Variable) []Named {
	var out []Named
	for _, v := range all {
		origin := Origin{Source: l.tracer.sources[v.Name], At: l.at(v.At)}
		switch v.Source {
		case family.FromDefault:
			origin = l.origin(FromDefault, spec.Text{Value: l.tracer.defaults[v.Name], At: v.At})
		case family.FromFile:
			origin.At = v.File + ":" + v.At.Start.String()
		}
		if v.Secret {
			v.Value = secretValue
		}
		out = append(out, Named{v.Name, Value{v.Value, origin}})
	}
	return out
}

// byName returns what a spec declares, by name.
func byName[T any](declared []spec.Named[T]) map[string]spec.Named[T] {
	out := make(map[string]spec.Named[T], len(declared))
	for _, d := range declared {
		out[d.Name.Value] = d
	}
	return out
}

// environment lists the variables of the environment.
func (l lister) environment(f *family.Family) []Env {
	var out []Env
	all := byName(f.Spec.Environment)
	for _, v := range f.Contract.Environment {
		declared := all[v.Name]
		env := Env{Name: v.Name, At: l.at(declared.Name.At), Required: v.Required, Secret: v.Secret}
		if v.Default != nil {
			value := Value{*v.Default, l.origin(FromDefault, *declared.Value.Default)}
			if v.Secret {
				value.Value = secretValue
			}
			env.Default = &value
		}
		out = append(out, env)
	}
	return out
}

func (l lister) labels(f *family.Family) []Named {
	var out []Named
	for _, label := range f.Spec.Labels {
		out = append(out, Named{label.Name.Value, l.specValue(f.Labels[label.Name.Value], label.Value)})
	}
	return out
}

func (l lister) settings(f *family.Family) []Settings {
	var out []Settings
	all := byName(f.Spec.Settings)
	for _, s := range f.Contract.Settings {
		declared := all[s.Name].Value
		values := byName(declared.Set)
		settings := Settings{Name: s.Name, File: l.specValue(s.File, declared.File), Lens: l.specValue(s.Lens, declared.Lens)}
		for _, set := range s.Set {
			settings.Set = append(settings.Set, Named{set.Path, l.specValue(set.Value, values[set.Path].Value)})
		}
		out = append(out, settings)
	}
	return out
}

func (l lister) services(f *family.Family) []Service {
	var out []Service
	all := byName(f.Spec.Services)
	for _, s := range f.Contract.Services {
		out = append(out, l.service(s, f.Jobs[s.Name], all[s.Name].Value))
	}
	return out
}

func (l lister) service(s contract.Service, job string, declared spec.Service) Service {
	return Service{
		Name:     s.Name,
		URL:      l.optional(s.URL, declared.URL, ""),
		Command:  l.words(s.Command, declared.Command),
		Job:      l.optional(job, declared.Job, ""),
		Tries:    l.orBuiltIn(s.Tries, declared.Tries > 0, declared.At),
		Interval: l.orBuiltIn(s.Interval, declared.Interval > 0, declared.At),
		Timeout:  l.orBuiltIn(s.Timeout, declared.Timeout > 0, declared.At),
	}
}

// orBuiltIn returns a value that the spec sets, or one that is built in. The place of the first is the object that has it.
func (l lister) orBuiltIn(value any, set bool, in spec.Range) Value {
	if !set {
		return Value{fmt.Sprint(value), Origin{Source: BuiltIn}}
	}
	return Value{fmt.Sprint(value), Origin{Source: FromSpec, At: l.at(in)}}
}

func (l lister) image(f *family.Family, i *family.Image) Image {
	declared := i.Declared
	l.tracer = l.tracer.within(i)
	out := Image{
		Name: i.Name, At: l.at(i.At), Reference: i.Reference, Platform: l.optional("build", declared.Platform, ""),
		Entrypoint: l.words(i.Config.Entrypoint, declared.Entrypoint),
		Command:    l.words(i.Config.Command, declared.Command),
	}
	for _, v := range i.Matrix {
		out.Matrix = append(out.Matrix, Named{v.Name, Value{v.Value, Origin{Source: FromSpec, At: l.at(v.At)}}})
	}
	l.published(&out, f, i)
	if i.Unpublished {
		out.Reference, out.Publish = "", &Value{"false", Origin{Source: FromSpec, At: l.at(declared.At)}}
	}
	if i.Parent != nil {
		parent := l.specValue(i.Parent.Name, declared.From)
		out.Parent = &parent
	} else {
		base := l.specValue(i.Base, declared.From)
		out.Base = &base
	}
	if declared.Start != nil {
		out.Start = l.start(f, i)
	}
	if i.Start != nil {
		out.Entrypoint = []Value{{i.Config.Entrypoint[0], Origin{Source: BuiltIn, At: out.Start.At}}}
	}
	if i.Runs() || declared.Kubernetes != nil {
		out.Kubernetes = l.workload(i.Workload, declared.Kubernetes)
	}
	out.Healthcheck = l.healthcheck(i)
	l.inherit(&out, i)
	for _, s := range i.Steps {
		out.Steps = append(out.Steps, l.step(s))
	}
	return out
}

func (l lister) words(values []string, declared []spec.Text) []Value {
	var out []Value
	for i, v := range values {
		if i < len(declared) {
			out = append(out, l.specValue(v, declared[i]))
		}
	}
	return out
}
