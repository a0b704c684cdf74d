package container_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/container"
)

func pulp(t testing.TB) *family.Family { return familytest.Load(t, "../../../specs/pulp.yaml") }

func secret(t testing.TB) *family.Family {
	return familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nenvironment: {PASSWORD: {required: true, secret: true}, PLAIN: {}}\nimages: {a_b: {from: scratch, user: u, steps: [helpers: [wait]], start: {command: [x]}}}\n")
}

func limited(t testing.TB) *family.Family {
	return familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nimages: {limited: {from: scratch, command: [x], kubernetes: {capabilities: [NET_BIND_SERVICE], resources: {requests: {memory: 64Mi, cpu: 250m}, limits: {memory: 128Mi, cpu: 500m, ephemeral-storage: 1Gi}}}}}\n")
}

func TestCommand(t *testing.T) {
	for _, test := range []struct {
		name, image string
		family      *family.Family
		options     container.Options
		want        string
		env         []string
	}{
		{"beat, as in 2014", "pulp-beat", pulp(t),
			container.Options{Tool: "docker", Detach: true, Reference: "markllama/pulp-beat", Values: map[string]string{"SERVICE_HOST": "10.245.2.2", "PULP_SERVER_NAME": "pulp.example.com"}},
			"docker run -d --name pulp-beat --hostname pulp-beat --stop-timeout 30 --cap-drop ALL --cap-add DAC_OVERRIDE --cap-add KILL --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges -v /dev/log:/dev/log -e PULP_SERVER_NAME=pulp.example.com -e SERVICE_HOST=10.245.2.2 markllama/pulp-beat", nil},
		{"a second worker, with options", "pulp-worker", pulp(t),
			container.Options{Tool: "podman", Reference: "r/w@sha256:0", Name: "worker_2", Network: "host", Restart: "always", Args: []string{"--loglevel=DEBUG", "a b"},
				Volumes: []string{"/run/log:/dev/log:z", "/data/pulp:/var/lib/pulp/"}, Values: map[string]string{"PULP_SERVER_NAME": "it's"}},
			`podman run --name worker_2 --hostname worker-2 --network host --restart always --stop-timeout 600 --cap-drop ALL --cap-add DAC_OVERRIDE --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges -v pulp-var-www:/var/www -v /run/log:/dev/log:z -v /data/pulp:/var/lib/pulp/ -e 'PULP_SERVER_NAME=it'\''s' r/w@sha256:0 --loglevel=DEBUG 'a b'`, nil},
		{"volumes above what it wants", "pulp-worker", pulp(t),
			container.Options{Tool: "docker", Reference: "r", Volumes: []string{"/srv/dev:/dev", "/srv/var:/var:ro"}, Values: map[string]string{"PULP_SERVER_NAME": "x"}},
			"docker run --rm --name pulp-worker --hostname pulp-worker --stop-timeout 600 --cap-drop ALL --cap-add DAC_OVERRIDE --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges -v /srv/dev:/dev -v /srv/var:/var:ro -e PULP_SERVER_NAME=x r", nil},
		{"no restart", "pulp-beat", pulp(t),
			container.Options{Tool: "docker", Reference: "r", Restart: "no", Values: map[string]string{"PULP_SERVER_NAME": "x"}},
			"docker run --rm --name pulp-beat --hostname pulp-beat --restart no --stop-timeout 30 --cap-drop ALL --cap-add DAC_OVERRIDE --cap-add KILL --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges -v /dev/log:/dev/log -e PULP_SERVER_NAME=x r", nil},
		{"a hostname of its own", "pulp-beat", pulp(t),
			container.Options{Tool: "docker", Reference: "r", Hostname: "h", Values: map[string]string{"PULP_SERVER_NAME": "x"}},
			"docker run --rm --name pulp-beat --hostname h --stop-timeout 30 --cap-drop ALL --cap-add DAC_OVERRIDE --cap-add KILL --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges -v /dev/log:/dev/log -e PULP_SERVER_NAME=x r", nil},
		{"on the network of another container", "a_b", secret(t),
			container.Options{Tool: "docker", Reference: "r", Network: "container:web", Values: map[string]string{"PASSWORD": "p"}},
			"docker run --rm --name a_b --network container:web --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -e PASSWORD r", []string{"PASSWORD=p"}},
		{"on the network of the host", "a_b", secret(t),
			container.Options{Tool: "docker", Reference: "r", Network: "host", Values: map[string]string{"PASSWORD": "p"}},
			"docker run --rm --name a_b --hostname a-b --network host --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -e PASSWORD r", []string{"PASSWORD=p"}},
		{"with published ports, and a hostname that was asked for", "a_b", secret(t),
			container.Options{Tool: "docker", Reference: "r", Network: "container:web", Hostname: "h", Publish: []string{"8080:80", "53:53/udp"}, Values: map[string]string{"PASSWORD": "p"}},
			"docker run --rm --name a_b --hostname h --network container:web --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -p 8080:80 -p 53:53/udp -e PASSWORD r", []string{"PASSWORD=p"}},
		{"limits and capabilities", "limited", limited(t), container.Options{Tool: "podman", Reference: "r"},
			"podman run --rm --name limited --hostname limited --stop-timeout 30 --memory 134217728 --cpus 0.5 --cap-drop ALL --cap-add NET_BIND_SERVICE --security-opt no-new-privileges r", nil},
		{"its ports, for this machine", "web", listening(t), container.Options{Tool: "docker", Reference: "r"},
			"docker run --rm --name web --hostname web --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8000:8000 -p 127.0.0.1:5353:5353/udp r", nil},
		{"its ports, at another address", "web", listening(t), container.Options{Tool: "docker", Reference: "r", Network: "mine", Address: "fd00::7"},
			"docker run --rm --name web --hostname web --network mine --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -p '[fd00::7]:8000:8000' -p '[fd00::7]:5353:5353/udp' r", nil},
		{"others in place of its ports", "web", listening(t), container.Options{Tool: "docker", Reference: "r", Publish: []string{"8080:80"}},
			"docker run --rm --name web --hostname web --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -p 8080:80 r", nil},
		{"no ports on the network of the host", "web", listening(t), container.Options{Tool: "docker", Reference: "r", Network: "host"},
			"docker run --rm --name web --hostname web --network host --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges r", nil},
		{"a port below 1024 of a process that is not root", "low", listening(t), container.Options{Tool: "podman", Reference: "r"},
			"podman run --rm --name low --hostname low --stop-timeout 30 --cap-drop ALL --cap-add NET_BIND_SERVICE --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges --sysctl net.ipv4.ip_unprivileged_port_start=0 -p 127.0.0.1:80:80 r", nil},
		{"the same where nobody reaches it", "low", listening(t), container.Options{Tool: "docker", Reference: "r", Network: "none"},
			"docker run --rm --name low --hostname low --network none --stop-timeout 30 --cap-drop ALL --cap-add NET_BIND_SERVICE --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges --sysctl net.ipv4.ip_unprivileged_port_start=0 r", nil},
		{"the same on the network of the host", "low", listening(t), container.Options{Tool: "podman", Reference: "r", Network: "host"},
			"podman run --rm --name low --hostname low --network host --stop-timeout 30 --cap-drop ALL --cap-add NET_BIND_SERVICE --cap-add SETGID --cap-add SETUID --security-opt no-new-privileges r", nil},
		{"a check that the image does not have", "waits", listening(t), container.Options{Tool: "docker", Reference: "r"},
			"docker run --rm --name waits --hostname waits --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges --health-cmd '/usr/bin/pulp-helper wait --tries 1 db' --health-interval 30s --health-timeout 5s --health-retries 2 r", nil},
		{"the same for podman", "waits", listening(t), container.Options{Tool: "podman", Reference: "r"},
			`podman run --rm --name waits --hostname waits --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges --health-cmd '["/usr/bin/pulp-helper","wait","--tries","1","db"]' --health-interval 30s --health-timeout 5s --health-retries 2 r`, nil},
		{"a job that is tried again", "job", listening(t), container.Options{Tool: "docker", Reference: "r", Restart: "on-failure:3"},
			"docker run --name job --hostname job --restart on-failure:3 --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges r", nil},
		{"a secret", "a_b", secret(t), container.Options{Tool: "docker", Reference: "r", Values: map[string]string{"PASSWORD": "correct horse", "PLAIN": "", "EXTRA": "1"}},
			"docker run --rm --name a_b --hostname a-b --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -e EXTRA=1 -e PASSWORD -e PLAIN= r", []string{"PASSWORD=correct horse"}},
		{"files of secrets", "reads", listening(t), container.Options{Tool: "docker", Reference: "r", Secrets: map[string]string{"key": "/home/me/a,b.key", "cert": "/c", "other": "/o"}},
			`docker run --rm --name reads --hostname reads --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges --mount 'type=bind,"source=/home/me/a,b.key",target=/etc/key,readonly' --mount type=bind,source=/c,target=/run/secrets/cert,readonly r`, nil},
		{"volumes in place of secrets", "reads", listening(t), container.Options{Tool: "podman", Reference: "r", Volumes: []string{"/x:/etc/key:z", "y:/run/secrets"}, Secrets: map[string]string{"key": "/k"}},
			"podman run --rm --name reads --hostname reads --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -v /x:/etc/key:z -v y:/run/secrets r", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			image, ok := test.family.Image(test.image)
			if !ok {
				t.Fatalf("there is no %s", test.image)
			}
			got, err := container.New(test.family, image, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(test.env, got.Env); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func listening(t testing.TB) *family.Family {
	return familytest.Parse(t, `version: 1
name: f
registry: r
tag: t
services: { db: { url: "tcp://h:1" } }
images:
  web: { from: scratch, user: u, command: [x], ports: ["8000", 5353/udp] }
  waits: { from: scratch, user: u, steps: [ helpers: [wait] ], start: { wait: [db], command: [x] }, kubernetes: { readiness: services } }
  low: { from: scratch, ports: ["80"], steps: [ helpers: [exec] ], start: { user: app, command: [x] } }
  job: { from: scratch, user: u, command: [x], kubernetes: { kind: job } }
  reads: { from: scratch, user: u, command: [x], secrets: { key: /etc/key, cert: /run/secrets/cert } }
`)
}

// A job that has done its work does not do it again.
func TestCommand_restartedJob(t *testing.T) {
	f := listening(t)
	image, _ := f.Image("job")
	for _, policy := range []string{"always", "unless-stopped"} {
		_, err := container.New(f, image, container.Options{Tool: "docker", Reference: "r", Restart: policy})
		var restart *container.RestartError
		if want := "job is a job, which runs once: restarted " + policy + ", it would run again when it has done its work"; !errors.As(err, &restart) || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
}

func TestCommand_missing(t *testing.T) {
	f := pulp(t)
	image, _ := f.Image("pulp-worker")
	for name, values := range map[string]map[string]string{"nothing": nil, "an empty value": {"PULP_SERVER_NAME": ""}} {
		t.Run(name, func(t *testing.T) {
			_, err := container.New(f, image, container.Options{Tool: "docker", Values: values})
			var missing *family.MissingError
			if !errors.As(err, &missing) || strings.Join(missing.Variables, " ") != "PULP_SERVER_NAME" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCommand_missingSecrets(t *testing.T) {
	f := listening(t)
	image, _ := f.Image("reads")
	_, err := container.New(f, image, container.Options{Tool: "docker", Volumes: []string{"/x:/run/secrets/cert"}})
	var missing *family.MissingError
	if !errors.As(err, &missing) || err.Error() != "containers of reads need a file for key" {
		t.Errorf("got %v", err)
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		volume, path string
		want         bool
	}{
		{"/a:/dev/log", "/dev/log", true},
		{"/a:/dev/:ro", "/dev/log", true},
		{"/a:/", "/dev/log", true},
		{"/dev/log:/a", "/dev/log", false},
		{"/a:/dev/lo", "/dev/log", false},
		{"/a:/dev/log/x", "/dev/log", false},
	} {
		if got := container.Covers(test.volume, test.path); got != test.want {
			t.Errorf("Covers(%q, %q) = %t", test.volume, test.path, got)
		}
	}
}

func TestTarget(t *testing.T) {
	for volume, want := range map[string]string{"/a:/b": "/b", "/a:/b:ro": "/b", "name:/b/": "/b", "/b": "/b"} {
		if got := container.Target(volume); got != want {
			t.Errorf("Target(%q) = %q, want %q", volume, got, want)
		}
	}
}
