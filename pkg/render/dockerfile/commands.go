package dockerfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// commands makes steps that run a command run as root in /, as in any build of the family. It writes nothing where they do already, or where
// the user and directory come from an image from outside and the spec has none to restore afterwards.
func (w *writer) commands(at spec.Range) {
	c := w.source.Config
	var lines []string
	if user := w.base.user != "" || w.base.outside && c.User != ""; user && !w.asRoot && !isRoot(w.base.user) {
		w.asRoot = true
		lines = append(lines, "USER root")
	}
	if dir := w.base.workdir != "" || w.base.outside && c.WorkDir != ""; dir && !w.inRootDir && w.base.workdir != "/" {
		w.inRootDir = true
		lines = append(lines, "WORKDIR /")
	}
	if len(lines) == 0 {
		return
	}
	w.begin(at, "commands run as root, in /")
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
var shellLine = regexp.MustCompile(`^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\\ ]$`)

// run writes the RUN of a run step.
func (w *writer) run(s family.Run) {
	command := "RUN "
	for _, id := range s.Secrets {
		command += "--mount=type=secret,id=" + id + ",required=true "
	}
	switch script := strings.TrimSpace(s.Script); {
	case len(s.Args) > 0:
		command += list(s.Args)
	case shellLine.MatchString(script) && !strings.Contains(script, "<<"):
		command += "set -eu; " + script
	default:
		command += execScript(s.Script)
	}
	w.line(command)
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
