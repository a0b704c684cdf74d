package dockerfile

import (
	"encoding/json"
	"strings"
)

// healthcheck writes the health check that the image declares.
func (w *writer) healthcheck() {
	h, declared := w.source.Config.Healthcheck, w.source.Declared.Healthcheck
	if h == nil {
		return
	}
	w.begin(declared.At, "healthcheck")
	words := append([]string{"HEALTHCHECK"}, h.Options()...)
	switch {
	case len(h.Command) > 0:
		words = append(words, "CMD", list(h.Command))
	case h.Script != "":
		if !isShellForm(h.Script) {
			w.report.Add(declared.Script.At, "put the script into a file of the image, and let a command run that",
				"a Dockerfile has no way to write this script of a health check: it takes one line that is no list in JSON")
		}
		words = append(words, "CMD", h.Script)
	default:
		words = append(words, "NONE")
	}
	w.line(strings.Join(words, " "))
}

// isShellForm reports whether a Dockerfile takes a text for a line of a shell script, and for this one: not for the list of a command, and with
// nothing lost at its ends. A list of something else than strings is an error there.
func isShellForm(script string) bool {
	var list []any
	return shellLine().MatchString(script) && strings.TrimSpace(script) == script && json.Unmarshal([]byte(script), &list) != nil
}
