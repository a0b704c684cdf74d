package honesty

import (
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/build"
)

// subjects are all specs and examples, and one that has every key.
func subjects(t *testing.T) []*subject {
	t.Helper()
	everything := copied(t, "everything", "../../internal/recipe/testdata/everything", "pulpimg.yaml")
	// It is based on another image than the builder of pulpimg that runs the same command, of which nobody keeps the layer.
	everything.write(t, everything.file, strings.Replace(everything.read(t, everything.file), "from: scratch", "from: docker.io/library/debian:12x", 1))
	lower := copied(t, "pulp-el7-lower", "../../specs", "pulp-el7.yaml")
	lower.lower = "pulp.yaml"
	return []*subject{
		everything,
		lower,
		copied(t, "pulp", "../../specs", "pulp.yaml"),
		copied(t, "pulp-el7", "../../specs", "pulp-el7.yaml"),
		copied(t, "pulpimg", "../../specs/pulpimg", "pulpimg.yaml", "linux/amd64/pulpimg"),
		copied(t, "clock", "../../examples/clock", "pulpimg.yaml", "bin/server", "bin/client"),
		copied(t, "django", "../../examples/django", "pulpimg.yaml"),
		copied(t, "go-service", "../../examples/go-service", "pulpimg.yaml"),
		copied(t, "guestbook", "../../examples/guestbook", "pulpimg.yaml"),
		copied(t, "site", "../../examples/site", "pulpimg.yaml"),
		chosenSubject(t, "matrix"), // the others have none
	}
}

// TestHonest_firstBuild builds each of them once, and once again.
func TestHonest_firstBuild(t *testing.T) {
	for _, s := range subjects(t) {
		t.Run(s.name, func(t *testing.T) {
			first := step(t, s, nil)
			again, err := s.plan(t)
			if err != nil {
				t.Fatal(err)
			}
			if again.Count(build.ActionSame) != len(again.Images) {
				t.Errorf("after a build, there is something to do: %+v", again)
			}
			second := step(t, s, first.digests())
			if len(second.Steps) > 0 {
				t.Errorf("a second build did something: %+v", second.Steps)
			}
		})
	}
}

// step plans and builds, and compares the plan with the build.
func step(t *testing.T, s *subject, before map[string]string) made {
	t.Helper()
	plan, err := s.plan(t)
	if err != nil {
		t.Fatal(err)
	}
	built, err := s.build(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, mistake := range compare(plan, built, before) {
		t.Error(mistake)
	}
	return built
}
