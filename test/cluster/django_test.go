package cluster

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
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
	pulpimg(t, "build", "-f", spec, "--push", "--registry", place, "--source-policy", policyWith(t, map[string]string{"docker.io/library/python:3.13-slim": python}))
	objects := manifests(t, spec, "--registry", place, "--env", "SECRET_KEY=secret", "--env", "ALLOWED_HOSTS=*",
		"--env", "REDIS_HOST="+Node, "--env", "REDIS_PORT=6402")
	began := time.Now()
	ready := n.apply(t, objects)

	n.kubectl(t, "wait", "--for=condition=Complete", "jobs", "--all", "--timeout=120s")
	migrated := since(began)
	job := n.job(t)
	if job.Status.Succeeded != 1 || job.Status.Failed != 0 {
		t.Errorf("of the job's pods %d succeeded and %d failed, want one that succeeded", job.Status.Succeeded, job.Status.Failed)
	}
	page := "http://" + n.address(t, "django-web")
	shows := func(pattern string) func() bool {
		return func() bool {
			text, err := n.ask(env.ctx, http.MethodGet, page, "")
			return err == nil && regexp.MustCompile(pattern).MatchString(text)
		}
	}
	works := eventually(t, "the page shows visits and ticks", time.Minute, shows(`<h1>[1-9]\d* visits, [1-9]\d* ticks</h1>`))

	n.apply(t, objects) // once more
	if again := n.job(t); again.UID != job.UID || again.Status.Succeeded != 1 {
		t.Errorf("the job ran again: %+v", again.Status)
	}
	env.rows = append(env.rows, row{"examples/django", ready, "the job is complete after " + migrated + " and ran once; applied again, it did not run again\n" +
		"the page showed what worker and scheduler did " + works + " after that"})
}

// job returns the only job of the namespace.
func (n namespace) job(t *testing.T) batchv1.Job {
	t.Helper()
	var list batchv1.JobList
	if err := json.NewDecoder(strings.NewReader(n.kubectl(t, "get", "jobs", "-o", "json"))).Decode(&list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 {
		t.Fatalf("there are %d jobs, want one", len(list.Items))
	}
	return list.Items[0]
}
