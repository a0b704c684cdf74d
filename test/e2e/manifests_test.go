package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// statefulSet returns the StatefulSet in what pulpimg manifests prints.
func statefulSet(t *testing.T, stream string) appsv1.StatefulSet {
	t.Helper()
	for document := range strings.SplitSeq(stream, "\n---\n") {
		var set appsv1.StatefulSet
		if err := yaml.Unmarshal([]byte(document), &set); err == nil && set.Kind == "StatefulSet" {
			return set
		}
	}
	t.Fatalf("there is no StatefulSet in\n%s", stream)
	return appsv1.StatefulSet{}
}

// allowed returns what podman has to be told for a container to be allowed as much as a kubelet's.
func allowed(c corev1.Container) []string {
	var out []string
	for _, name := range c.SecurityContext.Capabilities.Drop {
		out = append(out, "--cap-drop", string(name))
	}
	for _, name := range c.SecurityContext.Capabilities.Add {
		out = append(out, "--cap-add", string(name))
	}
	if !*c.SecurityContext.AllowPrivilegeEscalation {
		out = append(out, "--security-opt", "no-new-privileges")
	}
	return out
}

// kubelet returns the environment that a kubelet gives to the family's pods, with the Services at these hosts. test/kube has it from the
// kubelet's own code.
func kubelet(t *testing.T, s site) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(env.root, "test", "kube", "testdata", "kubelet.env"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		host := s.db
		if strings.HasPrefix(line, "MSG_") {
			host = s.broker
		}
		out = append(out, "--env", strings.ReplaceAll(strings.TrimSpace(line), "127.0.0.1", host))
	}
	if len(out) == 0 {
		t.Fatal("the kubelet's environment is empty")
	}
	return out
}

// A worker started with all that a kubelet would give it and no more: the environment of the Services, an empty storage that the first
// container fills, and the capabilities of the manifest.
func TestManifests_worker(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	pod := statefulSet(t, warm().run(t, "manifests", "-f", pulpSpec(), "--registry", pulpRegistry(), "-e", "PULP_SERVER_NAME=pulp.example.org").ok(t).stdout).Spec.Template.Spec
	fill, main := pod.InitContainers[0], pod.Containers[0]
	claim := t.TempDir()

	podman{}.pull(t, fill.Image)
	podman{}.run(t, append(append([]string{"run", "--rm", "--env", "POD=pulp-worker-0", "--volume", claim + ":" + fill.VolumeMounts[0].MountPath,
		"--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024", "--entrypoint", fill.Command[0]}, allowed(fill)...), append([]string{fill.Image}, fill.Command[1:]...)...)...)

	options := append(append(kubelet(t, s), allowed(main)...), "--env", "PULP_SERVER_NAME=pulp.example.org", "--hostname", "pulp-worker-0")
	for _, m := range main.VolumeMounts {
		if m.SubPath != "" {
			options = append(options, "--volume", filepath.Join(claim, m.SubPath)+":"+m.MountPath)
		}
	}
	worker := podman{}.detach(t, main.Image, append(options, syslog(t)...)...)
	worker.says(t, workerIsReady)

	t.Run("its files are in the storage, with their owners", func(t *testing.T) {
		if got := worker.exec(t, "stat", "-c", "%U %n", "/var/lib/pulp/celery", "/var/www/pub"); got != "apache /var/lib/pulp/celery\napache /var/www/pub" {
			t.Errorf("got %s", got)
		}
		if _, err := os.Stat(filepath.Join(claim, "var-lib-pulp", "celery")); err != nil {
			t.Error(err)
		}
	})
	t.Run("its first process has no capability", func(t *testing.T) {
		worker.isService(t, "worker")
		if status := worker.exec(t, "cat", "/proc/1/status"); !strings.Contains(status, "CapEff:\t0000000000000000\n") || !strings.Contains(status, "NoNewPrivs:\t1\n") {
			t.Errorf("got %s", status)
		}
	})
	if main.ReadinessProbe != nil {
		t.Errorf("a worker that nothing reaches is asked whether it is ready: %v", main.ReadinessProbe)
	}
	// This is the probe of an image with readiness: services, which pkg/family has a test for.
	probe := []string{"exec", worker.name, "/usr/bin/pulp-helper", "wait", "--tries", "1", "database", "broker"}
	t.Run("its services answer", func(t *testing.T) { worker.run(t, probe...) })
	t.Run("and do not when the broker is away", func(t *testing.T) {
		control(t, "amqp", "stop")
		t.Cleanup(func() { control(t, "amqp", "start") })
		var exit *exec.ExitError
		if _, err := worker.command(probe...).Output(); !errors.As(err, &exit) || exit.ExitCode() != 69 {
			t.Errorf("got %v", err)
		}
	})
}
