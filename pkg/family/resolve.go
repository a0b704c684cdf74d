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
		substitute: substituter{report: report, budget: budget, values: variables(s, o.Variables, budget), env: declared},
		folder:     folder{dir: o.Dir},
		ignored:    sync.OnceValues(func() (*ignoreRules, error) { return readIgnoreRules(o.Dir) }),
		assets:     o.Assets,
		inherited:  map[string]int{},
	}
	r.findCredentials(o.Variables)
	r.env = r.environment(s.Environment)
	r.substitute.defaults = r.defaultLengths()
	r.contract = contract.Contract{Environment: r.env.variables, Settings: r.settings(), Services: r.services()}
	f := r.family(o)
	if err := report.Err(); err != nil {
		return nil, err
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
	folder     folder
	ignored    func() (*ignoreRules, error) // reads them when something is copied
	assets     fs.FS
	env        environment
	contract   contract.Contract
	inherited  map[string]int // the length of the configuration of each image, with what it inherits
	redactor   redactor
}

func (r *resolver) family(o Options) *Family {
	f := &Family{
		Name:      r.matchForm(r.spec.Name, familyName, "name for a family: use small letters, digits, '-', '_' and '.'"),
		Registry:  r.registry(o.Registry),
		Tag:       r.tag(o.Tag),
		Overrides: Overrides{Registry: o.Registry != "", Tag: o.Tag != ""},
		Variables: r.variables(o.Variables),
		Spec:      r.spec,
		Contract:  r.contract,
		redactor:  r.redactor,
	}
	f.Images = r.images(f)
	if !r.budget.done() {
		f.Kubernetes = r.kubernetes(f.Images)
	}
	return f
}

// variables returns the spec's variables with their values. Those without one are left out: there is an error about them.
func (r *resolver) variables(given map[string]string) []Variable {
	var out []Variable
	for _, declared := range r.spec.Variables {
		value := r.substitute.values[declared.Name.Value]
		if value == nil {
			continue
		}
		v := Variable{Name: declared.Name.Value, Value: *value, Secret: r.substitute.secret[declared.Name.Value], At: declared.Name.At}
		if _, v.Overridden = given[v.Name]; !v.Overridden {
			v.At = declared.Value.Default.At
		}
		out = append(out, v)
	}
	return out
}

// images resolves the images in build order.
func (r *resolver) images(f *Family) []*Image {
	declared := map[string]spec.Named[spec.Image]{}
	from, expanded := map[string]string{}, map[string]bool{}
	var names []string
	for _, i := range r.spec.Images {
		declared[i.Name.Value] = i
		from[i.Name.Value], expanded[i.Name.Value] = r.substitute.expand(i.Value.From, atBuild)
		names = append(names, i.Name.Value)
	}
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
		r.image(image, declared[name], f)
		r.takeImage(image, declared[name].Name.At)
		resolved[name] = image
		out = append(out, image)
	}
	return out
}

// Image returns the image of a name.
func (f *Family) Image(name string) (*Image, bool) {
	at := slices.IndexFunc(f.Images, func(i *Image) bool { return i.Name == name })
	if at < 0 {
		return nil, false
	}
	return f.Images[at], true
}
