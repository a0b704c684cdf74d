package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// skopeo returns what skopeo prints about an image.
func skopeo(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("skopeo", args...).Output()
	if err != nil {
		t.Fatalf("skopeo %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

func TestSkopeo(t *testing.T) {
	images := pulp(t).Images
	env.lanes.own.enter(t)
	for _, img := range images {
		var seen struct {
			Digest string
			Labels map[string]string
			Layers []string
		}
		text := skopeo(t, "inspect", "--tls-verify=false", "docker://"+img.Reference)
		if err := json.Unmarshal([]byte(text), &seen); err != nil {
			t.Fatal(err)
		}
		if seen.Digest != img.Digest || len(seen.Layers) != len(img.Platforms[0].Layers) {
			t.Errorf("skopeo sees %s with %d layers, and %s with %d was built", seen.Digest, len(seen.Layers), img.Digest, len(img.Platforms[0].Layers))
		}
		if title := seen.Labels["org.opencontainers.image.title"]; title != img.Image {
			t.Errorf("skopeo sees the title %q on %s", title, img.Image)
		}
	}
}

func TestPodman(t *testing.T) {
	images := pulp(t).Images
	env.lanes.own.enter(t)
	for _, img := range images {
		podman{}.pull(t, img.Reference)
		if digest := (podman{}).run(t, "image", "inspect", "--format", "{{.Digest}}", img.Reference); digest != img.Digest {
			t.Errorf("podman pulled %s, and %s was built: %s", digest, img.Digest, img.Reference)
		}
		output := podman{}.run(t, "run", "--rm", "--network", "host", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024",
			"--entrypoint", "/bin/sh", img.Reference, "-c", "for name in pulp-helper augtool pulp-manage-db; do command -v $name; done")
		if want := "/usr/bin/pulp-helper\n/usr/bin/augtool\n/usr/bin/pulp-manage-db"; output != want {
			t.Errorf("a container of %s said %q, want %q", img.Image, output, want)
		}
	}
}

// Load puts the images into podman if no docker answers.
func TestLoad_podman(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	store := podman{}
	p := warm().with("CONTAINERS_STORAGE_CONF="+store.storageConf(t), "DOCKER_HOST=unix:///nowhere")
	out := p.build(t, "-f", spec, "--set", "base="+env.lab.Registry+"/files:1", "--registry", registry(t), "--load").ok(t)
	if !strings.Contains(out.stderr, "loaded into podman\n") {
		t.Errorf("it does not say where the images are:\n%s", out.stderr)
	}
	for _, name := range []string{"plain", "helped"} {
		size := store.run(t, "image", "inspect", "--format", "{{len .RootFS.Layers}}", registry(t)+"/"+name+":1")
		if want := map[string]string{"plain": "2", "helped": "3"}[name]; size != want {
			t.Errorf("podman has %s with %s layers, want %s", name, size, want)
		}
	}
}
