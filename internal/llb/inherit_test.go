package llb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

const specHeader = "version: 1\nname: f\nregistry: example.com/f\ntag: \"1\"\n"

// on returns the config of the last image of a family whose first one is on a base with a config, without its steps.
func on(t *testing.T, f *family.Family, below dockerspec.DockerOCIImageConfig) (dockerspec.DockerOCIImageConfig, error) {
	t.Helper()
	out, err := imageOn(t, f, below)
	return out.Config, err
}

// imageOn returns the same, with all else that such a config has.
func imageOn(t *testing.T, f *family.Family, below dockerspec.DockerOCIImageConfig) (dockerspec.DockerOCIImage, error) {
	t.Helper()
	from := base()
	from.Config.Config = below
	image, err := llb.New(f.Images[0], from, opts)
	for _, child := range f.Images[1:] {
		if err == nil {
			image, err = image.Child(child)
		}
	}
	if err != nil {
		return dockerspec.DockerOCIImage{}, err
	}
	out, err := image.Config(from.Config)
	if err != nil {
		t.Fatal(err)
	}
	return out, nil
}

func TestConfig_expandsVariables(t *testing.T) {
	for _, test := range []struct {
		name, env string
		want      []string
	}{
		{"the base's value", `{ PATH: "/opt/app/bin:${PATH}" }`, []string{"PATH=/opt/app/bin:/bin", "ODD=a$b${c}"}},
		{"one of a key above", `{ APP: /opt/app, PATH: "${APP}/bin:${PATH}" }`, []string{"PATH=/opt/app/bin:/bin", "ODD=a$b${c}", "APP=/opt/app"}},
		{"a value is not read again", `{ A: "<${ODD}>" }`, []string{"PATH=/bin", "ODD=a$b${c}", "A=<a$b${c}>"}},
		{"text", `{ A: "$${PATH} $X" }`, []string{"PATH=/bin", "ODD=a$b${c}", "A=${PATH} $X"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := resolve(t, specHeader+"images: { image: { from: \"fedora:20\", env: "+test.env+" } }\n")
			var below dockerspec.DockerOCIImageConfig
			below.Env = []string{"PATH=/bin", "ODD=a$b${c}"}
			got, err := on(t, f, below)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Env); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfig_expandsParentVariables(t *testing.T) {
	f := resolve(t, specHeader+"images:\n  base: { from: scratch, env: { PATH: \"/a:${PATH}\" } }\n  role: { from: base, env: { PATH: \"/b:${PATH}\" } }\n")
	got, err := on(t, f, dockerspec.DockerOCIImageConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PATH=/b:/a:" + llb.DefaultPath}, got.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

const starting = specHeader + `images:
  image:
    from: fedora:20
    steps: [helpers: [exec]]
    start: { user: %s, command: [/bin/app] }
`

func TestConfig_refusesConflicts(t *testing.T) {
	for _, test := range []struct {
		name, spec, user, want string
		line                   int
	}{
		{"a variable without a value", specHeader + "images:\n  image:\n    from: fedora:20\n    env:\n      A: a\n      B: \"${A}${C}\"\n", "",
			"image: B names the variable C, which has no value in docker.io/library/fedora:20", 10},
		{"a user who cannot become another", fmt.Sprintf(starting, "apache"), "nobody:nobody",
			"image: its containers begin as the user nobody:nobody of docker.io/library/fedora:20, who cannot become apache", 9},
		{"a number that cannot become another", fmt.Sprintf(starting, `"48"`), "65532",
			"image: its containers begin as the user 65532 of docker.io/library/fedora:20, who cannot become 48", 9},
		{"the same user", fmt.Sprintf(starting, "apache"), "apache:apache", "", 0},
		{"perhaps the same user", fmt.Sprintf(starting, "apache"), "48", "", 0},
		{"root", fmt.Sprintf(starting, "apache"), "0:0", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var below dockerspec.DockerOCIImageConfig
			below.User = test.user
			_, err := on(t, resolve(t, test.spec), below)
			var wrong *llb.ConfigError
			switch {
			case test.want == "":
				if err != nil {
					t.Error(err)
				}
			case !errors.As(err, &wrong) || err.Error() != test.want || wrong.At.Start.Line != test.line || wrong.Hint == "":
				t.Errorf("got %v at %+v, want %q in line %d", err, wrong, test.want, test.line)
			}
		})
	}
}

// A stop signal and a health check are for the base's own process.
func TestConfig_startDropsBaseProcess(t *testing.T) {
	check := &dockerspec.HealthcheckConfig{Test: []string{"CMD", "/bin/check"}}
	var below dockerspec.DockerOCIImageConfig
	below.StopSignal, below.Healthcheck = "SIGWINCH", check
	below.Shell, below.Cmd, below.Entrypoint = []string{"/bin/bash", "-c"}, []string{"a"}, []string{"b"}
	got, err := on(t, resolve(t, fmt.Sprintf(starting, "root")), below)
	if err != nil {
		t.Fatal(err)
	}
	if got.StopSignal != "SIGTERM" || got.Healthcheck != nil || len(got.Cmd) > 0 || !cmp.Equal(got.Entrypoint, []string{"/usr/share/pulpimg/start"}) {
		t.Errorf("the config with a start is %+v", got)
	}
	// Without a start there is nothing that listens to another signal.
	got, err = on(t, resolve(t, specHeader+"images: { image: { from: \"fedora:20\", command: [c] } }\n"), below)
	if err != nil {
		t.Fatal(err)
	}
	if got.StopSignal != "SIGWINCH" || !cmp.Equal(got.Healthcheck, check) {
		t.Errorf("the config without a start is %+v", got)
	}
}
