package dockerfile

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// identity is who instructions run as, and where. What is empty is not known: it is what an image from outside says.
type identity struct{ user, dir string }

// declared returns what the image will say in the end, as far as the family knows.
func (w *writer) declared() identity {
	c := w.source.Config
	out := identity{orInherited(c.User, w.base.user), orInherited(c.WorkDir, w.base.workdir)}
	if out.dir == "" && !w.base.outside {
		out.dir = "/"
	}
	return out
}

// packagesAs has a package step run as root. It writes nothing where it does already, or where the user comes from an image from outside and
// the spec has none to restore afterwards.
func (w *writer) packagesAs(at spec.Range) { w.runAs(at, "root", w.now.dir) }

// commandAs has a run step run as its user and in its directory.
func (w *writer) commandAs(s family.Run) {
	end := w.declared()
	user, dir := orInherited(s.User, "root"), orInherited(s.WorkDir, end.dir)
	if s.User != "" && end.user == "" {
		w.report.Add(s.At(), "add user: root to "+w.source.Name+", or whoever its containers are meant to run as",
			"after this step, a Dockerfile could not go back to the user of %s, which it does not know", w.from())
	}
	if s.WorkDir != "" && end.dir == "" {
		w.report.Add(s.At(), "add workdir to "+w.source.Name,
			"after this step, a Dockerfile could not go back to the directory of %s, which it does not know", w.from())
	}
	w.runAs(s.At(), user, dir)
}

// runAs writes what changes the user and the directory of the instructions that follow.
func (w *writer) runAs(at spec.Range, user, dir string) {
	var lines []string
	known := w.now.user != "" || w.base.outside && w.source.Config.User != ""
	if same := w.now.user == user || isRoot(w.now.user) && isRoot(user); !same && (known || !isRoot(user)) {
		lines = append(lines, "USER "+user)
		w.now.user, w.changed.user = user, "changed"
	}
	if dir != "" && dir != w.now.dir && (w.now.dir != "" || w.base.outside || dir != "/") {
		lines = append(lines, "WORKDIR "+word(dir))
		w.now.dir, w.changed.dir = dir, "changed"
	}
	if len(lines) == 0 {
		return
	}
	w.begin(at, "the step runs as %s, in %s", user, orInherited(dir, "the directory of "+w.from()))
	for _, line := range lines {
		w.line(line)
	}
}

func isRoot(user string) bool {
	return slices.Contains([]string{"root", "0", "root:root", "0:0"}, user)
}

// packages writes the RUN of a package step: the same command as in any build of the family.
func (w *writer) packages(s family.Packages) error {
	install, err := packages.For(s)
	if err != nil {
		return err
	}
	var flags, commands []string
	for _, dir := range install.CacheDirs {
		// Package managers give up when they find their cache in use. Nothing else uses that of one image: its steps run one after the
		// other. To let all images share one, each would have to wait for the others (sharing=locked), and of two such steps in one
		// build the second waits forever in buildah, as late as 1.28.
		flags = append(flags, "--mount=type=cache,id="+w.family+"/"+w.source.Name+dir+",target="+dir)
	}
	for _, v := range install.Env {
		commands = append(commands, "export "+v.Name+"="+v.Value)
	}
	for _, command := range install.Commands {
		if strings.HasPrefix(command, "rm ") {
			command = strings.ReplaceAll(command, " /", "\n/")
		}
		commands = append(commands, strings.ReplaceAll(command, "\n", " \\\n        "))
	}
	commands = append([]string{"set -eu"}, commands...)
	w.line("RUN " + strings.Join(append(flags, strings.Join(commands, "; \\\n    ")), " \\\n    "))
	return nil
}

