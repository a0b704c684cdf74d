package family

import (
	"io/fs"
	"slices"
	"sync"

	"github.com/pulpimg/pulpimg/internal/ignore"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
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
		substitute: substituter{report: report, budget: budget, env: declared, target: new(*spec.Range)},
		folder:     folder{dir: o.Dir},
		ignored:    sync.OnceValues(func() (ignore.Patterns, error) { return readIgnoreRules(o.Dir) }),
		assets:     o.Assets,
		incomplete: map[string]bool{},
		inherited:  map[string]int{},
	}
	var unknown []string
	r.given, unknown = given(s, o, report)
	r.substitute.variables(s.Variables, r.given, o.Git)
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
	required := r.env.required() // once, for all that have no start: there may be many images, and many variables
	for _, image := range f.Images {
		image.Workload.derive(f, image, required)
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
	ignored    func() (ignore.Patterns, error) // reads them when something is copied
	assets     fs.FS
	env        environment
	contract   contract.Contract
	refreshAll Refresh                  // of commands that use the network, and say nothing themselves
	incomplete map[string]bool          // the images that have variables without a value, or are based on such an image
	declared   map[string]declaration   // the images, by name
	ofMatrix   map[string][]declaration // the images with a matrix, by what the spec calls it
	names      []string                 // of all images
	resolved   map[string]*Image        // the images so far, by name
	using      []named                  // what the current image uses
	inherited  map[string]int           // the length of the configuration of each image, with what it inherits
	redactor   redactor
}

func (r *resolver) family(o Options) *Family {
	f := &Family{
		Name:       r.matchForm(r.spec.Name, familyName, "name for a family: use small letters, digits, '-', '_' and '.'"),
		Registries: r.registries(o.Registries),
		Immutable:  r.immutable(),
		Refresh:    r.refresh(r.spec.Refresh),
		Records:    r.records(r.spec.Records),
		Labels:     r.labels(r.spec.Labels),
		Overrides:  Overrides{Registry: len(o.Registries) > 0, Tag: len(o.Tags) > 0},
		Spec:       r.spec,
		Contract:   r.contract,
		redactor:   r.redactor,
	}
	f.Tags, _ = r.tags(r.spec.Tags, o.Tags)
	r.refreshAll = f.Refresh
	r.declare()
	r.declareTarget(o.Target)
	f.Images = r.images(f, o.Images)
	r.checkAbstractStarts(f.Images)
	f.Jobs = r.jobs()
	f.Variables = r.variables()
	f.options, f.namesTarget = o, *r.substitute.target
	if !r.budget.done() {
		f.Kubernetes = r.kubernetes(f.Images)
	}
	return f
}

// variables returns the variables that have a value: those that the spec declares and, after them, those of the git repository that it does not
// declare.
func (r *resolver) variables() []Variable {
	var out []Variable
	declared := map[string]bool{}
	for _, d := range r.spec.Variables {
		declared[d.Name.Value] = true
		value := r.substitute.values[d.Name.Value]
		if value == nil {
			continue
		}
		v, ok := r.given[d.Name.Value]
		if !ok {
			v = Variable{Name: d.Name.Value, Value: *value, At: d.Value.Default.At}
		}
		v.Secret = r.substitute.secret[v.Name]
		out = append(out, v)
	}
	for _, name := range schema.GitVariables() {
		if v, ok := r.given[name]; ok && !declared[name] {
			v.Secret = r.substitute.secret[name]
			out = append(out, v)
		}
	}
	return out
}

// images resolves the images in build order. If some are selected, the others need no values of variables.
func (r *resolver) images(f *Family, selected []string) []*Image {
	used, needed := r.used(selected)
	order, cycles := ordered(r.names, func(name string) []string {
		var out []string
		for _, n := range used[name] {
			out = append(out, n.value)
		}
		return out
	})
	for _, cycle := range cycles {
		r.reportCycle(cycle, used)
	}
	r.resolved = map[string]*Image{}
	var out []*Image
	for _, name := range order {
		if r.budget.done() {
			break
		}
		d, from := r.declared[name], used[name][0]
		image := &Image{Name: name, Key: d.key, Matrix: d.matrix, At: d.image.At, Declared: *d.image}
		if _, ok := r.declared[from.value]; ok {
			image.Parent = r.resolved[from.value] // nil in a cycle
		} else if from.ok {
			image.Base = r.base(d.image.From, from.value, r.names)
			image.BaseAt, image.BaseVariables = from.at, once(specVariables(d.image.From.Value))
		}
		r.using = used[name]
		r.within(d, func() { r.complete(image, d, f, needed[name]) })
		r.resolved[name] = image
		out = append(out, image)
	}
	r.checkReferences(f, out, needed)
	return out
}

// complete fills in an image whose parent or base is known, if what it uses could be expanded. The errors of an image that is not needed
// and that has variables without a value are left out: they may only follow from that.
func (r *resolver) complete(image *Image, d declaration, f *Family, needed bool) {
	missing, before := r.substitute.missing, r.report.Len()
	missing.optional, missing.met = !needed, false
	r.image(image, d.name, f)
	r.takeImage(image, d.name.At)
	missing.optional = false
	lacks := slices.ContainsFunc(r.using, func(n named) bool { return !n.ok || r.incomplete[n.value] })
	r.incomplete[image.Name] = missing.met || lacks
	if !needed && r.incomplete[image.Name] && !r.budget.done() {
		r.report.Truncate(before)
	}
}

// used returns which images each image uses, and which images are needed: those that are selected and what they use, or all.
func (r *resolver) used(selected []string) (used uses, needed map[string]bool) {
	used, needed = uses{}, map[string]bool{}
	if len(selected) == 0 {
		selected = r.names
	}
	var left []string
	for _, name := range selected {
		left = append(left, r.called(name)...)
	}
	for ; len(left) > 0; left = left[1:] {
		name := left[0]
		d, ok := r.declared[name]
		if !ok || needed[name] {
			continue
		}
		needed[name] = true
		used[name] = r.uses(d)
		for _, n := range used[name] {
			left = append(left, n.value)
		}
	}
	r.substitute.missing.optional = true
	for _, name := range r.names {
		if !needed[name] {
			used[name] = r.uses(r.declared[name])
		}
	}
	r.substitute.missing.optional = false
	return used, needed
}

// Image returns the image of a name.
func (f *Family) Image(name string) (*Image, bool) {
	at := slices.IndexFunc(f.Images, func(i *Image) bool { return i.Name == name })
	if at < 0 {
		return nil, false
	}
	return f.Images[at], true
}
