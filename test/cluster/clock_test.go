package cluster

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The client finds the server by its name, once a minute.
func TestExample_clock(t *testing.T) {
	n := newNamespace(t, "clock")
	spec, place := example(t, "clock"), env.place+"/clock"
	tool(t, "env", "CGO_ENABLED=0", "go", "build", "-C", filepath.Dir(spec), "-o", "bin/", "./cmd/...")
	pulpimg(t, "build", "-f", spec, "--push", "--registry", place)
	ready := n.apply(t, manifests(t, spec, "--registry", place))
	const succeeded = "jsonpath={.items[?(@.status.succeeded==1)].metadata.name}"
	var jobs []string
	ran := eventually(t, "a job of the schedule has ended well", 2*time.Minute, func() bool {
		jobs = strings.Fields(n.kubectl(t, "get", "jobs", "-o", succeeded))
		return len(jobs) > 0
	})
	if said := n.kubectl(t, "logs", "job/"+jobs[0]); !regexp.MustCompile(`^It is \d\d:\d\d$`).MatchString(said) {
		t.Errorf("the job said %q", said)
	}
	env.rows = append(env.rows, row{"examples/clock", ready, "the cron job asked the server for the time, and ended well " + ran + " after that"})
}
