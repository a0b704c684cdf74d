package cluster

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
)

// The job makes the database, for which the other roles wait; the page shows what the worker did for the web server and the scheduler.
func TestExample_django(t *testing.T) {
	n := newNamespace(t, "django")
	redis(t, n.Cluster, "6402")
	n.addVolume(t, "1Gi")
	spec, place := example(t, "django"), env.place+"/django"
	python := pushPython(t, "python3-django", "python3-celery", "python3-redis", "gunicorn", "python3-whitenoise")
	policy := policyWith(t, map[string]string{"docker.io/library/python:3.13-slim": python})
	publish := func() (objects string) {
		pulpimg(t, "build", "-f", spec, "--push", "--registry", place, "--source-policy", policy)
		return manifests(t, spec, "--registry", place, "--env", "SECRET_KEY=secret", "--env", "ALLOWED_HOSTS=*",
			"--env", "REDIS_HOST="+Node, "--env", "REDIS_PORT=6402")
	}
	objects := publish()
	began := time.Now()
	ready := n.apply(t, objects)
	first := n.jobs(t, 1)
	migrated := since(began)
	page := "http://" + n.address(t, "django-web")
	shows := func(pattern string) func() bool {
		return func() bool {
			text, err := n.ask(env.ctx, http.MethodGet, page, "")
			return err == nil && regexp.MustCompile(pattern).MatchString(text)
		}
	}
	works := eventually(t, "the page shows visits and ticks", time.Minute, shows(`<h1>[1-9]\d* visits, [1-9]\d* ticks</h1>`))

	n.apply(t, objects) // once more
	if again := n.jobs(t, 1); again[0].UID != first[0].UID {
		t.Error("the job was made anew")
	}
	manage := filepath.Join(filepath.Dir(spec), "app/manage.py")
	replaceIn(t, manage, "import os\n", "# Changed.\nimport os\n")
	replaceIn(t, spec, `tag: "1.0"`, `tag: "1.1"`)
	upgraded := n.apply(t, publish())
	n.jobs(t, 2)
	eventually(t, "the page shows visits and ticks", time.Minute, shows(`<h1>[1-9]\d* visits, [1-9]\d* ticks</h1>`))
	env.rows = append(env.rows, row{"examples/django", ready, "the job was complete after " + migrated + " and ran once; applied again, it did not run again\n" +
		"the page showed what worker and scheduler did " + works + " after that\n" +
		"to tag 1.1: " + upgraded + "; its job ran too, once"})
}

// jobs waits until all jobs of the namespace are complete, and returns them. Each must have run once.
func (n namespace) jobs(t *testing.T, number int) []batchv1.Job {
	t.Helper()
	n.kubectl(t, "wait", "--for=condition=Complete", "jobs", "--all", "--timeout=120s")
	var list batchv1.JobList
	if err := json.Unmarshal([]byte(n.kubectl(t, "get", "jobs", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != number {
		t.Fatalf("there are %d jobs, want %d", len(list.Items), number)
	}
	for _, job := range list.Items {
		if job.Status.Succeeded != 1 || job.Status.Failed != 0 {
			t.Errorf("of the pods of %s %d succeeded and %d failed, want one that succeeded", job.Name, job.Status.Succeeded, job.Status.Failed)
		}
	}
	return list.Items
}
