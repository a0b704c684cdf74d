package family

import (
	"fmt"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// What a family may grow to. A spec has at most 1 MiB, but aliases, variables, defaults, inheritance and directories expand to more than
// that, and to far more when one uses another.
const (
	// maxText bounds the text of a family: every string with its variables put in, every start script, and for each image the
	// configuration that it inherits. A family of a thousand images has some 3 MB.
	maxText = 16 << 20
	// maxFiles bounds the files that all copies bring.
	maxFiles = 500_000
	// maxAtStart bounds a string after a starting container has put in the defaults of its variables. Linux passes no longer one to a
	// process (MAX_ARG_STRLEN). https://github.com/torvalds/linux/blob/master/include/uapi/linux/binfmts.h
	maxAtStart = 128 << 10
)

// A budget is what is left of these limits. When one is used up, the budget reports an error, and the resolver stops.
type budget struct {
	report *spec.Report
	text   int
	files  int
	spent  bool
}

func newBudget(report *spec.Report) *budget {
	return &budget{report: report, text: maxText, files: maxFiles}
}

// done reports whether the resolver should stop: a limit is exceeded, or there are too many errors to read.
func (b *budget) done() bool { return b.spent || b.report.Full() }

// takeText uses up that many bytes of text, and reports whether the budget allows them.
func (b *budget) takeText(at spec.Range, bytes int) bool {
	b.text -= bytes
	if b.text < 0 && !b.spent {
		b.spent = true
		b.report.Add(at, "use fewer or shorter variables, aliases and defaults", "with all variables, aliases and what images inherit written out, the spec has more than %d MiB of text", maxText>>20)
	}
	return !b.spent
}

// takeFile uses up one file, and returns an error when the budget does not allow it.
func (b *budget) takeFile() error {
	if b.files--; b.files < 0 {
		b.spent = true
		return fmt.Errorf("all copies of the spec together bring more than %d files", maxFiles)
	}
	return nil
}

// length returns the length of a string with the defaults of its variables put in, given their lengths. The names of the variables count
// too, so that many empty defaults are not free.
func length(text string, defaults map[string]int) int {
	n := len(text)
	for p := range eachPiece(text, atStart) {
		if p.kind == ofStart {
			n += defaults[p.name]
		}
	}
	return n
}

// defaultLengths returns the length of each variable's default, with the defaults that it uses put in.
func (r *resolver) defaultLengths() map[string]int {
	lengths := map[string]int{}
	for _, v := range r.env.byNeed {
		if v.Default == nil {
			continue
		}
		n := length(*v.Default, lengths)
		at := slices.IndexFunc(r.spec.Environment, func(d spec.Named[spec.EnvVariable]) bool { return d.Name.Value == v.Name })
		where := r.spec.Environment[at].Value.Default.At
		if n > maxAtStart {
			r.report.Add(where, "", "with the defaults that it uses, the default of %s has more than %d KiB, more than a process can be given", v.Name, maxAtStart>>10)
			n = 0 // the others that use it are not wrong
		}
		if !r.budget.takeText(where, n) {
			break
		}
		lengths[v.Name] = n
	}
	return lengths
}

// takeImage uses up the text that an image inherits and that is written for its containers, and reports whether the budget allows it.
func (r *resolver) takeImage(image *Image, at spec.Range) bool {
	n := configLength(image.Config)
	for _, s := range image.Secrets {
		n += len(s.ID) + len(s.Path)
	}
	if image.Parent != nil {
		n += r.inherited[image.Parent.Name]
	}
	r.inherited[image.Name] = n
	if image.Start != nil {
		for _, v := range r.env.variables { // each container gets the environment
			n += len(v.Name)
			if v.Default != nil {
				n += len(*v.Default)
			}
		}
	}
	for _, s := range image.Steps {
		if files, ok := s.(Files); ok {
			for _, f := range files.Files {
				if script, ok := f.Content.(text); ok {
					n += len(script)
				}
			}
		}
	}
	return r.budget.takeText(at, n)
}

func configLength(c Config) int {
	n := len(c.User) + len(c.WorkDir) + len(c.StopSignal) + c.Healthcheck.length()
	for key, value := range c.Labels {
		n += len(key) + len(value)
	}
	for _, v := range c.Env {
		n += len(v.Name) + len(v.Value)
	}
	for _, list := range [][]string{c.Volumes, c.Ports} {
		for _, s := range list {
			n += len(s)
		}
	}
	return n
}
