package family

import (
	"fmt"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// start returns the step that puts the start script into an image. Own is what the image declares of its start itself.
func (r *resolver) start(image *Image, own spec.Start) Step {
	image.Start = r.declaredStart(image, own)
	s := *image.Declared.Start
	if len(s.Configure) > 0 {
		r.needHelper(image, image.startAt(spec.StartConfigure, s.Configure[0].At), starting, "config")
	}
	if len(s.Wait) > 0 {
		r.needHelper(image, image.startAt(spec.StartWait, s.Wait[0].At), starting, "wait")
	}
	if len(s.Configure)+len(s.Wait) == 0 {
		r.needHelper(image, s.Command[0].At, starting, "exec")
	}
	r.checkUser(image, s)
	image.Needs = r.configureNeeds(s.Configure)
	return Files{
		Common:  Common{Name: "start script", Range: s.At},
		Files:   []File{{Path: startscript.Path, Mode: 0o755, Content: text(startScript(image).Marshal())}},
		Startup: true,
	}
}

// startScript returns the start script of an image.
func startScript(image *Image) startscript.Script {
	s := image.Start
	script := startscript.Script{
		Image:  image.Name,
		Stages: make([]startscript.Stage, 0, len(s.Sockets)+len(s.Files)+len(s.Variables)+len(s.Init)+2),
		Become: startscript.Become{User: s.User, Workdir: s.Workdir, Umask: s.Umask, Command: s.Command},
	}
	add := func(kind startscript.Kind, args ...string) {
		script.Stages = append(script.Stages, startscript.Stage{Kind: kind, Args: args})
	}
	for _, p := range s.Sockets {
		add(startscript.RequireSocket, p)
	}
	files := slices.Clone(s.Files)
	for _, secret := range image.secrets() {
		files = append(files, secret.Path)
	}
	for _, p := range once(files) {
		add(startscript.RequireFile, p)
	}
	for _, name := range s.Variables {
		add(startscript.RequireVariable, name)
	}
	if len(s.Configure) > 0 {
		add(startscript.Configure, s.Configure...)
	}
	if len(s.Wait) > 0 {
		add(startscript.Wait, s.Wait...)
	}
	for _, command := range s.Init {
		add(startscript.Init, command...)
	}
	return script
}

// checkUser reports a start whose user the user of the image cannot become.
func (r *resolver) checkUser(image *Image, s spec.Start) {
	if user := image.user(); user != "" && !CanBecome(user, image.Start.User) {
		hint := "let the image's user be root, or leave this out"
		if from, ok := image.InheritedStart[spec.StartUser]; ok {
			hint = "let the image's user be root, or give this start a user: it inherits that of " + from
		}
		r.report.Add(image.startAt(spec.StartUser, s.User.At), hint, "the image starts as %s, which cannot become %s", user, image.Start.User)
	}
}

// requireDeclared returns names, and reports those that are not declared.
func (r *resolver) requireDeclared(list []spec.Text, declared []string, what string) []string {
	var out []string
	for _, t := range list {
		name, ok := r.substitute.expand(t, atBuild)
		if ok && !slices.Contains(declared, name) {
			r.report.Add(t.At, spec.DidYouMean(name, declared), "%q is not declared under %s", name, what)
		}
		out = append(out, name)
	}
	return out
}

// starting is what most helpers are needed for.
const starting = "starting"

// needHelper reports a helper that something of an image uses, when neither the image nor one that it is based on has it.
func (r *resolver) needHelper(image *Image, use spec.Range, what, name string) {
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
		return // there is an error about its base already
	}
	r.report.AddAt(use.Start, fmt.Sprintf("add a step to %s: helpers: [%s]", root.Name, name),
		"%s %s needs the helper %q, which the image does not have", what, image.Name, name)
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
