package spec

import (
	"strings"
	"testing"
)

func TestParse_shapes(t *testing.T) {
	environment := func(s string) string { return head + "environment: " + s + "\n" + images }
	image := func(s string) string { return head + "images: {a: {from: scratch, " + s + "}}\n" }
	start := func(s string) string { return image("start: {command: [c], " + s + "}") }
	long := strings.Repeat("x", maxHint)
	for _, test := range []struct{ name, yaml, want string }{
		{"a word for a variable", environment("{LOG_LEVEL: info}"),
			`f.yaml:5:26: environment.LOG_LEVEL has to be a mapping, not "info" (write LOG_LEVEL: { default: info })`},
		{"a number for a variable", environment("{PORT: 8000}"), `f.yaml:5:21: environment.PORT has to be a mapping, not the number 8000 (write PORT: { default: "8000" })`},
		{"a truth value for a variable", environment("{DEBUG: true}"),
			`f.yaml:5:22: environment.DEBUG has to be a mapping, not the truth value true (write DEBUG: { default: "true" })`},
		{"a URL for a variable", environment(`{A%s: "a: b"}`), `f.yaml:5:20: environment.A%s has to be a mapping, not "a: b" (write A%s: { default: "a: b" })`},
		{"a long value for a variable", environment("{A: " + long + "}"), `f.yaml:5:18: environment.A has to be a mapping, not "` + long + `" (write A: { default: ... })`},
		{"variables as Compose has them", environment("[A=b]"), `f.yaml:5:14: environment has to be a mapping, not a list (write NAME: { default: value })`},
		{"a word for a variable of the spec", head + "variables: {base: python}\n" + images,
			`f.yaml:5:19: variables.base has to be a mapping, not "python" (write base: { default: python })`},
		{"a list of secrets", image("secrets: [tls.key]"), `f.yaml:5:38: secrets has to be a mapping, not a list (write ID: PATH, the path in the container)`},
		{"a mapping for a secret", image("secrets: {tls.key: {path: /k}}"),
			`f.yaml:5:48: tls.key has to be a string, not a mapping (write ID: PATH, the path in the container)`},
		{"a word for a list", start("wait: db"), `f.yaml:5:57: wait has to be a list, not "db" (write [db])`},
		{"a number for a list", image("ports: 8000"), `f.yaml:5:36: ports has to be a list, not the number 8000 (write ["8000"])`},
		{"nothing for a list", image("ports: "), `f.yaml:5:36: ports has to be a list, not nothing`},
		{"a truth value for a list", image("ports: true"), `f.yaml:5:36: ports has to be a list, not the truth value true`},
		{"no words for a list", image(`ports: ""`), `f.yaml:5:36: ports has to be a list, not ""`},
		{"no words for a command", start(`init: [""]`), `f.yaml:5:58: item 1 of init has to be a list, not ""`},
		{"a line for a list of words", image("command: gunicorn --workers 2 app"),
			`f.yaml:5:38: command has to be a list, not "gunicorn --workers 2 app" (write [gunicorn, "--workers", "2", app])`},
		{"a line with quotes for a list of words", image("command: sh -c 'a b'"), `f.yaml:5:38: command has to be a list, not "sh -c 'a b'" (write a list of words)`},
		{"a command for commands", start("init: [migrate, up]"), `f.yaml:5:57: init has to be a list of commands, each a list of words (write [[migrate, up]])`},
		{"lines for commands", start("init: [db migrate, check]"), `f.yaml:5:57: init has to be a list of commands, each a list of words (write [[db, migrate], [check]])`},
		{"a line with quotes for commands", start(`init: ["sh -c 'a'"]`),
			`f.yaml:5:57: init has to be a list of commands, each a list of words (write a list of words for each command)`},
		{"a word for commands", start("init: migrate"), `f.yaml:5:57: init has to be a list, not "migrate" (write [[migrate]])`},
		{"a word among commands", start("init: [[a], b]"), `f.yaml:5:63: item 2 of init has to be a list, not "b" (write [b])`},
		{"a kind for Kubernetes", image("kubernetes: job"), `f.yaml:5:41: images.a.kubernetes has to be a mapping, not "job" (write kubernetes: { kind: job })`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.yaml))
			if got := message(err); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
