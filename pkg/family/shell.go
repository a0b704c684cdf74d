package family

import (
	"strings"

	"github.com/pulpimg/pulpimg/pkg/shell"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// shellCommand makes a command of words that may name variables of the environment.
func (r *resolver) shellCommand(words []spec.Text) string {
	out := make([]string, len(words))
	for i, w := range words {
		value := r.substitute.text(w, atStart)
		if len(references(value, false)) == 0 {
			out[i] = shell.Quote(strings.ReplaceAll(value, "$${", "${"))
			continue
		}
		out[i] = `"` + shellInside(value) + `"`
	}
	return strings.Join(out, " ")
}

// shellInside writes a value for the inside of double quotes: its variables are put in by the shell, and nothing else means anything.
func shellInside(value string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
	var b strings.Builder
	for _, p := range pieces(value) {
		switch {
		case p.variable != "" && !p.build:
			b.WriteString("${" + p.variable + "}")
		case p.text == "$${":
			b.WriteString(`\${`)
		default:
			b.WriteString(escape.Replace(p.text))
		}
	}
	return b.String()
}
