package cluster

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// A new version of a web server takes the place of the old one, and the old one comes back, and no visitor notices.
func TestExample_guestbook(t *testing.T) {
	n := newNamespace(t, "guestbook")
	redis(t, n.Cluster, "6401")
	spec, place := example(t, "guestbook"), env.place+"/guestbook"
	policy := policyWith(t, map[string]string{"docker.io/library/python:3.12-slim": env.lab.registry + "/fedora:20"})
	objects := func() string {
		pulpimg(t, "build", "-f", spec, "--source-policy", policy, "--push", "--registry", place)
		return manifests(t, spec, "--registry", place, "--env", "REDIS_HOST="+Node, "--env", "REDIS_PORT=6401")
	}
	ready := n.apply(t, objects())
	page := "http://" + n.address(t, "guestbook-web")
	// Where a Service leads is known a moment after its pods are ready.
	eventually(t, "the web server answers", time.Minute, func() bool {
		_, err := n.ask(env.ctx, http.MethodPost, page, "nice images")
		return err == nil
	})
	const welcome = "Welcome\nNICE IMAGES\n"
	eventually(t, "the entry is in the guestbook", time.Minute, func() bool {
		text, err := n.ask(env.ctx, http.MethodGet, page, "")
		return err == nil && text == welcome
	})

	web := filepath.Join(filepath.Dir(spec), "app/web.py")
	replaceIn(t, web, `os.environ["GREETING"]`, `os.environ["GREETING"].upper()`)
	replaceIn(t, spec, `tag: "1.0"`, `tag: "1.1"`)
	second := objects()
	upgraded := visited(t, n, page, welcome, func() string { return n.apply(t, second) })
	back := visited(t, n, page, "WELCOME\nNICE IMAGES\n", func() string {
		began := time.Now()
		n.kubectl(t, "rollout", "undo", "deployment/guestbook-web")
		n.wait(t)
		return since(began)
	})
	if got, err := n.ask(env.ctx, http.MethodGet, page, ""); err != nil || got != welcome {
		t.Errorf("after the undo the page is %q, %v, want %q", got, err, welcome)
	}
	env.rows = append(env.rows, row{"examples/guestbook", ready, "an entry went through Redis and the worker\nto tag 1.1: " + upgraded + "\nrollout undo: " + back})
}

// visited changes something while visitors ask all the time, who have to get the old page at first and another at the end, and no error.
func visited(t *testing.T, n namespace, page, old string, change func() string) string {
	t.Helper()
	ends := []func() *visitor{n.visit(t, page), n.visitFromPod(t, page)}
	pause(time.Second)
	took := change()
	gone := eventually(t, "the old page is gone", time.Minute, func() bool {
		text, err := n.ask(env.ctx, http.MethodGet, page, "")
		return err == nil && text != old
	})
	pause(8 * time.Second) // the old pod goes on for some seconds before it ends
	asked, failed := 0, 0
	for i, end := range ends {
		v := end()
		if len(v.failed) > 0 {
			t.Errorf("of visitor %d, %d of %d requests failed, at first: %s", i+1, len(v.failed), v.asked, v.failed[0])
		}
		if len(v.answers) != 2 {
			t.Errorf("visitor %d saw %v, want the old page and the new one", i+1, v.answers)
		}
		asked, failed = asked+v.asked, failed+len(v.failed)
	}
	return fmt.Sprintf("%s, then another %s until the old page was gone; of %d requests %d failed", took, gone, asked, failed)
}
