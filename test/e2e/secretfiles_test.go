package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretFilesSpec has an image that another user than root runs, and that prints its secrets.
func secretFilesSpec(t *testing.T) string {
	t.Helper()
	return specFile(t, `
version: 1
name: vault
registry: docker.io/lab
tag: "1"
images:
  base:
    from: `+env.lab.Registry+`/fedora:20
    secrets: { ca.crt: /etc/pki/tls/ca.crt }
    steps: [ helpers: [exec] ]
  reader:
    from: base
    user: "1000"
    secrets: { tls.key: /run/secrets/tls.key }
    start: { command: [/bin/sh, -c, 'cat /etc/pki/tls/ca.crt /run/secrets/tls.key; grep -F /run/secrets/tls.key /proc/mounts'] }
    kubernetes: { kind: job }
`, map[string]string{"keys/a, b:c.key": "the key\n", "secrets/ca.crt": "the authority\n"})
}

var mountedReadOnly = regexp.MustCompile(`(?m)^\S+ /run/secrets/tls\.key \S+ ro\b`)

// wantSecrets checks what the image prints, and that no secret can be written into.
func wantSecrets(t *testing.T, printed string) {
	t.Helper()
	if !strings.Contains(printed, "the authority\n") || !strings.Contains(printed, "the key\n") || !mountedReadOnly.MatchString(printed) {
		t.Errorf("it prints\n%s", printed)
	}
}

// A container reads the files that were given for its secrets, whatever they are called, and none starts without them.
func TestRun_secretFiles(t *testing.T) {
	spec, place := secretFilesSpec(t), registry(t)
	p := podman{}.user(t)
	p.run(t, "build", "-f", spec, "--push", "--registry", place).ok(t)
	name := fmt.Sprintf("pulpimg-e2e-%d-reader", os.Getpid())
	dir := filepath.Dir(spec)
	args := []string{"run", "-f", spec, "reader", "--with", "podman", "--registry", place, "--name", name, "--network", "none"}
	o := p.run(t, append(args, "--secret", "id=tls.key,src="+dir+"/keys/a, b:c.key", "--secret", "id=ca.crt,src="+dir+"/secrets/ca.crt")...)
	if o.code != 64 { // a comma divides the fields of --secret
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	o = p.run(t, append(args, "--secret", `id=tls.key,"src=`+dir+`/keys/a, b:c.key"`, "--secret", "id=ca.crt,src="+dir+"/secrets/ca.crt")...)
	wantSecrets(t, o.stdout+o.stderr)

	if o := p.run(t, args...); o.code != 64 || !strings.Contains(o.stderr, "containers of reader need a file for tls.key, ca.crt") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	o = p.run(t, append(args, "-v", t.TempDir()+":/run/secrets", "-v", t.TempDir()+":/etc/pki/tls")...)
	if o.code == 0 || !strings.Contains(o.stderr, "/run/secrets/tls.key is missing") || !strings.Contains(o.stderr, "/etc/pki/tls/ca.crt is missing") {
		t.Errorf("with other volumes in their places, exit code %d: %s", o.code, o.stderr)
	}
}

// A service has its secrets from the files of its machine: those that were named, and those beside the Compose file.
func TestDocker_secretFiles(t *testing.T) {
	d := newDaemon(t)
	spec, place := secretFilesSpec(t), registry(t)
	warm().run(t, "build", "-f", spec, "--push", "--registry", place).ok(t)
	p := project{daemon: d, folder: filepath.Dir(spec)}
	warm().run(t, "compose", "-f", spec, "--registry", place, "-o", filepath.Join(p.folder, "compose.yaml"),
		"--secret", `id=tls.key,"src=`+p.folder+`/keys/a, b:c.key"`).ok(t)
	p.override(t, networkOverride)
	p.up(t)
	eventually(t, "the reader has ended", func() bool { return p.inspect(t, "reader", "{{.State.Status}} {{.State.ExitCode}}") == "exited 0" })
	wantSecrets(t, p.run(t, "logs", "--no-log-prefix", "reader"))
	p.down(t)

	if err := os.Remove(filepath.Join(p.folder, "secrets/ca.crt")); err != nil {
		t.Fatal(err)
	}
	cmd := p.command(t, p.compose, "up", "--detach")
	cmd.Dir = p.folder
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "secrets/ca.crt") {
		t.Errorf("without a file: %v\n%s", err, out)
	}

	pulpimg := d.pulpimg()
	o := pulpimg.run(t, "run", "-f", spec, "reader", "--with", "docker", "--registry", place, "--network", "none",
		"--secret", `id=tls.key,"src=`+p.folder+`/keys/a, b:c.key"`, "--secret", "id=ca.crt,src="+p.folder+"/pulpimg.yaml")
	if !strings.Contains(o.stdout, "name: vault") || !strings.Contains(o.stdout, "the key\n") {
		t.Errorf("run prints %s%s", o.stdout, o.stderr)
	}
}
