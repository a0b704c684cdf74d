package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// dockerConfig writes credentials for the lab's guarded registry, as `docker login` does, and returns DOCKER_CONFIG=DIR.
func dockerConfig(t *testing.T, user, password string) string {
	t.Helper()
	dir := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	data, err := json.Marshal(map[string]any{"auths": map[string]any{env.lab.AuthRegistry: map[string]string{"auth": auth}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return "DOCKER_CONFIG=" + dir
}

// The guarded registry and the open one have the same storage: what is published at one place below shows at the other.
func TestPush_credentials(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	path := env.place + "/credentials"
	args := []string{"-f", spec, "--set", "base=scratch", "--registry", env.lab.AuthRegistry + path, "--push"}
	guarded := regexp.QuoteMeta(env.lab.AuthRegistry)

	warm().with(dockerConfig(t, env.lab.AuthUser, "wrong")).build(t, args...).
		fails(t, 77, `registry `+guarded+` does not accept the credentials for `+guarded+path+`/`, "docker login "+guarded)
	warm().with(dockerConfig(t, "nobody", env.lab.AuthPassword)).build(t, args...).fails(t, 77, guarded)
	warm().build(t, args...).fails(t, 77, `registry `+guarded+` wants credentials for `+guarded+path+`/`, "none were found")
	absent(t, env.lab.Registry+path+"/plain:1")
	absent(t, env.lab.Registry+path+"/helped:1")

	warm().with(dockerConfig(t, env.lab.AuthUser, env.lab.AuthPassword)).build(t, args...).ok(t)
	image(t, env.lab.Registry+path+"/plain:1")
	image(t, env.lab.Registry+path+"/helped:1")
}

// A base in a registry with a login needs the right credentials.
func TestBuild_baseCredentials(t *testing.T) {
	env.lanes.warm.enter(t)
	args := []string{"-f", specFile(t, filesSpec, filesOfSpec), "--set", "base=" + env.lab.AuthRegistry + "/files:1", "--registry", registry(t)}
	guarded := regexp.QuoteMeta(env.lab.AuthRegistry)
	warm().with(dockerConfig(t, env.lab.AuthUser, "wrong")).build(t, args...).fails(t, 77, guarded, `pulpimg.yaml:\d+:\d+`)
	warm().with(dockerConfig(t, env.lab.AuthUser, env.lab.AuthPassword)).build(t, args...).ok(t)
}

// podman keeps its credentials elsewhere. They are used for publishing, and by the engine for the bases that it pulls.
func TestCredentials_ofPodman(t *testing.T) {
	env.lanes.warm.enter(t)
	guarded := env.lab.AuthRegistry
	login := func(password string) string {
		data, err := json.Marshal(map[string]any{"auths": map[string]any{
			guarded: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(env.lab.AuthUser + ":" + password))},
		}})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "containers"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "containers", "auth.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return "XDG_RUNTIME_DIR=" + dir
	}
	args := []string{"-f", specFile(t, filesSpec, filesOfSpec), "--set", "base=" + guarded + "/files:1", "--registry", guarded + env.place + "/podman", "--push"}
	warm().with(login("wrong")).build(t, args...).fails(t, 77, "trying whether .* can be published")
	warm().with(login(env.lab.AuthPassword)).build(t, args...).ok(t)
	image(t, env.lab.Registry+env.place+"/podman/plain:1")
}
