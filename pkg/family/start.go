package family

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/contract"
	"github.com/pulpimg/pulpimg/pkg/shell"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// startScript is what a role runs.
const startScript = "/run.sh"

// A scriptData is what the template of the start script shows. Everything but the image's name is shell already.
type scriptData struct {
	Image       string
	Assignments []string
	Exports     string
	Require     []string
	Configure   string
	Wait        string
	Init        []string
	Become      string
}

// start returns the step that puts the start script into an image.
func (r *resolver) start(image *Image, s spec.Start) Step {
	image.Start = r.role(s)
	become := becomeCommand(*image.Start)
	data := scriptData{
		Image:       image.Name,
		Assignments: r.env.assignments(),
		Exports:     r.env.exports(),
		Require:     requirements(*image.Start),
		Configure:   shell.Words(image.Start.Configure),
		Wait:        shell.Words(image.Start.Wait),
		Become:      become + " -- " + r.command(image.Start.Command),
	}
	for _, command := range image.Start.Init {
		data.Init = append(data.Init, become+" -- "+r.command(command))
	}
	r.needHelper(image, s.Configure, "config")
	r.needHelper(image, s.Wait, "wait")
	if len(s.Configure)+len(s.Wait) == 0 {
		r.needHelper(image, s.Command, "exec")
	}
	image.Needs = r.configureNeeds(s.Configure)
	var script strings.Builder
	if err := r.script.Execute(&script, data); err != nil {
		r.report.Add(s.At, "", "writing the start script: %v", err)
	}
	return Files{
		Common: Common{Name: "start script", Range: s.At},
		Files:  []File{{Path: startScript, Mode: 0o755, Content: text(script.String())}},
	}
}

// becomeCommand returns the command that a command of the role is given to.
func becomeCommand(s Start) string {
	words := []string{"pulp-helper", "exec"}
	for _, option := range []struct{ name, value string }{
		{"--user", s.User},
		{"--workdir", s.Workdir},
		{"--umask", s.Umask},
	} {
		if option.value != "" {
			words = append(words, option.name, shell.Quote(option.value))
		}
	}
	return strings.Join(words, " ")
}

// requirements returns a check for each thing that has to be there.
func requirements(s Start) []string {
	var out []string
	for _, p := range s.Sockets {
		out = append(out, fmt.Sprintf("[ -S %s ] || fail %s", shell.Quote(p),
			shell.Quote(fmt.Sprintf("%s is no socket: mount that of the host (-v %s:%s)", p, p, p))))
	}
	for _, p := range s.Files {
		out = append(out, fmt.Sprintf("[ -e %s ] || fail %s", shell.Quote(p), shell.Quote(p+" is missing: mount it")))
	}
	for _, name := range s.Variables {
		// The value itself stays out of traces.
		out = append(out, fmt.Sprintf(`[ -n "${%s:+set}" ] || fail %s`, name, shell.Quote(fmt.Sprintf("%s is not set: give it with -e %s=VALUE", name, name))))
	}
	return out
}

// known returns names that have to be declared.
func (r *resolver) known(list []spec.Text, declared []string, what string) []string {
	var out []string
	for _, t := range list {
		name, ok := r.substitute.known(t, atBuild)
		if ok && !slices.Contains(declared, name) {
			r.report.Add(t.At, spec.DidYouMean(name, declared), "%q is not declared under %s", name, what)
		}
		out = append(out, name)
	}
	return out
}

// needHelper complains when neither an image nor what it stands on has a helper that its start uses.
func (r *resolver) needHelper(image *Image, uses []spec.Text, name string) {
	if len(uses) == 0 {
		return
	}
	for on := image; on != nil; on = on.Parent {
		for _, s := range on.Steps {
			if files, ok := s.(Files); ok && (slices.Contains(files.Helpers, name) || name == "exec" && len(files.Helpers) > 0) {
				return
			}
		}
	}
	root := image
	for root.Parent != nil {
		root = root.Parent
	}
	if root.Base == "" {
		return // there is a complaint about what it stands on
	}
	r.report.AddAt(uses[0].At.Start, fmt.Sprintf("add a step to %s: helpers: [%s]", root.Name, name),
		"starting %s needs the helper %q, which the image does not have", image.Name, name)
}

func settingsNames(all []contract.Settings) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func serviceNames(all []contract.Service) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}
