package compose_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/compose"
)

func marshal(t *testing.T, f *family.Family, values map[string]string) []byte {
	t.Helper()
	data, err := compose.Marshal(f, compose.Options{Images: familytest.Digests(f), Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// load loads a file as docker compose does: against the schema, with the variables of an environment put in, and checked.
func load(data []byte, environment map[string]string) (*types.Project, error) {
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  os.TempDir(),
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: data}},
		Environment: environment,
	})
}

// required gives a value to what no container starts without.
func required(f *family.Family) map[string]string {
	values := map[string]string{}
	for _, image := range f.Images {
		for _, name := range image.Missing(func(string) bool { return false }) {
			values[name] = "$a ${b} \"c\""
		}
	}
	return values
}

func TestComposeTakesEveryFamily(t *testing.T) {
	for _, file := range familytest.Specs(t, "../..") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f := familytest.Load(t, file)
			project, err := load(marshal(t, f, nil), required(f))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, image := range f.Images {
				if (compose.Options{}).Runs(image) {
					want = append(want, image.Name)
				}
			}
			slices.Sort(want)
			got := project.ServiceNames()
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
		})
	}
}

func TestComposeUnderstandsWhatTheSpecSays(t *testing.T) {
	f := familytest.Load(t, "../../specs/pulp.yaml")
	project, err := load(marshal(t, f, map[string]string{"MSG_SERVICE_USER": "$guest"}), map[string]string{"PULP_SERVER_NAME": "pulp.example.com", "DB_SERVICE_HOST": "db"})
	if err != nil {
		t.Fatal(err)
	}
	worker, beat := project.Services["pulp-worker"], project.Services["pulp-beat"]
	for fact, holds := range map[string]bool{
		"there is one beat":                     beat.GetScale() == 1,
		"and two workers":                       worker.GetScale() == 2,
		"which have ten minutes to end":         time.Duration(*worker.StopGracePeriod) == 10*time.Minute,
		"each with a hostname of its own":       worker.Hostname == "" && worker.ContainerName == "",
		"what ends is started again":            beat.Restart == types.RestartPolicyUnlessStopped && worker.Restart == types.RestartPolicyUnlessStopped,
		"beat mounts the host's log, as it is":  len(beat.Volumes) == 1 && beat.Volumes[0].Type == "bind" && beat.Volumes[0].Source == "/dev/log" && beat.Volumes[0].Target == "/dev/log" && !bool(beat.Volumes[0].Bind.CreateHostPath),
		"workers share their files":             len(worker.Volumes) == 3 && worker.Volumes[1].Type == "volume" && worker.Volumes[1].Target == "/var/lib/pulp" && len(project.Volumes) == 2,
		"the server's name comes from outside":  value(beat, "PULP_SERVER_NAME") == "pulp.example.com",
		"so does the database":                  value(beat, "DB_SERVICE_HOST") == "db",
		"a value that was given is in the file": value(beat, "MSG_SERVICE_USER") == "$guest",
		"what nobody sets has its default":      value(beat, "MSG_SERVICE_PORT") == "not set",
		"no container may more than it needs":   slices.Equal(beat.CapDrop, []string{"ALL"}) && slices.Equal(beat.CapAdd, []string{"DAC_OVERRIDE", "KILL", "SETGID", "SETUID"}),
		"a database that is away is no failure": beat.HealthCheck == nil,
	} {
		if !holds {
			t.Errorf("it is not so that %s", fact)
		}
	}
}

const withPorts = `version: 1
name: f
registry: r.example
tag: t
images:
  base: { from: scratch, ports: ["9090"] }
  web: { from: base, command: [x], ports: ["80", "53/udp"], kubernetes: { resources: { requests: { memory: 64Mi }, limits: { memory: 128Mi, cpu: 1500m } } } }
  other: { from: base, command: [x], kubernetes: { singleton: true } }
  many: { from: scratch, command: [x], ports: ["8080"], kubernetes: { replicas: 2 } }
`

