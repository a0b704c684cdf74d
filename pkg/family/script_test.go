package family_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// awkward are values that mean something to a shell.
var awkward = []string{
	"two  words", "it's", `say "hi"`, `a\b\\c\`, "$HOME", "$${HOME}", "$(touch pwned)", "`touch pwned`", "a\nb\n", "\n", "*", "~", "#x", ";touch pwned",
	"&& touch pwned", "|", ">pwned", "}", "a}b{c", "${", "$", "!x", "%s", "-n", "--", "ü€", "\t", "",
}

// quoted writes a value as it stands in a spec: a string in YAML, whose ${ mean nothing.
func quoted(t testing.TB, value string) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "${", "$${")
}

func quotedAll(t testing.TB, values []string) string {
	t.Helper()
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = quoted(t, v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// readScript reads the start script of an image, as pulp-helper does.
func readScript(t testing.TB, i *family.Image) startscript.Script {
	t.Helper()
	s, err := startscript.Parse(startscript.Path, []byte(startScript(t, i)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withoutLines leaves the numbers of lines out of comparisons.
var withoutLines = cmp.Options{cmpopts.IgnoreFields(startscript.Stage{}, "Line"), cmpopts.IgnoreFields(startscript.Become{}, "Line")}

func TestStartScript_words(t *testing.T) {
	f := mustResolve(t, started("", fmt.Sprintf("{init: [%s], command: %s}", quotedAll(t, append([]string{"i"}, awkward...)), quotedAll(t, append([]string{"c"}, awkward...)))), family.Options{})
	script := readScript(t, image(t, f, "a"))
	// In the words, as in the spec, ${ begins a variable.
	want := slices.Clone(awkward)
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "${", "$${")
	}
	if diff := cmp.Diff(append([]string{"i"}, want...), script.Stages[0].Args); diff != "" {
		t.Errorf("init (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append([]string{"c"}, want...), script.Become.Command); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
}

func TestStartScript_stages(t *testing.T) {
	f := mustResolve(t, started("environment: {R: {required: true}, V: {}}\nsettings: {s: {file: /f, lens: l.aug}}\nservices: {db: {url: \"tcp://h:1\"}, mq: {url: \"tcp://h:2\"}}\n",
		`{command: [c, "${V}"], init: [[i, "1"], [j]], wait: [db, mq], configure: [s], require: {files: [/etc/x], sockets: [/dev/log]}, user: "1", workdir: /a b, umask: "027"}`), family.Options{})

	want := startscript.Script{
		Image: "a",
		Stages: []startscript.Stage{
			{Kind: startscript.RequireSocket, Args: []string{"/dev/log"}},
			{Kind: startscript.RequireFile, Args: []string{"/etc/x"}},
			{Kind: startscript.RequireVariable, Args: []string{"R"}},
			{Kind: startscript.RequireVariable, Args: []string{"V"}},
			{Kind: startscript.Configure, Args: []string{"s"}},
			{Kind: startscript.Wait, Args: []string{"db", "mq"}},
			{Kind: startscript.Init, Args: []string{"i", "1"}},
			{Kind: startscript.Init, Args: []string{"j"}},
		},
		Become: startscript.Become{User: "1", Workdir: "/a b", Umask: "027", Command: []string{"c", "${V}"}},
	}
	if diff := cmp.Diff(want, readScript(t, image(t, f, "a")), withoutLines); diff != "" {
		t.Errorf("script (-want +got):\n%s", diff)
	}
}

func TestStartScript_requiredVariables(t *testing.T) {
	const declared = "environment: {R: {required: true}, N: {}, D: {default: \"${N}\"}, E: {default: \"\"}, HOME: {}, H: {default: \"${HOME}/x\"}}\n"
	for _, test := range []struct {
		name, start string
		want        []string
	}{
		{"everywhere", `{command: [c]}`, []string{"R"}},
		{"here", `{require: {variables: [N]}, command: [c]}`, []string{"R", "N"}},
		{"for the command", `{command: [c, "${N}"]}`, []string{"R", "N"}},
		{"for init", `{init: [[i, "${N}"]], command: [c]}`, []string{"R", "N"}},
		{"for a default that needs another", `{command: [c, "${D}"]}`, []string{"R", "D"}},
		{"not the home", `{command: [c, "${HOME}", "${H}"]}`, []string{"R"}},
		{"not if the default is empty", `{command: [c, "${E}"]}`, []string{"R"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, s := range readScript(t, image(t, mustResolve(t, started(declared, test.start), family.Options{}), "a")).Stages {
				if s.Kind == startscript.RequireVariable {
					got = append(got, s.Args...)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		})
	}
}
