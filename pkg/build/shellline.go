package build

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// shellSays is how shells tell which line of a script they stopped at. dash: "/bin/sh: 3: x: not found". bash: "/bin/sh: line 3: x: ...",
// and "-c: line 3" of a script that it cannot read. busybox tells no lines. None tells one of a command that failed with an exit code.
var shellSays = regexp.MustCompile(`^/bin/sh: (?:(?:-c: )?line )?(\d+): (.*)$`)

// lineOfScript returns which line of a script the shell stopped at, from 1, if its last words say so.
func lineOfScript(script string, output []string) (line int, ok bool) {
	if len(output) == 0 {
		return 0, false
	}
	said := shellSays.FindStringSubmatch(output[len(output)-1])
	if said == nil {
		return 0, false
	}
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	line, err := strconv.Atoi(said[1])
	if err != nil || line < 1 || line > strings.Count(script, "\n")+2 { // at the end of a script, shells may count one line more
		return 0, false
	}
	// A program may run a shell of its own, whose script has other lines. What this one speaks of is in the line.
	about, _, _ := strings.Cut(said[2], ":")
	if strings.Contains(strings.ToLower(about), "syntax error") {
		return min(line, len(lines)), true
	}
	return line, line <= len(lines) && strings.Contains(lines[line-1], about)
}

// scriptOf returns the script of the step that people see under a name, and where the step is.
func scriptOf(f *family.Family, step string) (script string, at spec.Range) {
	for _, image := range f.Images {
		for i, s := range image.Steps {
			if run, ok := s.(family.Run); ok && llb.StepName(image, i) == step {
				return run.Script, s.At()
			}
		}
	}
	return "", spec.Range{}
}

// placeOfLine returns the place of a line of a script in the text of the spec, if the script is written there line by line.
func placeOfLine(source []byte, step spec.Range, script string, line int) (spec.Range, bool) {
	all := strings.Split(string(source), "\n")
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	for first := step.Start.Line; first+len(lines)-1 <= min(step.End.Line, len(all)); first++ {
		if !sameLines(all[first-1:first-1+len(lines)], lines) {
			continue
		}
		text := strings.TrimRight(all[first+line-2], " \r")
		begin := len(text) - len(strings.TrimLeft(text, " "))
		return spec.Range{
			Start: spec.Position{Line: first + line - 1, Column: begin + 1},
			End:   spec.Position{Line: first + line - 1, Column: len([]rune(text)) + 1},
		}, true
	}
	return spec.Range{}, false
}

// sameLines reports whether lines of a spec are those of a script, which are indented there. In one with variables, it cannot be known.
func sameLines(written, script []string) bool {
	for i := range script {
		if !strings.Contains(written[i], "${{") && strings.TrimSpace(written[i]) != strings.TrimSpace(script[i]) {
			return false
		}
	}
	return true
}