// shellLine is a script that means the same after RUN as it does to a shell: one line, that does not end in a backslash and holds nothing
// that a Dockerfile takes for the beginning of a here-document.
var shellLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\\ ]$`) })

// run writes the RUN of a run step.
func (w *writer) run(s family.Run) {
	w.platformArgs(s)
	flags := w.mounts(s)
	for _, id := range s.Secrets {
		flag := "--mount=type=secret,id=" + id + ",required=true"
		if s.User != "" {
			flag += ",mode=0444" // its user has to read it
		}
		flags = append(flags, flag)
	}
	if s.NoNetwork {
		flags = append(flags, "--network=none")
	}
	text := exports(s.Env) + s.Script
	var command string
	switch script := strings.TrimSpace(text); {
	case len(s.Args) > 0:
		command = list(s.Args)
		if len(s.Env) > 0 {
			w.report.Add(s.Env[0].At, "use a script", "a Dockerfile has no way to give variables to a single command without a shell")
		}
	case shellLine().MatchString(script) && !strings.Contains(script, "<<"):
		command = "set -eu; " + script
	default:
		command = execScript(text)
	}
	separator := " "
	if len(flags) > 1 {
		separator = " \\\n    "
	}
	w.line("RUN " + strings.Join(append(flags, command), separator))
}

// exports begins a script with the variables that only this script has. A value finds those that the image has.
func exports(vars []family.EnvVar) string {
	var b strings.Builder
	for _, v := range vars {
		b.WriteString("export " + v.Name + `="`)
		v.Pieces(func(text, name string) {
			if name != "" {
				b.WriteString("${" + name + ":?}")
				return
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text))
		})
		b.WriteString(`"; `)
	}
	return b.String()
}

// platformArgs declares the variables of platforms that a command names. Package llb gives them to the same commands.
func (w *writer) platformArgs(s family.Run) {
	for _, name := range s.PlatformVariables() {
		set := slices.ContainsFunc(s.Env, func(v family.EnvVar) bool { return v.Name == name })
		if !w.args[name] && !set {
			w.args[name] = true
			w.line("ARG " + name)
		}
	}
}

// mountWord is what may stand in a --mount as it is.
var mountWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9/._@+:~%-]+$`) })

// mounts writes the caches and mounts of a run step.
func (w *writer) mounts(s family.Run) []string {
	var flags []string
	add := func(kind string, pairs ...string) {
		for _, pair := range pairs {
			key, value, _ := strings.Cut(pair, "=")
			if key != "id" && !mountWord().MatchString(value) {
				w.report.Add(s.At(), "", "a Dockerfile has no certain way to write %q in a mount", value)
			}
			kind += "," + pair
		}
		flags = append(flags, "--mount=type="+kind)
	}
	for _, c := range s.Caches {
		id := w.family + c.Path
		if c.Name != "" {
			id = c.Name
		}
		pairs := []string{"id=" + id, "target=" + c.Path, "mode=0777"}
		if c.Locked {
			pairs = append(pairs, "sharing=locked")
		}
		add("cache", pairs...)
	}
	for _, m := range s.Mounts {
		switch {
		case m.Source != nil:
			add("bind", "from="+w.sourceName(*m.Source), "source="+m.From, "target="+m.Path)
		case m.Tmpfs():
			add("tmpfs", "target="+m.Path)
		default:
			add("bind", "source="+w.context.mounted(m), "target="+m.Path)
			w.keeps = w.keeps || slices.ContainsFunc(m.Files, func(f family.File) bool { return f.Mode.IsDir() })
		}
	}
	return flags
}

// sourceName is how a Dockerfile names an image that it takes files from.
func (w *writer) sourceName(s family.ImageSource) string {
	if s.Image != nil {
		return s.Image.Reference
	}
	return strings.TrimSuffix(s.Reference, ":latest")
}

// execScript gives a script to a shell as one word, a line of the Dockerfile for each of its own. A line that
// begins with # is no comment of the Dockerfile.
func execScript(script string) string {
	var b strings.Builder
	b.WriteString(`["/bin/sh", "-euc", "`)
	for line := range strings.Lines(script) {
		text := jsonString(line)
		text = text[1 : len(text)-1]
		if strings.HasPrefix(strings.TrimLeft(text, " "), "#") {
			text = strings.Replace(text, "#", `\u0023`, 1)
		}
		b.WriteString("\\\n" + text)
	}
	if strings.HasSuffix(script, "\n") {
		b.WriteString("\\\n")
	}
	b.WriteString(`"]`)
	return b.String()
}
