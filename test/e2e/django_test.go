package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The roles work together: one makes the database, for which the others wait; the page shows what the worker did for the web server and for the scheduler.
func TestExample_django(t *testing.T) {
	env.lanes.warm.enter(t)
	place := registry(t)
	python := pushPython(t, "python3-django", "python3-celery", "python3-redis", "gunicorn", "python3-whitenoise")
	warm().run(t, "build", "-f", filepath.Join(env.root, "examples/django/pulpimg.yaml"), "--push", "--registry", place,
		"--source-policy", policyWith(t, map[string]string{"docker.io/library/python:3.13-slim": python})).ok(t)

	warm().run(t, "dockerfile", "-f", filepath.Join(env.root, "examples/django/pulpimg.yaml")).ok(t) // other tools can build it too
	data := t.TempDir()
	if err := os.Chmod(data, 0o777); err != nil { // the roles run as nobody
		t.Fatal(err)
	}
	port := freePort(t)
	options := []string{"--volume", data + ":/var/lib/app", "--env", "SECRET_KEY=secret", "--env", "ALLOWED_HOSTS=127.0.0.1",
		"--env", "PORT=" + port, "--env", "REDIS_HOST=127.0.0.1", "--env", "REDIS_PORT=" + redis(t)}
	worker := podman{}.detach(t, place+"/django-worker:1.0", options...)
	podman{}.detach(t, place+"/django-beat:1.0", options...)
	web := podman{}.detach(t, place+"/django-web:1.0", options...)
	web.says(t, "migrated (python3 manage.py migrate --check): try 1 of 12: it ended with the exit code 1; next try in 5s")
	if code := (podman{}.detach(t, place+"/django-migrate:1.0", options...)).wait(t); code != 0 {
		t.Fatalf("migrate ends with exit code %d", code)
	}
	web.says(t, "migrated (python3 manage.py migrate --check): available at try ")
	web.says(t, "Listening at: http://0.0.0.0:"+port)

	page := "http://127.0.0.1:" + port
	if got := fetch(t, http.MethodGet, page, ""); !regexp.MustCompile(`<h1>0 visits, \d+ ticks</h1>`).MatchString(got) {
		t.Errorf("the first visitor sees\n%s", got)
	}
	worker.says(t, "recorded a visit")
	worker.says(t, "recorded a tick")
	got := fetch(t, http.MethodGet, page, "")
	if !regexp.MustCompile(`<h1>1 visits, [1-9]\d* ticks</h1>`).MatchString(got) {
		t.Errorf("the second visitor sees\n%s", got)
	}
	style := regexp.MustCompile(`/static/visits\S*\.css`).FindString(got)
	if got, want := fetch(t, http.MethodGet, page+style, ""), "body { font-family: sans-serif; }\n"; got != want {
		t.Errorf("%s is %q, want %q", style, got, want)
	}
	if got := web.exec(t, "stat", "-c", "%U", "/proc/1"); got != "nobody" {
		t.Errorf("the web server runs as %s", got)
	}
	if code := web.stop(t); code != 0 {
		t.Errorf("the web server ends with exit code %d", code)
	}
}
