package e2e

import (
	"flag"
	"sync"
	"testing"
)

// A lane is something that one test at a time can use. Tests in different lanes run beside each other, once the tests without a lane are
// done. A test has none if a busy machine could change its outcome.
type lane struct{ busy sync.Mutex }

// enter waits for the test's turn. What a test does before it calls enter, no other test runs beside. Its subtests must not be parallel:
// while they waited for a free place, a test that waits for the lane could have the last one.
func (l *lane) enter(t *testing.T) {
	t.Helper()
	t.Parallel()
	l.busy.Lock()
	t.Cleanup(l.busy.Unlock)
}

// lanes are what tests share.
type lanes struct {
	warm     lane // the engine of the cache that most tests share
	services lane // the lab's database and broker
	own      lane // nothing; but more engines at a time would be too many for a small machine
}

// letLanesDecide lets the lanes say how many tests run at a time, unless the command line does. A test that waits for its turn needs no
// processor.
func letLanesDecide() error {
	limited := false
	flag.Visit(func(f *flag.Flag) { limited = limited || f.Name == "test.parallel" })
	if limited {
		return nil
	}
	return flag.Set("test.parallel", "1000")
}
