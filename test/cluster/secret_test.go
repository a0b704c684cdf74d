package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secretSpec = `
version: 1
name: vault
registry: docker.io/lab
tag: "1"
environment: { PASSWORD: { secret: true, required: true } }
images:
  base:
    from: BASE
    secrets: { ca.crt: /etc/pki/tls/ca.crt }
    steps: [ helpers: [exec] ]
  reader:
    from: base
    user: "1000"
    secrets: { tls.key: /run/secrets/tls.key }
    start:
      command: [/bin/sh, -c, 'cat /etc/pki/tls/ca.crt /run/secrets/tls.key; echo "password $PASSWORD"; until [ -e /tmp/end ]; do sleep 0.2; done']
    kubernetes: { grace: 1s }
`

// Secrets come from Secrets that are there and from one that is printed. A pod waits for them, and outlives a change of them.
func TestSecrets(t *testing.T) {
	n := newNamespace(t, "secrets")
	spec, place := filepath.Join(t.TempDir(), "pulpimg.yaml"), env.place+"/vault"
	ca := filepath.Join(filepath.Dir(spec), "ca")
	if err := errors.Join(
		os.WriteFile(spec, []byte(strings.Replace(secretSpec, "BASE", env.lab.registry+"/fedora:20", 1)), 0o644),
		os.WriteFile(ca, []byte("the authority\n"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	pulpimg(t, "build", "-f", spec, "--push", "--registry", place)
	objects := manifests(t, spec, "--registry", place, "--secret", "id=ca.crt,src="+ca,
		"--existing-secret", "tls.key=web-tls", "--existing-secret", "PASSWORD=postgres/password")
	const pod = "reader-0"
	n.kubectl(t, "apply", "-k", objects)
	eventually(t, "the kubelet says what it lacks", time.Minute, func() bool {
		out, err := n.Kubectl(env.ctx, "-n", n.name, "get", "events", "-o", "jsonpath={.items[*].message}")
		return err == nil && strings.Contains(out, `secret "web-tls" not found`)
	})

	began := time.Now()
	n.kubectl(t, "create", "secret", "generic", "web-tls", "--from-literal=tls.key=the key\n")
	n.kubectl(t, "create", "secret", "generic", "postgres", "--from-literal=password=correct horse")
	n.kubectl(t, "wait", "--for=condition=Ready", "pod/"+pod, "--timeout=180s")
	ready := since(began)
	eventually(t, "it has its secrets", time.Minute, n.says(t, pod, "the authority\nthe key\npassword correct horse"))
	mounts := n.kubectl(t, "exec", pod, "--", "cat", "/proc/mounts")
	for _, path := range []string{"/run/secrets/tls.key", "/etc/pki/tls/ca.crt"} {
		if !strings.Contains(mounts, " "+path+" tmpfs ro,") {
			t.Errorf("%s is no read-only file in memory:\n%s", path, mounts)
		}
	}

	n.kubectl(t, "patch", "secret", "web-tls", "-p", `{"stringData": {"tls.key": "another key"}}`)
	n.kubectl(t, "exec", pod, "--", "touch", "/tmp/end")
	again := eventually(t, "its container starts again", 2*time.Minute, func() bool { return n.restarted(pod, "0") })
	n.kubectl(t, "wait", "--for=condition=Ready", "pod/"+pod, "--timeout=60s")
	n.kubectl(t, "rollout", "restart", "statefulset/reader")
	n.wait(t)
	eventually(t, "a new pod has what the Secret has now", time.Minute, n.says(t, pod, "another key"))

	// What others mount has its place beside a secret, as the tokens of a service mesh do.
	n.kubectl(t, "create", "configmap", "mesh", "--from-literal=token=t")
	n.kubectl(t, "patch", "statefulset", "reader", "-p", `{"spec": {"template": {"spec": {
  "volumes": [{"name": "mesh", "configMap": {"name": "mesh"}}],
  "containers": [{"name": "reader", "volumeMounts": [{"name": "mesh", "mountPath": "/var/run/secrets/tokens"}]}]}}}}`)
	n.wait(t)
	for _, path := range []string{"/run/secrets/tls.key", "/var/run/secrets/tokens/token"} {
		n.kubectl(t, "exec", pod, "--", "test", "-s", path)
	}
	env.rows = append(env.rows, row{"secret files", ready, fmt.Sprintf("a pod waits until its Secrets are there, and user 1000 reads its files\n"+
		"its container starts again after a Secret changed: after %s; kubectl rollout restart gives it the new key\nwhat others mount at /var/run/secrets/tokens has its place beside them", again)})
}
