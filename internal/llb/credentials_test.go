package llb_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/llb"
)

const withCredentials = `version: 1
name: f
registry: r.example
tag: t
images:
  a:
    from: scratch
    steps:
      - repo: { url: "https://me:hunter2@h.example/r?token=s3cret&v=1", to: /r }
      - run: "true"
`

// The token has to be in the definition: an engine has no other way to learn of it.
func TestFetch_hidesCredentials(t *testing.T) {
	f := resolve(t, withCredentials)
	def, err := llb.Fetch(t.Context(), f.Images[0], 0, opts)
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	for _, op := range operations(t, def) {
		if source := op.GetSource(); source != nil {
			asked = true
			if source.Identifier != "https://h.example/r?token=s3cret&v=1" || source.Attrs["http.authheadersecret"] != llb.CredentialsID(f.Images[0], 0) {
				t.Errorf("the engine is asked for %v", source)
			}
		}
	}
	if !asked {
		t.Error("the engine is asked for nothing")
	}
	for _, data := range def.Def {
		if bytes.Contains(data, []byte("hunter2")) {
			t.Errorf("the definition has the password: %q", data)
		}
	}
	for _, m := range def.Metadata {
		for _, text := range m.Description {
			if strings.Contains(text, "hunter2") || strings.Contains(text, "s3cret") {
				t.Errorf("the description of a vertex has credentials: %s", text)
			}
		}
	}
	config, err := compileAll(t, f)["a"].SolveTarget().Config()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(config, []byte(`ADD https://h.example/r?token=xxxxx\u0026v=1 /r`)) || bytes.Contains(config, []byte("hunter2")) {
		t.Errorf("the config is %s", config)
	}
}
