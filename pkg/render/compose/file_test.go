package compose_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/compose"
)

func load(t testing.TB, file string) *family.Family {
	t.Helper()
	f := familytest.Load(t, file)
	f.Spec.Filename = filepath.Base(file)
	return f
}

func images(f *family.Family) map[string]string {
	out := map[string]string{}
	for _, image := range f.Images {
		out[image.Name] = image.Reference
	}
	return out
}

func TestMarshal_golden(t *testing.T) {
	for name, test := range map[string]struct {
		file            string
		values, secrets map[string]string
	}{
		"pulp.yaml":       {"../../../specs/pulp.yaml", nil, nil},
		"secrets.yaml":    {"../kubernetes/testdata/secrets.spec.yaml", nil, map[string]string{"tls.key": "../$keys/tls.key"}},
		"everything.yaml": {"../kubernetes/testdata/everything.spec.yaml", map[string]string{"GREETING": "costs $1 and ${MORE}", "EXTRA": "yes"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := load(t, test.file)
			opts := compose.Options{Images: images(f), Values: test.values, Secrets: test.secrets}
			first, err := compose.Marshal(f, opts)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", name), string(first))
			for range 24 {
				again, err := compose.Marshal(f, opts)
				if err != nil || string(again) != string(first) {
					t.Fatalf("it differs from time to time (%v):\n%s", err, cmp.Diff(string(first), string(again)))
				}
			}
		})
	}
}

// A "$" in a path would be taken for the beginning of a variable.
func TestMarshal_mounts(t *testing.T) {
	f := familytest.Parse(t, `version: 1
name: f
registry: r.example
tag: t
kubernetes: { storage: { size: 1Gi, volumes: [/a$b] } }
images: { a: { from: scratch, volumes: [/a$b], steps: [ helpers: [wait] ], start: { require: { sockets: [/run/$c] }, command: [x] } } }
`)
	data, err := compose.Marshal(f, compose.Options{Images: images(f)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"source: /run/$$c\n        target: /run/$$c\n", "source: a-b\n        target: /a$$b\n", "volumes:\n  a-b: {}\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %q in\n%s", want, data)
		}
	}
}

// The file has no values for variables of the session that starts it, such as HOME.
func TestMarshal_sessionVariables(t *testing.T) {
	f := familytest.Parse(t, `version: 1
name: f
registry: r.example
tag: t
environment: { HOME: { default: /srv }, USER: {}, SHELL: {required: true}, LOGNAME: {}, OTHER: {required: true} }
images: { a: { from: scratch, steps: [ helpers: [wait] ], start: { command: [x, "${HOME}"] } } }
`)
	for _, test := range []struct {
		values map[string]string
		want   string
	}{
		{map[string]string{"SHELL": "/bin/sh"}, "    environment:\n      SHELL: /bin/sh\n      OTHER: ${OTHER:?give it a value}\n    cap_drop"},
		{map[string]string{"USER": "app", "SHELL": "/bin/sh", "OTHER": "x"}, "    environment:\n      USER: app\n      SHELL: /bin/sh\n      OTHER: x\n    cap_drop"},
	} {
		data, err := compose.Marshal(f, compose.Options{Images: images(f), Values: test.values})
		if err != nil || !strings.Contains(string(data), test.want) {
			t.Errorf("%v, no %q in\n%s", err, test.want, data)
		}
	}
	// So one that is required has to be given.
	_, err := compose.Marshal(f, compose.Options{Images: images(f)})
	var missing *family.MissingError
	if !errors.As(err, &missing) || err.Error() != "containers of a need a value for SHELL" {
		t.Errorf("got %v", err)
	}
}

func TestMarshal_errors(t *testing.T) {
	f := load(t, "../kubernetes/testdata/everything.spec.yaml")
	base, err := f.Select("shop-base")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		family *family.Family
		opts   compose.Options
		want   string
	}{
		{"a secret", f, compose.Options{Images: images(f), Values: map[string]string{"DB_PASSWORD": "correct horse"}},
			"DB_PASSWORD is secret, and a Compose file is not: let it come from the environment when the containers start"},
		{"no reference", f, compose.Options{}, "there is no reference for the image shop-web"},
		{"nothing to run", base, compose.Options{}, "none of these images is meant to be run: they have no start, no entrypoint and no command"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data, err := compose.Marshal(test.family, test.opts)
			var secret *compose.SecretError
			if isSecret := strings.HasPrefix(test.want, "DB_PASSWORD"); errors.As(err, &secret) != isSecret {
				t.Errorf("got a SecretError: %t", !isSecret)
			}
			if err == nil || err.Error() != test.want || strings.Contains(string(data), "correct") {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
