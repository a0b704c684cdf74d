package container

import (
	"encoding/json"
	"strconv"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// health returns the options of a health check that the image does not have itself: whether the services are available.
func health(w family.Workload, tool string) []string {
	if !w.AwaitsServices || w.Probe == nil {
		return nil
	}
	return []string{
		"--health-cmd", healthCommand(w.Probe.Command, tool),
		"--health-interval", w.Probe.Interval.String(), "--health-timeout", w.Probe.Timeout.String(), "--health-retries", strconv.Itoa(w.Probe.Failures),
	}
}

// healthCommand returns a command as a tool takes it: docker has a shell of the image run it, and podman takes a list, which needs none.
// https://docs.podman.io/en/latest/markdown/podman-run.1.html#health-cmd-command-command-arg1
func healthCommand(words []string, tool string) string {
	if tool != "podman" {
		return shell.Words(words)
	}
	data, err := json.Marshal(words)
	if err != nil { // strings have a form in JSON
		return shell.Words(words)
	}
	return string(data)
}
