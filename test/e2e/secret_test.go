package e2e

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secretSpec = `
version: 1
name: secret
registry: docker.io/lab
tag: "1"
images:
  secret:
    from: docker.io/library/fedora:20
    steps:
      - run: { script: "wc -c < /run/secrets/token > /length", secrets: [token] }
      - run: "test ! -e /run/secrets/token"
`

// A secret reaches its step and nothing else.
func TestBuild_secret(t *testing.T) {
	env.lanes.warm.enter(t)
	const value = "correct horse battery staple"
	from := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(from, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := specFile(t, secretSpec, nil)
	for _, c := range []struct {
		name, flag string
		program    program
	}{
		{"from a file", "id=token,src=" + from, warm()},
		{"from the environment", "id=token,env=TOKEN", warm().with("TOKEN=" + value)},
	} {
		t.Run(c.name, func(t *testing.T) {
			place := registry(t)
			c.program.build(t, "-f", spec, "--registry", place, "--push", "--no-cache", "--secret", c.flag).ok(t)
			img := image(t, place+"/secret:1")
			made := madeBy(t, img, "RUN ")
			if got := strings.TrimSpace(string(file(t, layers(t, img)[made[0]], "/length"))); got != "28" {
				t.Errorf("the step saw a secret of %s bytes, want %d", got, len(value))
			}
			for _, at := range made {
				walk(t, layers(t, img)[at], func(name string, _ *tar.Header, content io.Reader) {
					data, err := io.ReadAll(content)
					if err != nil {
						t.Fatal(err)
					}
					if strings.HasPrefix(name, "/run/secrets") || bytes.Contains(data, []byte(value)) {
						t.Errorf("the layer has %s: %q", name, data)
					}
				})
			}
			raw, err := img.RawConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(raw, []byte(value)) {
				t.Errorf("the config has the secret: %s", raw)
			}
		})
	}
	// The engine's cache stays with the user, but is no place for a secret either.
	warm().build(t, "-f", spec, "--no-cache").fails(t, 1, `pulpimg.yaml:10:9`, `secret token: not found`, `--secret`)
}
