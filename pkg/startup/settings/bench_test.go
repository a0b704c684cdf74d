//go:build linux

package settings_test

import (
	"os/exec"
	"testing"
	"time"
)

// pairs are what the family that everybody knows sets.
var pairs = []string{
	"server/server_name", "pulp.example.com", "database/seeds", "db.example.com:27017",
	"messaging/url", "tcp://msg.example.com:5672", "tasks/broker_url", "qpid://guest@msg.example.com:5672",
}

// BenchmarkConfig is what a container's start pays for its settings, which are written into a fresh file each time: s/op has to stay below
// 0.05. The other figures are what it was before, with an augtool and all its lenses for each setting, and how many times longer that
// takes; they are measured in between, so that they come from the same machine in the same state.
func BenchmarkConfig(b *testing.B) {
	w, content := writer(b), read(b, "../../../assets/testdata/server.conf")
	const comparisons = 3
	var before time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		if n < comparisons {
			before += fourCalls(b)
		}
		n++
		file := resolved(b, settingsFile(b, content), pairs...)
		b.StartTimer()
		if err := w.Write(b.Context(), file); err != nil {
			b.Fatal(err)
		}
	}
	own, four := b.Elapsed().Seconds()/float64(n), before.Seconds()/float64(min(n, comparisons))
	b.ReportMetric(own, "s/op")
	b.ReportMetric(four, "s/four-calls")
	b.ReportMetric(four/own, "times-longer")
}

func fourCalls(b *testing.B) time.Duration {
	start := time.Now()
	for i := 0; i < len(pairs); i += 2 {
		if out, err := exec.CommandContext(b.Context(), "augtool", "-s", "set", "/files/none/"+pairs[i], pairs[i+1]).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	return time.Since(start)
}