func TestCompose_publishesPortsAndKeepsLimits(t *testing.T) {
	for _, test := range []struct {
		environment map[string]string
		ip          string
	}{
		{nil, "127.0.0.1"},
		{map[string]string{"PULPIMG_PUBLISH": "0.0.0.0"}, "0.0.0.0"},
	} {
		project, err := load(marshal(t, familytest.Parse(t, withPorts), nil), test.environment)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for name, s := range project.Services {
			for _, p := range s.Ports {
				got[name] = append(got[name], fmt.Sprintf("%s|%s|%d/%s", p.HostIP, p.Published, p.Target, p.Protocol))
			}
			slices.Sort(got[name])
		}
		want := map[string][]string{
			"web":   {test.ip + "|53|53/udp", test.ip + "|80|80/tcp", test.ip + "||9090/tcp"},
			"other": {test.ip + "||9090/tcp"},
			"many":  {test.ip + "||8080/tcp"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ports (-want +got):\n%s", diff)
		}
		limits := project.Services["web"].Deploy.Resources.Limits
		if limits == nil || limits.MemoryBytes != 128<<20 || limits.NanoCPUs != 1.5 || project.Services["other"].Deploy != nil {
			t.Errorf("the limits are %+v", limits)
		}
	}
}

const withJobs = `version: 1
name: f
registry: r.example
tag: t
services:
  migrated: { command: [check, "$${A}"], job: migrate }
images:
  base: { from: scratch, steps: [ helpers: [wait] ] }
  migrate: { from: base, start: { command: [m] }, kubernetes: { kind: job } }
  web: { from: base, ports: ["80"], start: { wait: [migrated], command: [w] }, healthcheck: { http: { port: 80, path: "/$x" } } }
  report: { from: base, start: { command: [r] }, kubernetes: { kind: cronjob, schedule: "@daily" } }
`

func TestCompose_runsJobsFirst(t *testing.T) {
	project, err := load(marshal(t, familytest.Parse(t, withJobs), nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	web, migrate := project.Services["web"], project.Services["migrate"]
	want := types.DependsOnConfig{"migrate": {Condition: types.ServiceConditionCompletedSuccessfully, Required: true}}
	if diff := cmp.Diff(want, web.DependsOn); diff != "" {
		t.Errorf("web depends on (-want +got):\n%s", diff)
	}
	if migrate.Restart != "on-failure:6" || migrate.GetScale() != 1 || len(project.Services) != 2 {
		t.Errorf("migrate is restarted %s; there are %v", migrate.Restart, project.ServiceNames())
	}
	if diff := cmp.Diff([]string{"CMD", "/usr/bin/pulp-helper", "check", "http://127.0.0.1:80/$x"}, []string(web.HealthCheck.Test)); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
}

// value returns the value of a variable as a container of a service gets it.
func value(s types.ServiceConfig, name string) string {
	if v := s.Environment[name]; v != nil {
		return *v
	}
	return "not set"
}

func TestComposeSaysWhatIsMissing(t *testing.T) {
	_, err := load(marshal(t, familytest.Load(t, "../../specs/pulp.yaml"), nil), nil)
	if err == nil || !strings.Contains(err.Error(), "PULP_SERVER_NAME is missing a value: give it a value") {
		t.Errorf("got %v", err)
	}
}

// The test of the test.
func TestABadFileIsFound(t *testing.T) {
	f := familytest.Load(t, "../../specs/pulp.yaml")
	good := string(marshal(t, f, nil))
	for _, test := range []struct{ name, from, to string }{
		{"an unknown key", "stop_grace_period:", "stop_grace:"},
		{"a span of time that is none", "stop_grace_period: 30s", "stop_grace_period: half a minute"},
		{"a volume that is not declared", "volumes:\n  var-lib-pulp: {}\n", "volumes:\n"},
		{"a scale that is no number", "scale: 2", "scale: two"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := strings.ReplaceAll(good, test.from, test.to)
			if bad == good {
				t.Fatalf("there is no %q to spoil", test.from)
			}
			if _, err := load([]byte(bad), required(f)); err == nil {
				t.Error("it is taken")
			}
		})
	}
}
