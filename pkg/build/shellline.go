package build

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// shellError matches the errors of shells that have the line of a script. dash: "/bin/sh: 3: x: not found". bash: "/bin/sh: line 3: x: ...",
// and "-c: line 3" for a script that it cannot parse. busybox prints no line numbers. No shell prints one for a command that ended with an
// exit code.
var shellError = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/bin/sh: (?:(?:-c: )?line )?(\d+): (.*)$`) })

// lineOfScript returns the line of a script, from 1, at which the shell stopped, if the last line of what it wrote to its standard error has it.
func lineOfScript(script string, output []string) (line int, ok bool) {
	if len(output) == 0 {
		return 0, false
	}
	match := shellError().FindStringSubmatch(output[len(output)-1])
	if match == nil {
		return 0, false
	}
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	line, err := strconv.Atoi(match[1])
	if err != nil || line < 1 || line > strings.Count(script, "\n")+2 { // at the end of a script, shells may count one line more
		return 0, false
	}
	// The error may come from another shell that a program of the script runs. In an error of this one, the subject is in the line.
	subject, _, _ := strings.Cut(match[2], ":")
	if strings.Contains(strings.ToLower(subject), "syntax error") {
		return min(line, len(lines)), true
	}
	return line, line <= len(lines) && strings.Contains(lines[line-1], subject)
}

// scriptOf returns the script of the step with a name, and the step's place in the spec.
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

// placeOfLine returns the place of a script's line in the text of the spec, if the text has the script line by line.
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
			Start: spec.Position{Line: first + line - 1, Column: begin + 1, File: step.Start.File},
			End:   spec.Position{Line: first + line - 1, Column: len([]rune(text)) + 1, File: step.Start.File},
		}, true
	}
	return spec.Range{}, false
}

// sameLines reports whether lines of a spec are those of a script, apart from their indentation. A line of the spec with variables matches
// any line.
func sameLines(source, script []string) bool {
	for i := range script {
		if !strings.Contains(source[i], "${{") && strings.TrimSpace(source[i]) != strings.TrimSpace(script[i]) {
			return false
		}
	}
	return true
}
