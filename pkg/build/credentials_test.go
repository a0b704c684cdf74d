package build

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

func TestEngineCredentials(t *testing.T) {
	auth := func(user string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":x")) }
	file := filepath.Join(t.TempDir(), "auth.json")
	content := `{"auths":{"r.test":{"auth":"` + auth("all") + `"},"r.test/pulp":{"auth":"` + auth("pulp") + `"},"docker.io":{"auth":"` + auth("hub") + `"}}}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newEngineCredentials(publish.NewKeychain(func(name string) string { return map[string]string{"REGISTRY_AUTH_FILE": file}[name] }))
	for _, test := range []struct {
		host   string
		scopes []string
		want   string
	}{
		{"r.test", []string{"repository:pulp/base:pull"}, "pulp"},
		{"r.test", []string{"repository:other/base:pull"}, "all"},
		{"r.test", nil, "all"},
		{"registry-1.docker.io", []string{"repository:library/debian:pull"}, "hub"},
		{"other.test", []string{"repository:pulp/base:pull"}, ""},
	} {
		for range 2 { // the second is remembered
			got, err := c.find(t.Context(), test.host, test.scopes, func(time.Time, string) bool { return false })
			if err != nil || got.Username != test.want {
				t.Errorf("%s %v: the user is %q, %v, want %q", test.host, test.scopes, got.Username, err, test.want)
			}
		}
	}
}
