package kube_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// beyond finds schedules that an API server takes and a spec may not have: @every, ?, names in mixed case, numbers with more digits than they need,
// ranges that begin with *, empty items of a list, and spaces at the beginning.
var beyond = regexp.MustCompile(`@every|\?|[A-Z][a-z]|00|\*-|(^|[ ,])(,|$)|,( |$)|^ `)

// The schedules that a spec may have are some of those that an API server takes.
func TestAnAPIServerTakesTheSchedulesOfASpec(t *testing.T) {
	const text = "version: 1\nname: f\nregistry: r.example\ntag: t\nimages: {a: {from: scratch, command: [x], kubernetes: {kind: cronjob, schedule: \"SCHEDULE\"}}}\n"
	valid := strings.Replace(text, "SCHEDULE", "@daily", 1)
	f := familytest.Parse(t, valid)
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
	good := string(stream(t, objects, err))
	fields := []string{
		"*", "*/5", "0", "1", "6", "7", "8", "12", "13", "23", "24", "31", "32", "59", "60", "00", "06", "007", "0-5", "5-0", "5-5", "1-3/2", "*/0", "0/5", "1,2,3", "1,", ",1", "-1", "1-", "",
		"jan", "DEC", "jan-mar", "mar-jan", "sun", "SAT", "mon-fri", "fri-mon", "mon,wed", "L", "1-13", "*,1", "*/99", "*/100", "1.5", "x",
	}
	all := []string{
		"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@every 5m", "@never", "@Daily", "", "* * * *", "* * * * * *", "*  * * *   *", " * * * * *",
		"? * * * *", "* * * * Mon", "* * * * 00-000", "*-3 * * * *", "0/100 * * * *", "TZ=UTC * * * * *", "CRON_TZ=UTC * * * * *",
	}
	for at := range 5 {
		for _, field := range fields {
			line := []string{"*", "*", "*", "*", "*"}
			line[at] = field
			all = append(all, strings.Join(line, " "))
		}
	}
	for _, schedule := range all {
		_, serverErr := testkube.Validate([]byte(strings.Replace(good, "schedule: '@daily'", "schedule: '"+schedule+"'", 1)))
		s, err := spec.Parse("f.yaml", []byte(strings.Replace(text, "SCHEDULE", schedule, 1)))
		if err == nil {
			_, err = family.Resolve(s, family.Options{})
		}
		switch {
		case err == nil && serverErr != nil:
			t.Errorf("a spec may have the schedule %q, and an API server does not take it: %v", schedule, serverErr)
		case err != nil && serverErr == nil && !beyond.MatchString(schedule):
			t.Errorf("an API server takes the schedule %q, and a spec may not have it: %v", schedule, err)
		}
	}
}
