package e2e

import (
	"bytes"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	urlPassword = "correct-horse-battery"
	urlToken    = "staple-of-a-token"
)

// guardedFile serves a file to who has the password and the token, and refuses others with what they sent.
func guardedFile(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "me" || password != urlPassword || r.URL.Query().Get("token") != urlToken:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, "[shop]\n")
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

const urlSpec = `
version: 1
name: url
registry: docker.io/lab
tag: "1"
variables:
  server: {}
  password: {}
  token: {}
  file: { default: shop.repo }
images:
  shop:
    from: docker.io/library/fedora:20
    steps:
      - repo: { url: "http://me:${{ password }}@${{ server }}/${{ file }}?token=${{ token }}", to: /etc/shop.repo }
      - run: "cat /etc/shop.repo"
`

// forms are how a secret is written in texts.
func forms(secret string) [][]byte {
	return [][]byte{[]byte(secret), []byte(base64.StdEncoding.EncodeToString([]byte("me:" + secret)))}
}

// holdsNo fails the test when a file below a directory holds a secret.
func holdsNo(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		for _, secret := range secrets {
			for _, form := range forms(secret) {
				if bytes.Contains(data, form) {
					t.Errorf("%s holds %s", name, form)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func saysNo(t *testing.T, o outcome, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			if strings.Contains(o.stdout+o.stderr, string(form)) {
				t.Errorf("pulpimg %s says %s:\n%s%s", o.args[0], form, o.stdout, o.stderr)
			}
		}
	}
}

func TestBuild_credentialsOfAURL(t *testing.T) {
	env.lanes.own.enter(t)
	program := cold(t)
	server := guardedFile(t)
	spec := specFile(t, urlSpec, nil)
	given := []string{"-f", spec, "--set", "server=" + server, "--set", "password=" + urlPassword, "--set", "token=" + urlToken}
	place, dir := registry(t), t.TempDir()

	for _, progress := range []string{"plain", "rawjson"} {
		built := program.build(t, append(given, "--no-cache", "--progress", progress, "--registry", place, "--push", "-o", "oci:"+filepath.Join(dir, progress), "--metadata-file", filepath.Join(dir, progress+".json"))...).ok(t)
		saysNo(t, built, urlPassword, urlToken)
	}
	holdsNo(t, dir, urlPassword, urlToken)
	img := image(t, place+"/shop:1")
	if raw, err := img.RawConfigFile(); err != nil || !strings.Contains(string(raw), "ADD http://"+server+"/shop.repo?token=xxxxx /etc/shop.repo") {
		t.Errorf("the history is %s, %v", raw, err)
	}
	if got := string(file(t, layers(t, img)[madeBy(t, img, "ADD ")[0]], "/etc/shop.repo")); got != "[shop]\n" {
		t.Errorf("the file is %q", got)
	}

	// Without credentials in the URL, the engine takes them from the secrets that are for the host.
	without := specFile(t, strings.Replace(urlSpec, "me:${{ password }}@", "", 1), nil)
	bySecret := program.with("HEADER=Basic "+base64.StdEncoding.EncodeToString([]byte("me:"+urlPassword))).
		build(t, append([]string{"-f", without, "--no-cache", "--progress", "plain", "--secret", "id=HTTP_AUTH_HEADER_127.0.0.1,env=HEADER"}, given[2:]...)...).ok(t)
	saysNo(t, bySecret, urlPassword, urlToken)

	denies := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(denies, []byte(`{"version": 1, "rules": [{"action": "DENY", "selector": {"identifier": "http://*", "match_type": "WILDCARD"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"denied":      append([]string{"build", "--source-policy", denies}, given...),
		"refused":     append(append([]string{"build", "--source-policy", env.lab.Policy}, given...), "--set", "file=broken"),
		"unreachable": append(append([]string{"build", "--source-policy", env.lab.Policy}, given...), "--set", "server=127.0.0.1:9"),
		"no URL":      append(append([]string{"build"}, given...), "--set", "server="),
	} {
		for _, format := range []string{"text", "json", "github"} {
			t.Run(name+" as "+format, func(t *testing.T) {
				saysNo(t, program.run(t, append(args, "--format", format)...), urlPassword, urlToken)
			})
		}
	}
	saysNo(t, program.run(t, append([]string{"show"}, given...)...).ok(t), urlPassword, urlToken)
	program.run(t, append([]string{"dockerfile"}, given...)...).fails(t, 65, "a Dockerfile would show the credentials")

	// The engine has to know of the token, which is a part of the address.
	holdsNo(t, program.cache, urlPassword)
	holdsNo(t, filepath.Join(program.cache, "pulpimg", "images"), urlToken)
}
