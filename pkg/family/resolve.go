package family

import (
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// Resolve returns the family that a spec declares. What is wrong with the spec is a spec.Errors.
func Resolve(s *spec.Spec, opts Options) (*Family, error) {
	o := opts.complete()
	report := spec.NewReport(s.Filename)
	budget := newBudget(report)
	declared := map[string]bool{}
	for _, v := range s.Environment {
		declared[v.Name.Value] = true
	}
	r := &resolver{
		spec:       s,
		report:     report,
		budget:     budget,
		substitute: substituter{report: report, budget: budget, env: declared},
		folder:     folder{dir: o.Dir},
		ignored:    sync.OnceValues(func() (*ignoreRules, error) { return readIgnoreRules(o.Dir) }),
		assets:     o.Assets,
		incomplete: map[string]bool{},
		inherited:  map[string]int{},
	}
	var unknown []string
	r.given, unknown = given(s, o, report)
	r.substitute.variables(s.Variables, r.given)
	r.substitute.missing.unknown = unknown
	r.findCredentials()
	r.env = r.environment(s.Environment)
	r.substitute.defaults = r.defaultLengths()
	r.contract = contract.Contract{Environment: r.env.variables, Settings: r.settings(), Services: r.services()}
	f := r.family(o)
	if err := report.Err(); err != nil {
		return nil, r.substitute.origins.explain(err)
	}
	f.Unknown = unknown
	if len(o.Images) > 0 {
		var err error
		if f, err = f.Select(o.Images...); err != nil {
			return nil, err
		}
	}
	for _, image := range f.Images {
		image.Workload.derive(f, image)
	}
	return f, nil
}

// A resolver resolves one spec. Its methods report what is wrong and continue with a stand-in, so that the user sees all errors at once.
type resolver struct {
	spec       *spec.Spec
	report     *spec.Report
	budget     *budget
	substitute substituter
	given      map[string]Variable
	folder     folder
	ignored    func() (*ignoreRules, error) // reads them when something is copied
	assets     fs.FS
	env        environment
	contract   contract.Contract
	incomplete map[string]bool // the images that have variables without a value, or are based on such an image
	inherited  map[string]int  // the length of the configuration of each image, with what it inherits
	redactor   redactor
}

func (r *resolver) family(o Options) *Family {
	f := &Family{
		Name:      r.matchForm(r.spec.Name, familyName, "name for a family: use small letters, digits, '-', '_' and '.'"),
		Registry:  r.registry(o.Registry),
		Tag:       r.tag(o.Tag),
		Overrides: Overrides{Registry: o.Registry != "", Tag: o.Tag != ""},
		Variables: r.variables(),
		Spec:      r.spec,
		Contract:  r.contract,
		redactor:  r.redactor,
	}
	f.Images = r.images(f, o.Images)
	if !r.budget.done() {
		f.Kubernetes = r.kubernetes(f.Images)
	}
	return f
}

// variables returns the spec's variables that have a value.
func (r *resolver) variables() []Variable {
	var out []Variable
	for _, declared := range r.spec.Variables {
		value := r.substitute.values[declared.Name.Value]
		if value == nil {
			continue
		}
		v, ok := r.given[declared.Name.Value]
		if !ok {
			v = Variable{Name: declared.Name.Value, Value: *value, At: declared.Value.Default.At}
		}
		v.Secret = r.substitute.secret[v.Name]
		out = append(out, v)
	}
	return out
}

// images resolves the images in build order. If some are selected, the others need no values of variables.
func (r *resolver) images(f *Family, selected []string) []*Image {
	declared := map[string]spec.Named[spec.Image]{}
	var names []string
	for _, i := range r.spec.Images {
		declared[i.Name.Value] = i
		names = append(names, i.Name.Value)
	}
	from, expanded, needed := r.bases(declared, names, selected)
	order, cycles := ordered(names, func(name string) []string { return []string{from[name]} })
	for _, cycle := range cycles {
		r.report.Add(declared[cycle[0]].Value.From.At, "base one of them on an image from outside",
			"the images are based on each other in a cycle: %s", strings.Join(cycle, " -> "))
	}
	resolved := map[string]*Image{}
	var out []*Image
	for _, name := range order {
		if r.budget.done() {
			break
		}
		image := &Image{Name: name, At: declared[name].Value.At, Declared: declared[name].Value}
		if _, ok := declared[from[name]]; ok {
			image.Parent = resolved[from[name]] // nil in a cycle
		} else if expanded[name] {
			image.Base = r.base(declared[name].Value.From, from[name], names)
			image.BaseAt, image.BaseVariables = declared[name].Value.From.At, once(specVariables(declared[name].Value.From.Value))
		}
		r.complete(image, declared[name], f, needed[name], expanded[name])
		resolved[name] = image
		out = append(out, image)
	}
	return out
}

// complete fills in an image whose parent or base is known, if its own from could be expanded. The errors of an image that is not needed
// and that has variables without a value are left out: they may only follow from that.
func (r *resolver) complete(image *Image, declared spec.Named[spec.Image], f *Family, needed, expanded bool) {
	missing, before := r.substitute.missing, r.report.Len()
	missing.optional, missing.met = !needed, false
	r.image(image, declared, f)
	r.takeImage(image, declared.Name.At)
	missing.optional = false
	inherits := image.Parent != nil && r.incomplete[image.Parent.Name]
	r.incomplete[image.Name] = missing.met || !expanded || inherits
	if !needed && r.incomplete[image.Name] && !r.budget.done() {
		r.report.Truncate(before)
	}
}

// bases returns what each image is based on, whether that could be expanded, and which images are needed: those that are selected and what
// they are based on, or all.
func (r *resolver) bases(declared map[string]spec.Named[spec.Image], names, selected []string) (from map[string]string, expanded, needed map[string]bool) {
	from, expanded, needed = map[string]string{}, map[string]bool{}, map[string]bool{}
	if len(selected) == 0 {
		selected = names
	}
	for _, name := range selected {
		for _, ok := declared[name]; ok && !needed[name]; _, ok = declared[name] {
			needed[name] = true
			from[name], expanded[name] = r.substitute.expand(declared[name].Value.From, atBuild)
			name = from[name]
		}
	}
	r.substitute.missing.optional = true
	for _, name := range names {
		if !needed[name] {
			from[name], expanded[name] = r.substitute.expand(declared[name].Value.From, atBuild)
		}
	}
	r.substitute.missing.optional = false
	return from, expanded, needed
}

// Image returns the image of a name.
func (f *Family) Image(name string) (*Image, bool) {
	at := slices.IndexFunc(f.Images, func(i *Image) bool { return i.Name == name })
	if at < 0 {
		return nil, false
	}
	return f.Images[at], true
}
