package contract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// FuzzExpand looks for texts that expand to something else than what they say, or that show a secret.
func FuzzExpand(f *testing.F) {
	for _, text := range []string{"", "a", "${A}", "$${A}", "$$${A}", "${A}${S}", "${", "${A", "$", "}", "${}", "${${A}}", "${L}", "${D} ${S}"} {
		f.Add(text, "value")
		f.Add(text, "${S}")
	}
	byDefault, loop := "<${A}>", "${L}"
	c := contract.Contract{Environment: []contract.Variable{
		{Name: "A"}, {Name: "S", Secret: true}, {Name: "D", Default: &byDefault}, {Name: "L", Default: &loop},
	}}
	const secret = "${A}5f0c-hunter2"
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.Contains(text+value, "hunter2") {
			t.Skip("the secret is no secret")
		}
		env := contract.NewEnvironment(c, func(name string) string { return map[string]string{"A": value, "S": secret}[name] })
		got, err := env.Expand(text)
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Expand(%q): %v", text, err)
			}
			return
		}
		if strings.Contains(got.Shown, "hunter2") {
			t.Errorf("Expand(%q) is shown as %q", text, got.Shown)
		}
		if !strings.Contains(text, "${") && got.Text != text {
			t.Errorf("Expand(%q) = %q", text, got.Text)
		}
		// What stands for itself when it is escaped.
		escaped, err := env.Expand(strings.ReplaceAll(text, "${", "$${"))
		if err == nil && !strings.Contains(text, "$${") && escaped.Text != text {
			t.Errorf("the escaped %q is %q", text, escaped.Text)
		}
	})
}

// FuzzRead looks for a file on which reading a contract ends in something else than a contract or an error.
func FuzzRead(f *testing.F) {
	data, err := sample.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"settings":[{"set":[{"path":"a/b\n"}]}]}`))
	f.Add([]byte("null"))
	f.Add([]byte(`{"format": 2, "services": [{"name": "a", "command": ["b", "${C}"], "tries": 1}]}`))
	f.Add([]byte(`{"format": 3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "contract.json")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := contract.Read(name)
		if err != nil {
			return
		}
		for _, s := range c.Settings {
			for _, set := range s.Set {
				section, key, ok := set.Split()
				if ok && (section+"/"+key != set.Path || strings.ContainsAny(set.Path, "'\"[]\\\n\t*|()$")) {
					t.Errorf("Split(%q) = %q, %q", set.Path, section, key)
				}
			}
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, again, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := contract.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("written and read again (-want +got):\n%s", diff)
		}
	})
}
